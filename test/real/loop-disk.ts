/**
 * File systems of their own for tests and the lab: an image behind a loop device, mounted, robbed of its power,
 * mounted again. Unmounted, and the image removed, whatever happens: at the end, at a signal, and by the next
 * process where this one was killed. Only Linux and root can do it.
 */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'

const PREFIX = 'qlog-disk-'
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** Of a child that is on its way out. */
const UNMOUNT_TRIES = 50

/** What is mounted or made, by its room. */
const rooms = new Set<string>()

export type LoopKind = 'ext4' | 'xfs'

export class LoopDisk {
  readonly kind: LoopKind
  readonly directory: string
  readonly #image: string
  readonly #room: string

  /** `imageFolder` is where the image stands; in the room of its own unless told. */
  constructor(kind: LoopKind, bytes: number, imageFolder?: string) {
    this.kind = kind
    this.#room = makeRoom()
    this.directory = path.join(this.#room, 'mounted')
    this.#image = path.join(imageFolder ?? this.#room, 'image')
    fs.mkdirSync(this.directory)
    try {
      fs.writeFileSync(this.#image, '')
      fs.truncateSync(this.#image, bytes)
      if (kind === 'xfs') runOrThrow('mkfs.xfs', '-q', this.#image)
      else runOrThrow('mkfs.ext4', '-q', '-F', '-m', '0', this.#image)
      this.mount()
    } catch (error) {
      this.dispose()
      throw error
    }
  }

  mount(): void {
    runOrThrow('mount', '-o', 'loop', this.#image, this.directory)
  }

  /**
   * The power goes: from here on the file system does and keeps nothing more. Without `journal` what its own
   * journal has not written is lost as well, as with a real one.
   */
  cutPower(journal = false): void {
    const command = journal ? 'shutdown -f' : 'shutdown'
    runOrThrow('xfs_io', '-x', '-c', command, this.directory)
  }

  unmount(): void {
    for (let tries = 1; ; tries += 1) {
      try {
        runOrThrow('umount', this.directory)
        return
      } catch (error) {
        if (tries === UNMOUNT_TRIES) throw error
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
      }
    }
  }

  /** Power is back. */
  remount(): void {
    this.unmount()
    this.mount()
  }

  dispose(): void {
    removeRoom(this.#room)
  }
}

/** A directory for mounts that is removed whatever happens; all that is mounted in it is named `mounted`. */
export function makeRoom(): string {
  if (rooms.size === 0) watch()
  removeOrphans()
  const room = fs.mkdtempSync(path.join(os.tmpdir(), `${PREFIX}${process.pid}-`))
  rooms.add(room)
  return room
}

export function removeRoom(room: string): void {
  const directory = path.join(room, 'mounted')
  // Lazily, so that a child that is still on its way out holds nothing up.
  if (isMounted(directory)) spawnSync('umount', ['-l', directory])
  // Where it is still mounted, what is removed would be removed from there, and nothing else is lost.
  fs.rmSync(room, { recursive: true, force: true })
  rooms.delete(room)
  if (rooms.size === 0) unwatch()
}

/** Why a loop device with this file system cannot be had here; undefined where it can. */
export function whyNoLoop(kind: LoopKind): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it needs Linux and root'
  if (!fs.existsSync('/dev/loop-control')) return 'there is no /dev/loop-control'
  try {
    new LoopDisk(kind, kind === 'xfs' ? XFS_BYTES_MIN : EXT4_BYTES).dispose()
    return undefined
  } catch (error) {
    return `no ${kind}: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** mkfs.xfs makes none below this. */
export const XFS_BYTES_MIN = 320 * 1024 * 1024
const EXT4_BYTES = 12 * 1024 * 1024

/** Why no power can be cut here; undefined where it can. */
export function whyNoPowerCut(kind: LoopKind): string | undefined {
  const { error } = spawnSync('xfs_io', ['-V'])
  if (error !== undefined) return 'xfs_io is missing (Debian: xfsprogs)'
  return whyNoLoop(kind)
}

export function runOrThrow(program: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  if (status === 0) return
  throw new Error(error ? `${program}: ${error.message}` : `${program}: ${stderr.trim()}`)
}

/** Of processes that were killed before they could tidy. */
function removeOrphans(): void {
  for (const name of fs.readdirSync(os.tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]
    if (pid === undefined || fs.existsSync(`/proc/${pid}`)) continue
    removeRoom(path.join(os.tmpdir(), name))
  }
}

function isMounted(directory: string): boolean {
  if (!fs.existsSync('/proc/mounts')) return false
  return fs.readFileSync('/proc/mounts', 'utf8').includes(` ${directory} `)
}

function removeAll(): void {
  for (const room of rooms) removeRoom(room)
}

function onSignal(signal: NodeJS.Signals): void {
  removeAll()
  process.kill(process.pid, signal)
}

function watch(): void {
  process.on('exit', removeAll)
  for (const signal of SIGNALS) process.once(signal, onSignal)
}

function unwatch(): void {
  process.off('exit', removeAll)
  for (const signal of SIGNALS) process.off(signal, onSignal)
}
