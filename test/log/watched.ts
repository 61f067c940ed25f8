/** A simulated owner whose reading of segment files is counted. */
import { openPublicLog, openSegmentLog } from '../../src/log/open.ts'
import { checkOptions } from '../../src/log/options.ts'
import type { LogOwner } from '../../src/log/seam.ts'
import type { LogOptions, Message } from '../../src/log/types.ts'
import type { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import type { FileHandle, FileSystem, System } from '../../src/system/system.ts'

export class Watched {
  readonly simulation: Simulation
  readonly process: SimulatedProcess
  readonly system: System
  /** Segment files opened for reading so far. */
  opens = 0
  /** Bytes read from them. */
  readBytes = 0
  /** Checksums computed so far, over blocks and anything else. */
  checksums = 0

  /** On a disk of its own, or on one that another machine has left. */
  constructor(seed: number, disk?: SimulatedDisk) {
    this.simulation = new Simulation({ seed, ...(disk && { disk }) })
    this.process = this.simulation.process('owner')
    const { clock, sockets, identity, crc32, lz4, random, watchLoop, warn } = this.process
    const files = this.#watch(this.process.files)
    const counted: System['crc32'] = (bytes, seed) => {
      this.checksums++
      return crc32(bytes, seed)
    }
    const own = { clock, sockets, identity, lz4, random, watchLoop, warn }
    this.system = { ...own, files, crc32: counted }
  }

  /** Reads of any file so far. */
  get reads(): number {
    return this.simulation.report.calls.get('read') ?? 0
  }

  async run<T>(body: () => Promise<T>): Promise<T> {
    const outcome = await this.simulation.run(() => this.process.run(body))
    if (outcome.state !== 'done') throw new Error('the process died')
    return outcome.value
  }

  openLog(options: LogOptions = {}) {
    return openPublicLog(this.system, '/log', options)
  }

  openSegmentLog(options: LogOptions = {}, owner: Partial<LogOwner> = {}) {
    const silent: LogOwner = {
      committed: () => undefined,
      refused: () => undefined,
      failed: () => undefined,
      space: () => undefined,
      ...owner,
    }
    return openSegmentLog(this.system, '/log', silent, checkOptions(options))
  }

  /** Virtual time passes: enough for all calls that are under way, too little for an idle SYNC. */
  quiet(): Promise<void> {
    return new Promise((resolve) => this.process.clock.after(30, resolve))
  }

  #watch(files: FileSystem): FileSystem {
    return new Proxy(files, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        if (name !== 'open') return value.bind(target)
        const open: FileSystem['open'] = async (path, how) => {
          if (how.mode !== 'read' || !path.endsWith('.qls')) return target.open(path, how)
          this.opens++
          return this.#watchReads(await target.open(path, how))
        }
        return open
      },
    })
  }

  #watchReads(handle: FileHandle): FileHandle {
    return new Proxy(handle, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        if (name !== 'read') return value.bind(target)
        const read: FileHandle['read'] = async (bytes, offset) => {
          const count = await target.read(bytes, offset)
          this.readBytes += count
          return count
        }
        return read
      },
    })
  }
}

/** A body that tells its number and is `byteLength` long. */
export function numbered(number: number, byteLength: number): Buffer {
  return Buffer.from(`${number}.`.repeat(byteLength).slice(0, byteLength))
}

export function idsOf(messages: readonly Message[]): number[] {
  return messages.map(({ id }) => id)
}

/** The whole numbers from `first` up to `end`. */
export function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, row) => first + row)
}
