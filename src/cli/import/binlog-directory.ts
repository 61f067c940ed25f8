/**
 * The directory of a beanstalkd's binlog: which files there are, whether a beanstalkd uses them, and their
 * bytes. Reads alone; nothing there is changed.
 */
import { readFileSync, statSync } from 'node:fs'
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { QlogError, systemErrorCode } from '../../errors.ts'

/** A file is read whole. */
export const BINLOG_BYTES_MAX = 1024 * 1024 * 1024
const NAME = /^binlog\.(\d{1,10})$/

/** Names of the files in the order of their numbers, and the numbers that are missing between them. */
export interface BinlogFiles {
  readonly names: readonly string[]
  readonly missing: readonly number[]
}

/** Numbers that are missing and told. */
const MISSING_MAX = 100

/** Rejects with QLOG_IO where the directory cannot be read. */
export async function listBinlog(directory: string): Promise<BinlogFiles> {
  const found = await reading(directory, () => readdir(directory))
  const numbers = found
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
  const missing: number[] = []
  for (const [row, number] of numbers.entries()) {
    const next = numbers[row + 1] ?? number + 1
    for (let gap = number + 1; gap < next && missing.length < MISSING_MAX; gap += 1) {
      missing.push(gap)
    }
  }
  return { names: numbers.map((number) => `binlog.${number}`), missing }
}

/** The whole file; undefined where it is larger than {@link BINLOG_BYTES_MAX}. */
export async function readBinlog(directory: string, name: string): Promise<Uint8Array | undefined> {
  const path = join(directory, name)
  return reading(path, async () => {
    const { size } = await stat(path)
    return size > BINLOG_BYTES_MAX ? undefined : await readFile(path)
  })
}

/** Bodies out of the files, of which one at a time is open. */
export class BodyReader {
  readonly #directory: string
  #name = ''
  #handle: FileHandle | undefined

  constructor(directory: string) {
    this.#directory = directory
  }

  async read(name: string, at: number, bytes: number): Promise<Uint8Array> {
    const path = join(this.#directory, name)
    return reading(path, async () => {
      if (this.#name !== name) {
        await this.close()
        this.#handle = await open(path)
        this.#name = name
      }
      const body = new Uint8Array(bytes)
      let read = 0
      while (read < bytes) {
        const some = await this.#handle?.read(body, read, bytes - read, at + read)
        if (!some || some.bytesRead === 0) {
          throw new QlogError('QLOG_IO', `${path} has become shorter while it was read`)
        }
        read += some.bytesRead
      }
      return body
    })
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    this.#name = ''
    await handle?.close()
  }
}

/** Whether a process holds the lock of the directory; `unknown` where this system does not tell. */
export function lockHolder(directory: string): number | 'nobody' | 'unknown' {
  let inode: number
  let device: number
  try {
    const found = statSync(join(directory, 'lock'))
    inode = found.ino
    device = found.dev
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return 'nobody'
    throw new QlogError('QLOG_IO', `${directory}/lock cannot be looked at`, { cause: error })
  }
  let locks: string
  try {
    locks = readFileSync('/proc/locks', 'latin1')
  } catch {
    return 'unknown'
  }
  return holderIn(locks, inode, device)
}

/** Out of the lines of /proc/locks: `1: POSIX  ADVISORY  WRITE 517 08:01:3932174 0 EOF`. */
export function holderIn(locks: string, inode: number, device: number): number | 'nobody' {
  for (const line of locks.split('\n')) {
    const [, pid, major, minor, number] =
      /WRITE (-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(line) ?? []
    if (number === undefined || Number(number) !== inode) continue
    const isSameDevice =
      Number.parseInt(major ?? '', 16) === majorOf(device) &&
      Number.parseInt(minor ?? '', 16) === minorOf(device)
    // Layered file systems show another device in each place: then the name of the process tells.
    if (isSameDevice || isBeanstalkd(Number(pid))) return Number(pid)
  }
  return 'nobody'
}

function majorOf(device: number): number {
  return Math.floor(device / 256) % 4096
}

function minorOf(device: number): number {
  return (device % 256) + Math.floor(device / 0x10_0000) * 256
}

function isBeanstalkd(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trim() === 'beanstalkd'
  } catch {
    return false
  }
}

async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof QlogError) throw error
    throw new QlogError('QLOG_IO', `${path} cannot be read`, { cause: error })
  }
}
