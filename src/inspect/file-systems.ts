/**
 * What each kind of file system means for the promises, by the magic number of statfs(2). One table;
 * pure. The numbers are those of Linux (`linux/magic.h` and the file systems' own headers).
 */

export type Level = 'ok' | 'note' | 'problem'

/** What an operator has to know about one kind of file system. */
export interface FileSystemFacts {
  readonly name: string
  readonly level: Level
  /** True where a flushed byte is gone when the power goes: there is no disk below. */
  readonly inMemory: boolean
  readonly sentence: string
}

const JOURNALED =
  'Local and journaled: flushed messages survive a power cut, one writer is guaranteed, and a segment once made can always be written.'

const COPY_ON_WRITE =
  'Copy-on-write: flushed messages survive a power cut and one writer is guaranteed, but every overwrite takes new space, so an append may find the disk full although its segment was made. Flushes cost more than on ext4 or xfs.'

const NETWORK =
  'A network file system is not supported: other hosts cannot see this lock, so two writers are possible, and a flush may end in the cache of another machine. Use a local disk.'

const MEMORY =
  'This is memory: everything is gone when the machine stops or the file system is unmounted. Fine for tests, no place for messages that matter.'

const SHARED =
  'A directory shared by the host of this virtual machine or container: a flush reaches as far as the host passes it on, and the lock guards this kernel only. Never open the log from both sides; better use a disk of its own.'

const FUSE =
  'A program in user space (FUSE, virtiofs) serves these files: what a flush means is up to it, and the lock guards this kernel only. Trust it only if that program documents fsync; better use a local disk.'

const OVERLAY =
  'The layer of a container: flushed messages survive as far as the disk below does (not with the mount option "volatile"), but they are removed together with the container. Put the log on a volume.'

const UNJOURNALED =
  'No journal and no hard links: a power cut can damage the file system itself. Use ext4, xfs or another journaled one.'

const READ_ONLY = 'A read-only file system: a log here can be read, never written.'

function facts(name: string, level: Level, sentence: string): FileSystemFacts {
  return { name, level, sentence, inMemory: sentence === MEMORY }
}

const FACTS: ReadonlyMap<number, FileSystemFacts> = new Map([
  [0xef53, facts('ext2, ext3 or ext4', 'ok', JOURNALED)],
  [0x58465342, facts('xfs', 'ok', JOURNALED)],
  [0x3153464a, facts('jfs', 'ok', JOURNALED)],
  [
    0x7366746e,
    facts('ntfs3', 'note', 'Journaled, but not a file system that this engine is tested on.'),
  ],
  [0xf2f52010, facts('f2fs', 'note', COPY_ON_WRITE)],
  [0x9123683e, facts('btrfs', 'note', COPY_ON_WRITE)],
  [
    0x2fc12fc1,
    facts('zfs', 'note', `${COPY_ON_WRITE} Check that the data set has not sync=disabled.`),
  ],
  [0xca451a4e, facts('bcachefs', 'note', COPY_ON_WRITE)],
  [0x3434, facts('nilfs2', 'note', COPY_ON_WRITE)],
  [0x01021994, facts('tmpfs', 'problem', MEMORY)],
  [0x858458f6, facts('ramfs', 'problem', MEMORY)],
  [0x794c7630, facts('overlay', 'note', OVERLAY)],
  [0x61756673, facts('aufs', 'note', OVERLAY)],
  [0x6969, facts('nfs', 'problem', NETWORK)],
  [0xff534d42, facts('cifs', 'problem', NETWORK)],
  [0xfe534d42, facts('smb', 'problem', NETWORK)],
  [0x517b, facts('smb', 'problem', NETWORK)],
  [0x00c36400, facts('ceph', 'problem', NETWORK)],
  [0x5346414f, facts('afs', 'problem', NETWORK)],
  [0x0bd00bd0, facts('lustre', 'problem', NETWORK)],
  [0x47504653, facts('gpfs', 'problem', NETWORK)],
  [0x01161970, facts('gfs2', 'problem', NETWORK)],
  [0x7461636f, facts('ocfs2', 'problem', NETWORK)],
  [0x01021997, facts('9p', 'note', SHARED)],
  [0x786f4256, facts('vboxsf', 'note', SHARED)],
  [0x65735546, facts('fuse or virtiofs', 'note', FUSE)],
  [
    0xf15f,
    facts(
      'ecryptfs',
      'note',
      'Encrypted above another file system: what holds is what holds there.',
    ),
  ],
  [0x4d44, facts('fat', 'problem', UNJOURNALED)],
  [0x2011bab0, facts('exfat', 'problem', UNJOURNALED)],
  [0x73717368, facts('squashfs', 'problem', READ_ONLY)],
  [0xe0f5e1e2, facts('erofs', 'problem', READ_ONLY)],
  [0x9660, facts('iso9660', 'problem', READ_ONLY)],
])

/** Facts by statfs type; an unknown number is said to be unknown, never guessed. */
export function factsOfFileSystem(type: number): FileSystemFacts {
  // Some platforms hand the 32 bits out with a sign.
  const magic = type >>> 0
  const known = FACTS.get(magic)
  if (known !== undefined) return known
  return facts(
    `unknown (0x${magic.toString(16)})`,
    'note',
    'Not a file system this check knows. What could be probed is below; whether flushed bytes survive a power cut is for its documentation to say.',
  )
}
