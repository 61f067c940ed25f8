/**
 * The simulated disk: directories, names and files with their page cache, and what a power cut
 * leaves of them. It knows no process and no time; calls on it take effect at once. Pure.
 */
import { EntryChanges, type Place } from './entry-changes.ts'
import type { FlushFailure, KeptPart } from './file-content.ts'
import { Inode, type InodeKind } from './inode.ts'
import { PAGE_BYTES, type PagedBytes } from './paged-bytes.ts'
import type { Random } from './random.ts'
import { SimulatedSystemError } from './system-error.ts'
import { SECTOR_BYTES } from './tear.ts'

/** A copy of a disk at one moment, cheap to make many disks from. */
export interface DiskSnapshot {
  readonly disk: SimulatedDisk
}

export interface FoundEntry {
  readonly directory: Inode
  readonly name: string
  readonly inode: Inode | undefined
}

/** A change that no flush has covered, so that a power cut may take it back. */
export interface PendingChange {
  readonly serial: number
  /** Bytes of a write and where they stand; undefined where a name changed. */
  readonly write: { readonly position: number; readonly bytes: Uint8Array } | undefined
}

/** What a power cut keeps: whether a name changed, which part of a write arrived. */
export interface PowerCutPlan {
  keepsName(serial: number): boolean
  keptPart(serial: number, byteCount: number): KeptPart
}

/** Paths whose parts are kept. */
const PATHS_KEPT_MAX = 1_000

export class SimulatedDisk {
  /** Space for data, in whole pages; names and directories take none. */
  capacityBytes = Number.POSITIVE_INFINITY
  #root: Inode
  readonly #changes = new EntryChanges()
  #allocatedPages = 0
  #nextNumber = 3
  #freeNumbers: number[] = []
  #lastSerial = 0
  /** Paths and their parts. */
  readonly #parts = new Map<string, readonly string[]>()

  /** An empty disk, or one that goes on from a snapshot without changing it. */
  constructor(snapshot?: DiskSnapshot) {
    this.#root = new Inode('directory', 2)
    this.#root.linkCount = 1
    if (snapshot !== undefined) this.#copyFrom(snapshot.disk)
  }

  get usedBytes(): number {
    return this.#allocatedPages * PAGE_BYTES
  }

  // Names.

  /** Follows a path; the last part may be missing, those before it may not. */
  find(path: string, syscall: string): FoundEntry {
    const parts = this.#partsOf(path)
    let directory = this.#root
    const last = parts.length - 1
    for (let at = 0; at < last; at += 1) {
      const next = directory.entries.get(parts[at] ?? '')
      if (next === undefined) throw new SimulatedSystemError('ENOENT', syscall, path)
      if (next.kind !== 'directory') throw new SimulatedSystemError('ENOTDIR', syscall, path)
      directory = next
    }
    const name = parts[last]
    if (name === undefined) return { directory, name: '', inode: this.#root }
    return { directory, name, inode: directory.entries.get(name) }
  }

  /** The same few paths are followed again and again. */
  #partsOf(path: string): readonly string[] {
    const known = this.#parts.get(path)
    if (known !== undefined) return known
    const parts = path.split('/').filter((part) => part !== '' && part !== '.')
    if (this.#parts.size >= PATHS_KEPT_MAX) this.#parts.clear()
    this.#parts.set(path, parts)
    return parts
  }

  get(path: string, syscall: string): Inode {
    const { inode } = this.find(path, syscall)
    if (inode === undefined) throw new SimulatedSystemError('ENOENT', syscall, path)
    return inode
  }

  /** Makes a file, directory or socket under a new name. */
  create(path: string, kind: InodeKind, syscall: string, existsCode = 'EEXIST'): Inode {
    const { directory, name, inode: existing } = this.find(path, syscall)
    if (existing !== undefined) throw new SimulatedSystemError(existsCode, syscall, path)
    const inode = new Inode(kind, this.#freeNumbers.pop() ?? this.#nextNumber++)
    this.#change(inode, undefined, { directory, name })
    return inode
  }

  link(from: string, to: string): void {
    const inode = this.get(from, 'link')
    if (inode.kind === 'directory') throw new SimulatedSystemError('EPERM', 'link', from)
    const target = this.find(to, 'link')
    if (target.inode !== undefined) throw new SimulatedSystemError('EEXIST', 'link', to)
    this.#change(inode, undefined, { directory: target.directory, name: target.name })
  }

  rename(from: string, to: string): void {
    const source = this.find(from, 'rename')
    const { inode } = source
    if (inode === undefined) throw new SimulatedSystemError('ENOENT', 'rename', from)
    const target = this.find(to, 'rename')
    // Two names of one file: POSIX has rename do nothing and succeed.
    if (target.inode === inode) return
    if (target.inode?.kind === 'directory') {
      const code = inode.kind === 'directory' ? 'ENOTEMPTY' : 'EISDIR'
      throw new SimulatedSystemError(code, 'rename', to)
    }
    this.#change(
      inode,
      { directory: source.directory, name: source.name },
      { directory: target.directory, name: target.name },
    )
  }

  unlink(path: string): void {
    const { directory, name, inode } = this.find(path, 'unlink')
    if (inode === undefined) throw new SimulatedSystemError('ENOENT', 'unlink', path)
    if (inode.kind === 'directory') throw new SimulatedSystemError('EISDIR', 'unlink', path)
    this.#change(inode, { directory, name }, undefined)
  }

  removeDirectory(path: string): void {
    const { directory, name, inode } = this.find(path, 'rmdir')
    if (inode === undefined) throw new SimulatedSystemError('ENOENT', 'rmdir', path)
    if (inode.kind !== 'directory') throw new SimulatedSystemError('ENOTDIR', 'rmdir', path)
    if (inode.entries.size > 0) throw new SimulatedSystemError('ENOTEMPTY', 'rmdir', path)
    this.#change(inode, { directory, name }, undefined)
  }

  list(path: string): string[] {
    const inode = this.get(path, 'scandir')
    if (inode.kind !== 'directory') throw new SimulatedSystemError('ENOTDIR', 'scandir', path)
    return [...inode.entries.keys()]
  }

  /** Makes the names in the directory durable, with what they need elsewhere to stay atomic. */
  flushDirectory(path: string): void {
    this.#settleChanges(path, () => true)
  }

  /** A directory flush that fails: some changes arrive, the others never will, readers see all. */
  failFlushDirectory(path: string, random: Random): void {
    this.#settleChanges(path, () => random.chance(0.5))
  }

  #settleChanges(path: string, keeps: () => boolean): void {
    const directory = this.get(path, 'fsync')
    if (directory.kind !== 'directory') throw new SimulatedSystemError('ENOTDIR', 'fsync', path)
    this.#changes.settle(directory, keeps)
  }

  #change(inode: Inode, removed: Place | undefined, added: Place | undefined): void {
    if (removed !== undefined) {
      removed.directory.entries.delete(removed.name)
      inode.linkCount -= 1
    }
    if (added !== undefined) {
      const replaced = added.directory.entries.get(added.name)
      if (replaced !== undefined) {
        replaced.linkCount -= 1
        this.releaseUnused(replaced)
      }
      added.directory.entries.set(added.name, inode)
      inode.linkCount += 1
    }
    this.#lastSerial += 1
    this.#changes.add({ serial: this.#lastSerial, inode, removed, added })
    this.releaseUnused(inode)
  }

  // Data.

  /** Bytes from `position` on that the capacity has room for. */
  roomFor(inode: Inode, position: number, byteCount: number): number {
    if (this.capacityBytes === Number.POSITIVE_INFINITY) return byteCount
    const freePages = Math.floor(this.capacityBytes / PAGE_BYTES) - this.#allocatedPages
    return inode.content.cache.roomFor(position, byteCount, freePages)
  }

  /** Changes a file's content and keeps count of the space it takes. A write gets the serial. */
  changeContent<T>(inode: Inode, change: (serial: number) => T): T {
    const before = inode.content.cache.allocatedPages
    this.#lastSerial += 1
    try {
      return change(this.#lastSerial)
    } finally {
      this.#allocatedPages += inode.content.cache.allocatedPages - before
    }
  }

  /** Called when the last handle may have gone: an unlinked, closed file gives its space back. */
  releaseUnused(inode: Inode): void {
    if (inode.linkCount > 0 || inode.openCount > 0) return
    this.#allocatedPages -= inode.content.cache.allocatedPages
    // Real file systems hand numbers out again at once, so nobody may take one for an identity.
    this.#freeNumbers.push(inode.number)
  }

  // Crashes.

  /** Leaves what stable storage holds, each unsynced write and name decided for itself. */
  powerCut(random: Random): void {
    this.#changes.powerCut(random)
    this.#cut((inode) => inode.content.powerCut(random))
  }

  /** Leaves exactly what the plan says of everything that is pending. */
  powerCutKeeping(plan: PowerCutPlan): void {
    this.#changes.powerCutKeeping(({ serial }) => plan.keepsName(serial))
    this.#cut((inode) =>
      inode.content.powerCutKeeping(({ serial, bytes }) => plan.keptPart(serial, bytes.byteLength)),
    )
  }

  /** Everything that a power cut could take back now, in the order in which it was done. */
  pendingChanges(): PendingChange[] {
    const names = this.#changes.pending
    const inodes = new Set([
      ...this.#reachable((inode) => inode.entries),
      ...this.#reachable((inode) => inode.durableEntries),
      ...names.map(({ inode }) => inode),
    ])
    const writes = [...inodes].flatMap((inode) => inode.content.pendingWrites)
    const found: PendingChange[] = [
      ...names.map(({ serial }) => ({ serial, write: undefined })),
      ...writes.map((write) => ({ serial: write.serial, write })),
    ]
    return found.sort((left, right) => left.serial - right.serial)
  }

  /** The machine has stopped: nobody has anything open, and readers see what stable storage holds. */
  #cut(settle: (inode: Inode) => void): void {
    const numbers = new Set<number>()
    this.#allocatedPages = 0
    for (const inode of this.#reachable((directory) => directory.durableEntries)) {
      settle(inode)
      inode.entries = new Map(inode.durableEntries)
      inode.listener = undefined
      inode.openCount = 0
      inode.linkCount = inode === this.#root ? 1 : 0
      this.#allocatedPages += inode.content.cache.allocatedPages
      // A reused number may now belong to two files that are both back.
      if (numbers.has(inode.number)) inode.number = this.#nextNumber++
      numbers.add(inode.number)
    }
    this.#freeNumbers = []
    for (const directory of this.#reachable((inode) => inode.entries)) {
      for (const inode of directory.entries.values()) inode.linkCount += 1
    }
  }

  snapshot(): DiskSnapshot {
    const disk = new SimulatedDisk()
    disk.#copyFrom(this)
    return { disk }
  }

  // For tests: looking and planting. None of these is a call that a process makes.

  /** Every file as readers see it: path and bytes. */
  tree(): Map<string, Uint8Array> {
    const found = new Map<string, Uint8Array>()
    for (const [path, content] of this.contents()) found.set(path, content.toBytes())
    return found
  }

  /** The same without a copy: pages are shared until somebody writes to them. */
  contents(): Map<string, PagedBytes> {
    const found = new Map<string, PagedBytes>()
    const walk = (directory: Inode, prefix: string): void => {
      for (const [name, inode] of directory.entries) {
        if (inode.kind === 'directory') walk(inode, `${prefix}${name}/`)
        else if (inode.kind === 'file') found.set(prefix + name, inode.content.cache.clone())
      }
    }
    walk(this.#root, '/')
    return new Map([...found].sort(([left], [right]) => (left < right ? -1 : 1)))
  }

  exists(path: string): boolean {
    let inode = this.#root
    for (const part of this.#partsOf(path)) {
      const next = inode.kind === 'directory' ? inode.entries.get(part) : undefined
      if (next === undefined) return false
      inode = next
    }
    return true
  }

  readFile(path: string): Uint8Array {
    return this.#file(path).content.cache.toBytes()
  }

  /** Puts a file there, durably, with the directories it needs; an existing one is overwritten. */
  putFile(path: string, bytes: Uint8Array): void {
    const names = path.split('/').filter((part) => part !== '')
    for (let depth = 1; depth < names.length; depth += 1) {
      const parent = `/${names.slice(0, depth).join('/')}`
      if (!this.exists(parent)) this.#putEntry(parent, 'directory')
    }
    const inode = this.exists(path) ? this.#file(path) : this.#putEntry(path, 'file')
    this.changeContent(inode, () => inode.content.replace(bytes))
  }

  /** Takes a file or socket away, durably; other changes in its directory become durable too. */
  removeFile(path: string): void {
    this.unlink(path)
    this.flushDirectory(path.slice(0, path.lastIndexOf('/') + 1))
  }

  /** `isHidden`: the page cache still has what was there. */
  flipBit(path: string, offset: number, bit: number, isHidden = false): void {
    const flip = (bytes: Uint8Array): void => {
      bytes[0] = (bytes[0] ?? 0) ^ (1 << bit)
    }
    this.#file(path).content.damage(offset, 1, flip, isHidden)
  }

  /** Zeros the sector that `offset` lies in. */
  zeroSector(path: string, offset: number): void {
    this.#file(path).content.damage(sectorStart(offset), SECTOR_BYTES, (bytes) => bytes.fill(0))
  }

  /** A misdirected or stale write: one whole sector over another, in the same file or not. */
  copySector(fromPath: string, fromOffset: number, toPath: string, toOffset: number): void {
    const source = new Uint8Array(SECTOR_BYTES)
    this.#file(fromPath).content.cache.read(source, sectorStart(fromOffset))
    this.#file(toPath).content.damage(sectorStart(toOffset), SECTOR_BYTES, (bytes) =>
      bytes.set(source.subarray(0, bytes.byteLength)),
    )
  }

  /** A failed flush of everything pending in one file, without any process. */
  failFlush(path: string, flavour: FlushFailure, random: Random): void {
    const inode = this.#file(path)
    this.changeContent(inode, () => inode.content.failFlush(flavour, random))
  }

  #file(path: string): Inode {
    const inode = this.get(path, 'open')
    if (inode.kind !== 'file') throw new Error(`${path} is no file`)
    return inode
  }

  #putEntry(path: string, kind: InodeKind): Inode {
    const inode = this.create(path, kind, 'open')
    this.#changes.keepNewest()
    return inode
  }

  // Copies.

  /** Every inode that can be reached from the root by the given names, each once. */
  #reachable(namesOf: (directory: Inode) => Map<string, Inode>): Set<Inode> {
    const found = new Set([this.#root])
    for (const inode of found) for (const child of namesOf(inode).values()) found.add(child)
    return found
  }

  #copyFrom(original: SimulatedDisk): void {
    const copies = new Map<Inode, Inode>([[original.#root, this.#root]])
    const copyOf = (inode: Inode): Inode => {
      const known = copies.get(inode)
      if (known !== undefined) return known
      const copy = new Inode(inode.kind, inode.number)
      copy.linkCount = inode.linkCount
      copy.content = inode.content.clone()
      copies.set(inode, copy)
      return copy
    }
    original.#changes.copyTo(this.#changes, copyOf)
    // The map grows while it is walked, so that every name's inode gets its own names copied too.
    for (const [inode, copy] of copies) {
      for (const [name, child] of inode.entries) copy.entries.set(name, copyOf(child))
      for (const [name, child] of inode.durableEntries) {
        copy.durableEntries.set(name, copyOf(child))
      }
    }
    this.capacityBytes = original.capacityBytes
    this.#nextNumber = original.#nextNumber
    this.#lastSerial = original.#lastSerial
    // Nobody has files open in a copy, so unlinked ones that were open take no space there.
    this.#freeNumbers = original.#freeNumbers.slice()
    this.#allocatedPages = 0
    for (const copy of copies.values()) {
      if (copy.linkCount > 0) this.#allocatedPages += copy.content.cache.allocatedPages
    }
  }
}

function sectorStart(offset: number): number {
  return offset - (offset % SECTOR_BYTES)
}
