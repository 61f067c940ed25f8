/**
 * Small real file systems for tests: ext4 and XFS in images where loop devices and mount(8) can be had,
 * else tmpfs. Unmounted, and the image removed, whatever happens. Only Linux and root can do it.
 */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { LoopDisk, makeRoom, removeRoom, runOrThrow, XFS_BYTES_MIN } from './loop-disk.ts'

const DISK_BYTES = 12 * 1024 * 1024
const PAGE = 4_096

export type DiskKind = 'ext4' | 'xfs' | 'tmpfs'

/** A mounted file system with somebody else's data on it, which comes and goes. */
export class SmallDisk {
  readonly directory: string
  #ballasts = 0

  constructor(directory: string) {
    this.directory = directory
  }

  get freeBytes(): number {
    const { bavail, bsize } = fs.statfsSync(this.directory)
    return bavail * bsize
  }

  /** Takes so many bytes, or all there are. */
  addBallast(bytes: number): void {
    const file = fs.openSync(`${this.directory}/ballast-${this.#ballasts++}`, 'w')
    try {
      for (let at = 0; at < bytes; ) {
        at += fs.writeSync(file, Buffer.alloc(Math.min(bytes - at, 16 * PAGE), 'ballast'), 0)
      }
      fs.fsyncSync(file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      fs.closeSync(file)
    }
  }

  /** Takes all but so many bytes, without writing them one by one. */
  leaveFree(bytes: number): void {
    const take = this.freeBytes - bytes
    if (take > 0) spawnSync('fallocate', ['-l', String(take), `${this.directory}/kept`])
  }

  dropBallast(): void {
    for (const name of fs.readdirSync(this.directory)) {
      if (name.startsWith('ballast-')) fs.unlinkSync(path.join(this.directory, name))
    }
  }
}

/** Which of these can be made here; tells aloud what cannot. */
export function disksAvailable(): DiskKind[] {
  const found = (['ext4', 'xfs'] as const).filter(isAvailable)
  if (found.length > 0) return found
  if (isAvailable('tmpfs')) return ['tmpfs']
  console.warn('SKIPPED: a full disk needs Linux, root and mount(8)')
  return []
}

export async function withDisk<T>(
  kind: DiskKind,
  work: (disk: SmallDisk) => T | Promise<T>,
): Promise<T> {
  const { directory, dispose } = mounted(kind)
  try {
    const disk = new SmallDisk(directory)
    // What is too much is taken away as ballast.
    if (kind === 'xfs') disk.leaveFree(DISK_BYTES)
    return await work(disk)
  } finally {
    dispose()
  }
}

function isAvailable(kind: DiskKind): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  try {
    mounted(kind).dispose()
    return true
  } catch (error) {
    console.warn(`SKIPPED: no ${kind} of its own for a full disk: ${(error as Error).message}`)
    return false
  }
}

interface Mounted {
  readonly directory: string
  dispose(): void
}

interface MountedMemory extends Mounted {
  resize(bytes: number): void
}

function mounted(kind: DiskKind): Mounted {
  return kind === 'tmpfs' ? mountedMemory(DISK_BYTES) : loopDisk(kind)
}

function loopDisk(kind: 'ext4' | 'xfs'): Mounted {
  const disk = new LoopDisk(kind, kind === 'xfs' ? XFS_BYTES_MIN : DISK_BYTES)
  return { directory: disk.directory, dispose: () => disk.dispose() }
}

/** A tmpfs of this size. */
export function mountedMemory(bytes: number): MountedMemory {
  const room = makeRoom()
  const directory = path.join(room, 'mounted')
  fs.mkdirSync(directory)
  try {
    runOrThrow('mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'qlog-test', directory)
  } catch (error) {
    removeRoom(room)
    throw error
  }
  const resize = (size: number): void =>
    runOrThrow('mount', '-o', `remount,size=${size}`, directory)
  return { directory, resize, dispose: () => removeRoom(room) }
}
