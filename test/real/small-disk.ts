/**
 * Small real file systems for tests: ext4 and XFS in images where loop devices and mount(8) can be had,
 * else tmpfs. Unmounted, and the image removed, whatever happens. Only Linux and root can do it.
 */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'

const DISK_BYTES = 12 * 1024 * 1024
/** mkfs.xfs makes none below this; what is too much is taken away as ballast. */
const XFS_BYTES = 320 * 1024 * 1024
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
  const room = fs.mkdtempSync(path.join(os.tmpdir(), 'qlog-disk-'))
  const directory = path.join(room, 'mounted')
  fs.mkdirSync(directory)
  try {
    mountOn(kind, room, directory)
    const disk = new SmallDisk(directory)
    if (kind === 'xfs') disk.leaveFree(DISK_BYTES)
    return await work(disk)
  } finally {
    // Lazily, so that a child that is still on its way out holds nothing up.
    spawnSync('umount', ['-l', directory])
    fs.rmSync(room, { recursive: true, force: true })
  }
}

function isAvailable(kind: DiskKind): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const room = fs.mkdtempSync(path.join(os.tmpdir(), 'qlog-disk-'))
  const directory = path.join(room, 'mounted')
  fs.mkdirSync(directory)
  try {
    mountOn(kind, room, directory)
    return true
  } catch (error) {
    console.warn(`SKIPPED: no ${kind} of its own for a full disk: ${(error as Error).message}`)
    return false
  } finally {
    spawnSync('umount', ['-l', directory])
    fs.rmSync(room, { recursive: true, force: true })
  }
}

function mountOn(kind: DiskKind, room: string, directory: string): void {
  if (kind === 'tmpfs') {
    runOrThrow('mount', '-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'qlog-test', directory)
    return
  }
  const image = path.join(room, 'image')
  fs.writeFileSync(image, '')
  fs.truncateSync(image, kind === 'xfs' ? XFS_BYTES : DISK_BYTES)
  if (kind === 'xfs') runOrThrow('mkfs.xfs', '-q', image)
  else runOrThrow('mkfs.ext4', '-q', '-F', '-m', '0', image)
  runOrThrow('mount', '-o', 'loop', image, directory)
}

function runOrThrow(program: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  if (status === 0) return
  throw new Error(error ? `${program}: ${error.message}` : `${program}: ${stderr.trim()}`)
}
