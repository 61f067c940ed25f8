/**
 * Looks at a simulated disk while no process runs: a System that only reads, at once and without
 * the scheduler, so that looking moves no call number and costs no step of a schedule.
 */

import { type Assessment, assess } from '../../src/log/assess.ts'
import { scanSegment } from '../../src/log/scan.ts'
import { keyOf, surveyDirectory } from '../../src/log/survey.ts'
import { nativeFreeLz4 } from '../../src/system/native-free-lz4.ts'
import { crc32 } from '../../src/system/real/crc.ts'
import type { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import { statOf } from '../../src/system/simulated/file-handle.ts'
import type { Inode } from '../../src/system/simulated/inode.ts'
import { soon } from '../../src/system/soon.ts'
import type { FileHandle, FileStat, FileSystem, System } from '../../src/system/system.ts'

function refuse(): never {
  throw new Error('looking at a disk changes nothing')
}

class LookingHandle implements FileHandle {
  readonly isDirect = false
  readonly write = refuse
  readonly writeSync = refuse
  readonly writeMany = refuse
  readonly #inode: Inode

  constructor(inode: Inode) {
    this.#inode = inode
  }

  async read(target: Uint8Array, at: number): Promise<number> {
    return this.readSync(target, at)
  }

  readSync(target: Uint8Array, at: number): number {
    return this.#inode.content.cache.read(target, at)
  }

  async flush(): Promise<void> {}

  flushSync(): void {}

  async stat(): Promise<FileStat> {
    return statOf(this.#inode)
  }

  statSync(): FileStat {
    return statOf(this.#inode)
  }

  async close(): Promise<void> {}

  closeSync(): void {}
}

function filesOf(disk: SimulatedDisk): FileSystem {
  return {
    open: async (path) => new LookingHandle(disk.get(path, 'open')),
    openSync: (path) => new LookingHandle(disk.get(path, 'open')),
    stat: async (path) => statOf(disk.get(path, 'stat')),
    statSync: (path) => statOf(disk.get(path, 'stat')),
    list: async (directory) => disk.list(directory),
    makeDirectory: refuse,
    link: refuse,
    linkSync: refuse,
    rename: refuse,
    unlink: refuse,
    unlinkSync: refuse,
    removeDirectory: refuse,
    flushDirectory: refuse,
    flushDirectorySync: refuse,
    space: refuse,
    durableWrites: 'dsync',
  }
}

export function diskReader(disk: SimulatedDisk): System {
  return {
    files: filesOf(disk),
    clock: {
      nowMs: () => 0,
      monotonicMs: () => 0,
      sinceBootMs: () => 0,
      after: refuse,
      soon,
      afterEvents: soon,
      hold: refuse,
    },
    sockets: { listen: refuse, probe: async () => ({ state: 'missing' }), connect: refuse },
    identity: { pid: 1, host: 'looking', bootId: '0'.repeat(32), bootTimeMs: 0 },
    crc32,
    lz4: nativeFreeLz4,
    random: refuse,
    watchLoop: refuse,
    warn: refuse,
  }
}

/** What an opening would make of this directory now. */
export async function assessDisk(disk: SimulatedDisk, directory: string): Promise<Assessment> {
  const system = diskReader(disk)
  return assess(system, await surveyDirectory(system, directory))
}

export interface FoundBlock {
  readonly path: string
  readonly offset: number
  readonly end: number
  readonly type: number
  readonly firstId: number
  readonly endId: number
  /** First id of the next valid block of the file; `endId` where there is none, or nothing between. */
  readonly behindId: number
}

/** Every block that counts: below the cut of each mapped segment, and below the end of the newest. */
export async function blocksThatCount(
  disk: SimulatedDisk,
  directory: string,
): Promise<FoundBlock[]> {
  const system = diskReader(disk)
  const { survey, map, newest } = await assessDisk(disk, directory)
  const found: FoundBlock[] = []
  for (const head of survey.heads) {
    const { header, file } = head
    const entry = map.find((one) => one.number === head.number)
    const cut = head === newest?.head ? newest.tail.end : entry?.cut
    if (!header || cut === undefined) continue
    const path = `${directory}/${file}`
    const handle = await system.files.open(path, { mode: 'read' })
    const { blocks } = await scanSegment(system, handle, keyOf(header), head.actualBytes)
    for (let row = 0; row < blocks.count && blocks.offset(row) < cut; row += 1) {
      found.push({
        path,
        offset: blocks.offset(row),
        end: blocks.end(row),
        type: blocks.type(row),
        firstId: blocks.firstId(row),
        endId: blocks.endId(row),
        behindId: row + 1 < blocks.count ? blocks.firstId(row + 1) : blocks.endId(row),
      })
    }
  }
  return found
}
