/**
 * The real file system: paths, directories, and which primitive makes bytes durable on this
 * platform. Touches the disk through `node:fs` and nothing else.
 */
import * as fs from 'node:fs'
import { QlogError } from '../../errors.ts'
import type { FileHandle, FileStat, FileSystem, OpenOptions, SpaceInfo } from '../system.ts'
import { openDirect } from './direct-file.ts'
import { FILE_MODE, openDescriptor, READ_FLAGS, RealFileHandle, toFileStat } from './file-handle.ts'

/**
 * The primitive documented to reach stable storage: O_DSYNC or fdatasync on Linux. On macOS only
 * fsync does (libuv makes it F_FULLFSYNC; O_DSYNC leaves the bytes in the drive's cache), and on
 * Windows FlushFileBuffers, which is fsync too. Anything else is refused: never a silent mode.
 */
export function durableWritesOf(platform: string): 'dsync' | 'flush' {
  if (platform === 'linux') return 'dsync'
  if (platform === 'darwin' || platform === 'win32') return 'flush'
  throw new QlogError(
    'QLOG_UNSUPPORTED',
    `no way to reach stable storage is known for platform ${platform}`,
  )
}

/** `dsyncFlag` is handed in because `undefined | O_RDWR` would open without any sync. */
export function openFlags(options: OpenOptions, dsyncFlag: number | undefined): number {
  const flags = modeFlags(options.mode)
  if (options.direct === true && options.mode !== 'read') {
    throw new Error('only a handle opened for reading can pass the page cache by')
  }
  if (options.durable !== true) return flags
  if (options.mode === 'read') throw new Error('a handle opened for reading cannot be durable')
  if (dsyncFlag === undefined || dsyncFlag === 0) {
    throw new QlogError('QLOG_UNSUPPORTED', 'this platform has no O_DSYNC that reaches the drive')
  }
  return flags | dsyncFlag
}

function modeFlags(mode: OpenOptions['mode']): number {
  const { O_RDWR, O_CREAT, O_EXCL } = fs.constants
  if (mode === 'read') return READ_FLAGS
  if (mode === 'write') return O_RDWR
  return O_RDWR | O_CREAT | O_EXCL
}

/** Magic numbers of statfs(2), as in linux/magic.h and the file systems' own headers. */
const COPY_ON_WRITE_TYPES: ReadonlySet<number> = new Set([
  0x9123683e, // btrfs
  0x2fc12fc1, // zfs
  0xca451a4e, // bcachefs
  0xf2f52010, // f2fs, which writes a log
  0x3434, // nilfs2, likewise
])

/** Whether a file system of this type writes every change to a new place. */
export function copiesOnWrite(type: number): boolean {
  // Some platforms hand the 32 bits out with a sign.
  return COPY_ON_WRITE_TYPES.has(type >>> 0)
}

export class RealFileSystem implements FileSystem {
  readonly durableWrites: 'dsync' | 'flush'
  readonly #platform: string

  constructor(platform: string) {
    this.#platform = platform
    this.durableWrites = durableWritesOf(platform)
  }

  async open(path: string, options: OpenOptions): Promise<FileHandle> {
    const flags = this.#flagsOf(options)
    const direct = options.direct === true ? await openDirect(path) : undefined
    return direct ?? this.#handleOf(await openDescriptor(path, flags))
  }

  openSync(path: string, options: OpenOptions): FileHandle {
    return this.#handleOf(fs.openSync(path, this.#flagsOf(options), FILE_MODE))
  }

  stat(path: string): Promise<FileStat> {
    return new Promise((resolve, reject) => {
      fs.stat(path, (error, stats) => {
        if (error === null) resolve(toFileStat(stats))
        else reject(error)
      })
    })
  }

  statSync(path: string): FileStat {
    return toFileStat(fs.statSync(path))
  }

  list(directory: string): Promise<string[]> {
    return fs.promises.readdir(directory)
  }

  async makeDirectory(path: string): Promise<void> {
    await fs.promises.mkdir(path)
  }

  link(from: string, to: string): Promise<void> {
    return fs.promises.link(from, to)
  }

  linkSync(from: string, to: string): void {
    fs.linkSync(from, to)
  }

  rename(from: string, to: string): Promise<void> {
    return fs.promises.rename(from, to)
  }

  unlink(path: string): Promise<void> {
    return fs.promises.unlink(path)
  }

  unlinkSync(path: string): void {
    fs.unlinkSync(path)
  }

  removeDirectory(path: string): Promise<void> {
    return fs.promises.rmdir(path)
  }

  /**
   * On Windows a directory cannot be opened for this, and NTFS journals its entries: nothing is
   * done there, and nothing is promised about a power cut there either.
   */
  async flushDirectory(path: string): Promise<void> {
    if (this.#platform === 'win32') return
    const descriptor = await openDescriptor(path, fs.constants.O_RDONLY)
    const handle = new RealFileHandle(descriptor, false)
    try {
      await handle.flush()
    } finally {
      await handle.close()
    }
  }

  /** Like flushDirectory. */
  flushDirectorySync(path: string): void {
    if (this.#platform === 'win32') return
    const descriptor = fs.openSync(path, fs.constants.O_RDONLY)
    try {
      fs.fsyncSync(descriptor)
    } finally {
      fs.closeSync(descriptor)
    }
  }

  async space(path: string): Promise<SpaceInfo> {
    const found = await fs.promises.statfs(path)
    return {
      // Root may write into what file systems keep back for it.
      freeBytes: (process.getuid?.() === 0 ? found.bfree : found.bavail) * found.bsize,
      totalBytes: found.blocks * found.bsize,
      type: found.type,
      copiesOnWrite: copiesOnWrite(found.type),
    }
  }

  #flagsOf(options: OpenOptions): number {
    const dsyncFlag: number | undefined =
      this.durableWrites === 'dsync' ? fs.constants.O_DSYNC : undefined
    return openFlags(options, dsyncFlag)
  }

  #handleOf(descriptor: number): FileHandle {
    return new RealFileHandle(descriptor, this.durableWrites === 'dsync')
  }
}
