/** One open file of a simulated process: reads, writes and flushes with their faults. */
import type { FileHandle, FileStat, OpenOptions } from '../system.ts'
import type { CallKind } from './calls.ts'
import type { SimulatedDisk } from './disk.ts'
import type { FaultRule } from './faults.ts'
import { FLUSH_FAILURES, type FlushFailure } from './file-content.ts'
import type { Inode } from './inode.ts'
import { PAGE_BYTES } from './paged-bytes.ts'
import type { Random } from './random.ts'
import type { Begun, Caller, Operation, Scheduler } from './scheduler.ts'
import { SimulatedSystemError } from './system-error.ts'

/** What a simulated process's calls reach. */
export interface SimulatedWorld {
  readonly disk: SimulatedDisk
  readonly scheduler: Scheduler
  readonly random: Random
  readonly crashRandom: Random
}

/** How often a write can be seen half done by others. */
const SPLIT_PROBABILITY = 0.5

export class SimulatedFileHandle implements FileHandle {
  readonly isDirect: boolean
  readonly #world: SimulatedWorld
  readonly #caller: Caller
  readonly #path: string
  readonly #inode: Inode
  readonly #options: OpenOptions
  readonly #released: () => void
  /** Of the errors of writing back: what came behind is told once, whoever met it (decision 0016). */
  #toldErrors: number
  #closed = false
  #pendingCalls = 0
  readonly #returned = (): void => {
    this.#pendingCalls -= 1
  }

  constructor(
    world: SimulatedWorld,
    caller: Caller,
    path: string,
    inode: Inode,
    options: OpenOptions,
    released: () => void,
  ) {
    this.#world = world
    this.#caller = caller
    this.#path = path
    this.#inode = inode
    this.#options = options
    this.#released = released
    this.#toldErrors = inode.flushErrors
    this.isDirect = options.direct === true
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#issue('read', (begun) => this.#reading(begun, target, position))
  }

  readSync(target: Uint8Array, position: number): number {
    return this.#perform('readSync', (begun) => this.#reading(begun, target, position))
  }

  write(source: Uint8Array, position: number): Promise<number> {
    return this.#issue('write', (begun) => this.#writing(begun, [source], position))
  }

  writeSync(source: Uint8Array, position: number): number {
    return this.#perform('writeSync', (begun) => this.#writing(begun, [source], position))
  }

  writeMany(sources: readonly Uint8Array[], position: number): Promise<number> {
    if (sources.length === 0) throw new Error('writeMany needs at least one buffer')
    return this.#issue('writeMany', (begun) => this.#writing(begun, sources, position))
  }

  flush(): Promise<void> {
    return this.#issue('flush', (begun) => this.#flushing(begun))
  }

  flushSync(): void {
    this.#perform('flushSync', (begun) => this.#flushing(begun))
  }

  stat(): Promise<FileStat> {
    return this.#issue('handleStat', (begun) => this.#looking(begun))
  }

  statSync(): FileStat {
    return this.#perform('handleStatSync', (begun) => this.#looking(begun))
  }

  close(): Promise<void> {
    const begun = this.#end('close')
    return this.#world.scheduler.issue(begun, this.#closing(begun))
  }

  closeSync(): void {
    const begun = this.#end('closeSync')
    this.#world.scheduler.perform(begun, this.#closing(begun))
  }

  #end(kind: CallKind): Begun {
    if (this.#closed) throw new Error('file handle used after close')
    if (this.#pendingCalls !== 0) {
      throw new Error(`file handle closed while ${this.#pendingCalls} calls on it were under way`)
    }
    this.#closed = true
    return this.#world.scheduler.begin(this.#caller, kind, this.#path)
  }

  #closing(begun: Begun): Operation<void> {
    return {
      first: undefined,
      effect: () => {
        this.#released()
        if (begun.fault !== undefined) throw this.#error(begun.fault.error, 'close')
      },
      interrupted: undefined,
    }
  }

  #reading(begun: Begun, target: Uint8Array, position: number): Operation<number> {
    return {
      first: undefined,
      effect: () => {
        if (begun.fault !== undefined) throw this.#error(begun.fault.error, 'read')
        const { content } = this.#inode
        return this.isDirect
          ? content.readDirect(target, position)
          : content.cache.read(target, position)
      },
      interrupted: undefined,
    }
  }

  #writing(begun: Begun, sources: readonly Uint8Array[], position: number): Operation<number> {
    const { crashRandom, random } = this.#world
    // The kernel reads the caller's buffers when it copies them, not when the call was made.
    const bytes = (): Uint8Array => joined(sources)
    const first =
      begun.fault === undefined && random.chance(SPLIT_PROBABILITY)
        ? () => this.#writePart(bytes(), position, random)
        : undefined
    return {
      first,
      effect: () => this.#writeNow(bytes(), position, begun.fault),
      interrupted: () => {
        if (crashRandom.chance(2 / 3)) this.#writePart(bytes(), position, crashRandom)
      },
    }
  }

  /** Takes whole pages from the front, as the kernel copies them, or everything. */
  #writePart(bytes: Uint8Array, position: number, random: Random): void {
    if (this.#options.mode === 'read') return
    const end = position + bytes.byteLength
    const pageCount = Math.ceil(end / PAGE_BYTES) - Math.floor(position / PAGE_BYTES)
    const cut = (Math.floor(position / PAGE_BYTES) + random.between(1, pageCount)) * PAGE_BYTES
    const length = random.chance(0.5) ? bytes.byteLength : Math.min(end, cut) - position
    const { disk } = this.#world
    const taken = disk.roomFor(this.#inode, position, length)
    if (taken <= 0) return
    disk.changeContent(this.#inode, (serial) => {
      this.#inode.content.write(bytes.subarray(0, taken), position, serial)
    })
  }

  #writeNow(bytes: Uint8Array, position: number, fault: FaultRule | undefined): number {
    if (this.#options.mode === 'read') throw this.#error('EBADF', 'write')
    if (bytes.byteLength === 0) return 0
    if (fault !== undefined && fault.error !== 'short') this.#failWrite(bytes, position, fault)
    const { disk, random } = this.#world
    const room = disk.roomFor(this.#inode, position, bytes.byteLength)
    if (room === 0) throw this.#error('ENOSPC', 'write')
    const short = fault?.error === 'short' && room > 1
    const taken = short ? random.between(1, room - 1) : room
    const { content } = this.#inode
    disk.changeContent(this.#inode, (serial) => {
      const write = content.write(bytes.subarray(0, taken), position, serial)
      if (this.#options.durable === true) content.makeDurable(write)
    })
    if (this.#options.durable === true) this.#tell('write')
    return taken
  }

  /** Everything is on the disk, but of what failed before through another description this one has to hear. */
  #tell(syscall: string): void {
    if (this.#toldErrors === this.#inode.flushErrors) return
    this.#toldErrors = this.#inode.flushErrors
    throw this.#error('EIO', syscall)
  }

  #noteFlushError(): void {
    this.#toldErrors = ++this.#inode.flushErrors
  }

  /**
   * EIO may come after bytes were taken; on a durable handle also from its flush, in the three
   * flavours. Any other error means that nothing was taken.
   */
  #failWrite(bytes: Uint8Array, position: number, fault: FaultRule): never {
    const { disk, random } = this.#world
    if (fault.error === 'EIO') {
      const inFlush = fault.flavour !== undefined || random.chance(0.5)
      const { content } = this.#inode
      if (this.#options.durable !== true || !inFlush) {
        if (random.chance(0.5)) this.#writePart(bytes, position, random)
      } else if (disk.roomFor(this.#inode, position, bytes.byteLength) === bytes.byteLength) {
        disk.changeContent(this.#inode, (serial) => {
          const write = content.write(bytes, position, serial)
          content.failDurableWrite(write, this.#flavour(fault), random)
        })
        this.#noteFlushError()
      }
    }
    throw this.#error(fault.error, 'write')
  }

  #flushing(begun: Begun): Operation<void> {
    return {
      first: undefined,
      effect: () => {
        const { content } = this.#inode
        const { fault } = begun
        if (fault === undefined) {
          content.flush()
          this.#tell('fdatasync')
          return
        }
        const { disk, random } = this.#world
        disk.changeContent(this.#inode, () => content.failFlush(this.#flavour(fault), random))
        this.#noteFlushError()
        throw this.#error(fault.error, 'fdatasync')
      },
      interrupted: undefined,
    }
  }

  #looking(begun: Begun): Operation<FileStat> {
    return {
      first: undefined,
      effect: () => {
        if (begun.fault !== undefined) throw this.#error(begun.fault.error, 'fstat')
        return statOf(this.#inode)
      },
      interrupted: undefined,
    }
  }

  #flavour(fault: FaultRule): FlushFailure {
    return fault.flavour ?? this.#world.random.pick(FLUSH_FAILURES)
  }

  #error(code: string, syscall: string): SimulatedSystemError {
    return new SimulatedSystemError(code, syscall, this.#path)
  }

  #issue<T>(kind: CallKind, operationOf: (begun: Begun) => Operation<T>): Promise<T> {
    if (this.#closed) throw new Error('file handle used after close')
    this.#pendingCalls += 1
    const begun = this.#world.scheduler.begin(this.#caller, kind, this.#path)
    return this.#world.scheduler.issue(begun, operationOf(begun), this.#returned)
  }

  #perform<T>(kind: CallKind, operationOf: (begun: Begun) => Operation<T>): T {
    if (this.#closed) throw new Error('file handle used after close')
    const begun = this.#world.scheduler.begin(this.#caller, kind, this.#path)
    return this.#world.scheduler.perform(begun, operationOf(begun))
  }
}

export function statOf(inode: Inode): FileStat {
  return {
    size: inode.content.cache.size,
    allocatedBytes: inode.content.cache.allocatedPages * PAGE_BYTES,
    device: 1,
    inode: inode.number,
    linkCount: inode.linkCount,
    kind: inode.kind,
  }
}

function joined(sources: readonly Uint8Array[]): Uint8Array {
  const only = sources[0]
  if (sources.length === 1 && only !== undefined) return only
  return Buffer.concat(sources)
}
