/**
 * One open file of the real file system: a numeric descriptor and the calls on it. The callback
 * functions of `node:fs` are wrapped in one promise each, because `fs.promises` costs more a call.
 * Touches nothing but its descriptor.
 */
import * as fs from 'node:fs'
import type { FileHandle, FileStat } from '../system.ts'

/** Mode of created files, masked by umask. */
export const FILE_MODE = 0o644

/**
 * A pipe under the name of a file would hold up whoever opens it, for ever and beyond every signal: it is
 * opened at once, and refuses to be read at a place. Files and directories know no difference; Windows has
 * no such flag.
 */
export const READ_FLAGS = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0)

export function openDescriptor(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, flags, FILE_MODE, (error, descriptor) => {
      if (error === null) resolve(descriptor)
      else reject(error)
    })
  })
}

export function toFileStat(stats: fs.Stats): FileStat {
  return {
    size: stats.size,
    allocatedBytes: stats.blocks * 512,
    device: stats.dev,
    inode: stats.ino,
    linkCount: stats.nlink,
    kind: kindOf(stats),
  }
}

function kindOf(stats: fs.Stats): FileStat['kind'] {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSocket()) return 'socket'
  return 'other'
}

export class RealFileHandle implements FileHandle {
  readonly isDirect: boolean = false
  readonly #descriptor: number
  readonly #dataOnly: boolean
  #closed = false
  #pendingCalls = 0

  /** `dataOnly`: flush with fdatasync; otherwise with fsync, which alone reaches the drive. */
  constructor(descriptor: number, dataOnly: boolean) {
    this.#descriptor = descriptor
    this.#dataOnly = dataOnly
  }

  read(target: Uint8Array, position: number): Promise<number> {
    const descriptor = this.#begin()
    return new Promise((resolve, reject) => {
      fs.read(descriptor, target, 0, target.byteLength, position, (error, byteCount) => {
        this.#pendingCalls -= 1
        if (error === null) resolve(byteCount)
        else reject(error)
      })
    })
  }

  readSync(target: Uint8Array, position: number): number {
    return fs.readSync(this.#open(), target, 0, target.byteLength, position)
  }

  write(source: Uint8Array, position: number): Promise<number> {
    const descriptor = this.#begin()
    return new Promise((resolve, reject) => {
      fs.write(descriptor, source, 0, source.byteLength, position, (error, byteCount) => {
        this.#pendingCalls -= 1
        if (error === null) resolve(byteCount)
        else reject(error)
      })
    })
  }

  writeSync(source: Uint8Array, position: number): number {
    return fs.writeSync(this.#open(), source, 0, source.byteLength, position)
  }

  writeMany(sources: readonly Uint8Array[], position: number): Promise<number> {
    if (sources.length === 0) throw new Error('writeMany needs at least one buffer')
    const descriptor = this.#begin()
    return new Promise((resolve, reject) => {
      fs.writev(descriptor, sources, position, (error, byteCount) => {
        this.#pendingCalls -= 1
        if (error === null) resolve(byteCount)
        else reject(error)
      })
    })
  }

  flush(): Promise<void> {
    const descriptor = this.#begin()
    const call = this.#dataOnly ? fs.fdatasync : fs.fsync
    return new Promise((resolve, reject) => {
      call(descriptor, (error) => {
        this.#pendingCalls -= 1
        if (error === null) resolve()
        else reject(error)
      })
    })
  }

  flushSync(): void {
    const descriptor = this.#open()
    if (this.#dataOnly) fs.fdatasyncSync(descriptor)
    else fs.fsyncSync(descriptor)
  }

  stat(): Promise<FileStat> {
    const descriptor = this.#begin()
    return new Promise((resolve, reject) => {
      fs.fstat(descriptor, (error, stats) => {
        this.#pendingCalls -= 1
        if (error === null) resolve(toFileStat(stats))
        else reject(error)
      })
    })
  }

  statSync(): FileStat {
    return toFileStat(fs.fstatSync(this.#open()))
  }

  /** A descriptor closed under a running call could already be another file's: never allowed. */
  close(): Promise<void> {
    const descriptor = this.#end()
    return new Promise((resolve, reject) => {
      fs.close(descriptor, (error) => {
        if (error == null) resolve()
        else reject(error)
      })
    })
  }

  closeSync(): void {
    fs.closeSync(this.#end())
  }

  #end(): number {
    const descriptor = this.#open()
    if (this.#pendingCalls !== 0) {
      throw new Error(`file handle closed while ${this.#pendingCalls} calls on it were under way`)
    }
    this.#closed = true
    return descriptor
  }

  #open(): number {
    if (this.#closed) throw new Error('file handle used after close')
    return this.#descriptor
  }

  #begin(): number {
    const descriptor = this.#open()
    this.#pendingCalls += 1
    return descriptor
  }
}
