/** The file system as one simulated process sees it. */
import { QlogError } from '../../errors.ts'
import type { FileHandle, FileStat, FileSystem, OpenOptions, SpaceInfo } from '../system.ts'
import type { CallKind } from './calls.ts'
import { SimulatedFileHandle, type SimulatedWorld, statOf } from './file-handle.ts'
import type { Inode } from './inode.ts'
import type { Begun, Caller, Operation } from './scheduler.ts'
import { SimulatedSystemError } from './system-error.ts'

/** What an unlimited disk claims to have. */
const UNLIMITED_BYTES = 2 ** 40
/** statfs(2) of ext4. */
const EXT4_MAGIC = 0xef53

/** A call on a path: it happens at once or fails. */
interface PathCall<T> {
  readonly syscall: string
  /** Whether it changes anything, and so may have happened or not when its process dies in it. */
  readonly changes: boolean
  readonly act: () => T
  /** What it does although it fails. */
  readonly failing?: (error: string) => void
}

export class SimulatedFileSystem implements FileSystem {
  readonly durableWrites: 'dsync' | 'flush'
  readonly #world: SimulatedWorld
  readonly #caller: Caller
  readonly #descriptorsMax: number
  readonly #hasDirect: boolean
  readonly #open = new Set<Inode[]>()

  constructor(
    world: SimulatedWorld,
    caller: Caller,
    durableWrites: 'dsync' | 'flush',
    descriptorsMax: number,
    hasDirect: boolean,
  ) {
    this.#world = world
    this.#caller = caller
    this.durableWrites = durableWrites
    this.#descriptorsMax = descriptorsMax
    this.#hasDirect = hasDirect
  }

  /** Lets go of everything that is open, as the kernel does for a dead process. */
  releaseAll(): void {
    for (const [inode] of this.#open) if (inode !== undefined) this.#release(inode)
    this.#open.clear()
  }

  get openHandles(): number {
    return this.#open.size
  }

  open(path: string, options: OpenOptions): Promise<FileHandle> {
    return this.#issue('open', path, this.#opening(path, options))
  }

  openSync(path: string, options: OpenOptions): FileHandle {
    return this.#perform('openSync', path, this.#opening(path, options))
  }

  stat(path: string): Promise<FileStat> {
    return this.#issue('stat', path, this.#looking(path))
  }

  statSync(path: string): FileStat {
    return this.#perform('statSync', path, this.#looking(path))
  }

  list(directory: string): Promise<string[]> {
    const { disk, random } = this.#world
    return this.#issue('list', directory, {
      syscall: 'scandir',
      changes: false,
      // Real directories have no order that anybody may rely on.
      act: () => random.shuffle(disk.list(directory)),
    })
  }

  makeDirectory(path: string): Promise<void> {
    return this.#issue('makeDirectory', path, {
      syscall: 'mkdir',
      changes: true,
      act: () => {
        this.#world.disk.create(path, 'directory', 'mkdir')
      },
    })
  }

  link(from: string, to: string): Promise<void> {
    return this.#issue('link', `${from} -> ${to}`, this.#linking(from, to))
  }

  linkSync(from: string, to: string): void {
    this.#perform('linkSync', `${from} -> ${to}`, this.#linking(from, to))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#issue('rename', `${from} -> ${to}`, {
      syscall: 'rename',
      changes: true,
      act: () => this.#world.disk.rename(from, to),
    })
  }

  unlink(path: string): Promise<void> {
    return this.#issue('unlink', path, this.#unlinking(path))
  }

  unlinkSync(path: string): void {
    this.#perform('unlinkSync', path, this.#unlinking(path))
  }

  removeDirectory(path: string): Promise<void> {
    return this.#issue('removeDirectory', path, {
      syscall: 'rmdir',
      changes: true,
      act: () => this.#world.disk.removeDirectory(path),
    })
  }

  flushDirectory(path: string): Promise<void> {
    return this.#issue('flushDirectory', path, this.#flushingDirectory(path))
  }

  flushDirectorySync(path: string): void {
    this.#perform('flushDirectorySync', path, this.#flushingDirectory(path))
  }

  space(path: string): Promise<SpaceInfo> {
    const { disk } = this.#world
    return this.#issue('space', path, {
      syscall: 'statfs',
      changes: false,
      act: () => {
        disk.get(path, 'statfs')
        const totalBytes = Math.min(disk.capacityBytes, UNLIMITED_BYTES)
        const freeBytes = Math.max(0, totalBytes - disk.usedBytes)
        return { freeBytes, totalBytes, type: EXT4_MAGIC, copiesOnWrite: false }
      },
    })
  }

  #opening(path: string, options: OpenOptions): PathCall<FileHandle> {
    if (options.durable === true && options.mode === 'read') {
      throw new Error('a handle opened for reading cannot be durable')
    }
    if (options.durable === true && this.durableWrites !== 'dsync') {
      throw new QlogError('QLOG_UNSUPPORTED', 'this platform has no O_DSYNC that reaches the drive')
    }
    if (options.direct === true && options.mode !== 'read') {
      throw new Error('only a handle opened for reading can pass the page cache by')
    }
    // Where there is no such thing the handle says so.
    const how = this.#hasDirect ? options : { ...options, direct: false }
    const creates = options.mode === 'create'
    return { syscall: 'open', changes: creates, act: () => this.#openNow(path, how) }
  }

  #openNow(path: string, options: OpenOptions): FileHandle {
    if (this.#open.size >= this.#descriptorsMax) {
      throw new SimulatedSystemError('EMFILE', 'open', path)
    }
    const { disk } = this.#world
    const creates = options.mode === 'create'
    const inode = creates ? disk.create(path, 'file', 'open') : disk.get(path, 'open')
    if (inode.kind !== 'file') {
      const code = inode.kind === 'directory' ? 'EISDIR' : 'ENXIO'
      throw new SimulatedSystemError(code, 'open', path)
    }
    const held = [inode]
    inode.openCount += 1
    this.#open.add(held)
    return new SimulatedFileHandle(this.#world, this.#caller, path, inode, options, () => {
      if (this.#open.delete(held)) this.#release(inode)
    })
  }

  #looking(path: string): PathCall<FileStat> {
    return {
      syscall: 'stat',
      changes: false,
      act: () => statOf(this.#world.disk.get(path, 'stat')),
    }
  }

  #linking(from: string, to: string): PathCall<void> {
    return { syscall: 'link', changes: true, act: () => this.#world.disk.link(from, to) }
  }

  #unlinking(path: string): PathCall<void> {
    return { syscall: 'unlink', changes: true, act: () => this.#world.disk.unlink(path) }
  }

  #flushingDirectory(path: string): PathCall<void> {
    const { disk, random } = this.#world
    return {
      syscall: 'fsync',
      changes: false,
      act: () => disk.flushDirectory(path),
      // An open that fails for want of descriptors has touched nothing; a failed flush has.
      failing: (error) => {
        if (error === 'EIO') disk.failFlushDirectory(path, random)
      },
    }
  }

  #issue<T>(kind: CallKind, path: string, call: PathCall<T>): Promise<T> {
    const begun = this.#world.scheduler.begin(this.#caller, kind, path)
    return this.#world.scheduler.issue(begun, this.#operation(begun, call))
  }

  #perform<T>(kind: CallKind, path: string, call: PathCall<T>): T {
    const begun = this.#world.scheduler.begin(this.#caller, kind, path)
    return this.#world.scheduler.perform(begun, this.#operation(begun, call))
  }

  #operation<T>(begun: Begun, call: PathCall<T>): Operation<T> {
    const effect = (): T => {
      if (begun.fault === undefined) return call.act()
      call.failing?.(begun.fault.error)
      throw new SimulatedSystemError(begun.fault.error, call.syscall, begun.path)
    }
    const interrupted = (): void => {
      if (!this.#world.crashRandom.chance(0.5)) return
      try {
        effect()
      } catch (error) {
        // It would have failed, and nobody is left to hear of it.
        if (!(error instanceof SimulatedSystemError)) throw error
      }
    }
    return { first: undefined, effect, interrupted: call.changes ? interrupted : undefined }
  }

  #release(inode: Inode): void {
    inode.openCount -= 1
    this.#world.disk.releaseUnused(inode)
  }
}
