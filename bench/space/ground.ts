/** Where a store stands whose space is measured: a directory of this machine, or of a simulated one. */
import * as fs from 'node:fs'
import { openSegmentLog } from '../../src/log/open.ts'
import { checkOptions } from '../../src/log/options.ts'
import type { OpenLog } from '../../src/log/seam.ts'
import type { SegmentLog } from '../../src/log/segment-log.ts'
import type { LogOptions } from '../../src/log/types.ts'
import type { LogStore } from '../../src/store/log-store.ts'
import { openStoreOn } from '../../src/store/open-store.ts'
import { realSystem } from '../../src/system/real/real-system.ts'
import type { System } from '../../src/system/system.ts'

export interface FileUse {
  readonly name: string
  /** What it takes of the disk. */
  readonly bytes: number
}

export abstract class Ground {
  #opened: { readonly store: LogStore; readonly log: SegmentLog } | undefined
  readonly #options: LogOptions

  constructor(options: LogOptions) {
    this.#options = options
  }

  protected abstract readonly directory: string
  /** The machine as a process of its own. */
  protected abstract system(): System
  abstract files(): readonly FileUse[]
  /** Lets so much time pass, where that costs none. */
  abstract pass(ms: number): Promise<void>

  get store(): LogStore {
    return this.#current.store
  }

  get log(): SegmentLog {
    return this.#current.log
  }

  get isOpen(): boolean {
    return this.#opened !== undefined
  }

  async open(): Promise<LogStore> {
    const system = this.system()
    let log: SegmentLog | undefined
    const openLog: OpenLog = async (owner, { signal }) => {
      const options = checkOptions({ ...this.#options, ...(signal && { signal }) })
      log = await openSegmentLog(system, this.directory, owner, options)
      return log
    }
    const store = await openStoreOn(system, openLog)
    if (!log) throw new Error('a store opens its log')
    this.#opened = { store, log }
    return store
  }

  async close(): Promise<void> {
    const { store } = this.#current
    this.#opened = undefined
    await store.close()
  }

  get #current(): { readonly store: LogStore; readonly log: SegmentLog } {
    if (!this.#opened) throw new Error('no store is open')
    return this.#opened
  }
}

const SECTOR_BYTES = 512

export class RealGround extends Ground {
  protected readonly directory: string

  constructor(directory: string, options: LogOptions = {}) {
    super(options)
    this.directory = directory
  }

  protected system(): System {
    return realSystem()
  }

  files(): readonly FileUse[] {
    return fs.readdirSync(this.directory).map((name) => {
      const { blocks } = fs.lstatSync(`${this.directory}/${name}`)
      return { name, bytes: blocks * SECTOR_BYTES }
    })
  }

  /** Nobody waits for a day here. */
  async pass(): Promise<void> {}
}
