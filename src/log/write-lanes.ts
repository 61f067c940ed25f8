/**
 * The open file descriptions through which groups are written to one segment: of writes and flushes that overlap
 * each has its own. Linux tells each description once that writing back has failed; of two that share one and both
 * fail, the other would be told that its bytes are on the disk. Opens the file and closes it, writes nothing.
 *
 * One is there from the start; more are opened where writes have to wait for them, so that a log with little to
 * write, or a process without descriptors, keeps to one. See docs/decisions/0016-write-lanes.md.
 */

import type { FileHandle } from '../system/system.ts'
import { runAll } from './io-errors.ts'

/** How the file is opened once more. */
export interface LaneOpener {
  open(): Promise<FileHandle>
  openSync(): FileHandle
}

export class WriteLanes {
  readonly #opener: LaneOpener | undefined
  readonly #all: FileHandle[]
  readonly #free: FileHandle[]
  readonly #waiters = new Set<() => void>()
  #opening: Promise<void> | undefined
  /** One could not be opened: those that there are have to do. */
  #isFull = false

  /** Without an opener there are no more than these. */
  constructor(handles: readonly FileHandle[], opener?: LaneOpener) {
    this.#all = [...handles]
    this.#free = [...handles]
    this.#opener = opener
  }

  get hasFree(): boolean {
    return this.#free.length > 0
  }

  /** To be given back; only where one is free. */
  take(): FileHandle {
    const handle = this.#free.pop()
    if (handle === undefined) throw new Error('every description of the segment is in use')
    return handle
  }

  give(handle: FileHandle): void {
    this.#free.push(handle)
    if (this.#waiters.size === 0) return
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const call of waiters) call()
  }

  /** Writes through one that is free, or new, or given back; takes it at once where one is free. */
  async use(write: (handle: FileHandle) => Promise<void>): Promise<void> {
    while (!this.hasFree) await new Promise<void>((resolve) => this.whenFree(resolve))
    const handle = this.take()
    try {
      await write(handle)
    } finally {
      this.give(handle)
    }
  }

  /** The same as `take`, and opens one more where none is free. Throws QLOG_IO where that fails. */
  takeSync(): FileHandle {
    if (this.hasFree) return this.take()
    if (!this.#opener) throw new Error('every description of the segment is in use')
    const handle = this.#opener.openSync()
    this.#all.push(handle)
    return handle
  }

  /**
   * Calls once, as soon as one is free: one more is opened for it in the background, and where that fails one has
   * to be given back.
   */
  whenFree(call: () => void): void {
    this.#waiters.add(call)
    if (this.#opening || this.#isFull || !this.#opener) return
    this.#opening = this.#opener
      .open()
      .then(
        (handle) => {
          this.#all.push(handle)
          this.give(handle)
        },
        () => {
          this.#isFull = true
        },
      )
      .then(() => {
        this.#opening = undefined
      })
  }

  /** Once nothing is under way through any of them. Rejects with the first error, after all had their turn. */
  async close(): Promise<void> {
    await this.#opening
    const errors = await runAll(this.#all.splice(0).map((handle) => () => handle.close()))
    if (errors.length > 0) throw errors[0]
  }
}
