/**
 * The open file descriptions through which groups are written to one segment: of writes and flushes that overlap
 * each has its own. Linux tells each description once that writing back has failed; of two that share one and both
 * fail, the other would be told that its bytes are on the disk. Opens the file and closes it, writes nothing.
 *
 * Where each group answers for its own bytes, one is there from the start and more are opened where writes have to
 * wait for them, so that a log with little to write, or a process without descriptors, keeps to one. A flush that
 * answers for what others have written goes through one that was open before they did, since one that is opened
 * behind an error is not told of it: there all are opened with the segment. See
 * docs/decisions/0016-write-lanes.md.
 */

import { QlogError } from '../errors.ts'
import type { FileHandle } from '../system/system.ts'
import { runAll } from './io-errors.ts'

/** Three writes, a flush, and an append that waits for nobody. */
const LANES_MAX = 5

/** How the file is opened once more: the very file, and no other that has its name by now. */
export interface LaneOpener {
  open(): Promise<FileHandle>
  openSync(): FileHandle
}

export class WriteLanes {
  #opener: LaneOpener | undefined
  readonly #all: FileHandle[]
  readonly #free: FileHandle[]
  readonly #waiters = new Set<() => void>()
  #opening: Promise<void> | undefined
  /** One could not be opened: those that there are have to do. */
  #isFull = false
  /** What a write or flush was told; nothing goes through any of them any more. */
  #failure: QlogError | undefined
  /** There are descriptors for more than what a segment must have. */
  #mayOpen: () => boolean = () => true

  /** Without an opener there are no more than these. */
  constructor(handles: readonly FileHandle[], opener?: LaneOpener) {
    this.#all = [...handles]
    this.#free = [...handles]
    this.#opener = opener
  }

  /** None is opened but where this says so, save for an append that waits for nobody. */
  restrict(mayOpen: () => boolean): void {
    this.#mayOpen = mayOpen
  }

  /** Opens as many as can be in use at once, as far as there are descriptors; no more are opened later. */
  async openAll(): Promise<void> {
    const opener = this.#opener
    this.#opener = undefined
    try {
      while (opener && this.#all.length < LANES_MAX && this.#mayOpen())
        this.#add(await opener.open())
    } catch {
      // Fewer writes overlap.
    }
  }

  /** The same without returning to the event loop. */
  openAllSync(): void {
    const opener = this.#opener
    this.#opener = undefined
    try {
      while (opener && this.#all.length < LANES_MAX && this.#mayOpen()) this.#add(opener.openSync())
    } catch {
      // Fewer writes overlap.
    }
  }

  get hasFree(): boolean {
    return this.#free.length > 0
  }

  /** To be given back; only where one is free. */
  take(): FileHandle {
    const handle = this.#free.pop()
    if (handle === undefined) throw this.#failure ?? new Error('every description is in use')
    return handle
  }

  give(handle: FileHandle): void {
    if (this.#failure) return
    this.#free.push(handle)
    this.#wake()
  }

  /** Writes through one that is free, or new, or given back; takes it at once where one is free. */
  async use(write: (handle: FileHandle) => Promise<void>): Promise<void> {
    while (!this.hasFree) {
      if (this.#failure) throw this.#failure
      await new Promise<void>((resolve) => this.whenFree(resolve))
    }
    const handle = this.take()
    try {
      await write(handle)
    } catch (error) {
      this.fail(error)
      throw error
    }
    this.give(handle)
  }

  /**
   * The same as `take`, and opens one more where none is free. Throws QLOG_IO where that fails, and QLOG_FENCED
   * where the file's name is another's.
   */
  takeSync(): FileHandle {
    if (this.hasFree) return this.take()
    if (this.#failure) throw this.#failure
    if (!this.#opener) {
      throw new QlogError(
        'QLOG_IO',
        'every open description of the segment is in use, wait for one',
      )
    }
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
    if (this.#opening || this.#isFull || !this.#opener || !this.#mayOpen()) return
    this.#opening = this.#opener
      .open()
      .then(
        (handle) => this.#add(handle),
        () => {
          this.#isFull = true
        },
      )
      .then(() => {
        this.#opening = undefined
      })
  }

  /** A write or flush failed: none that comes behind it may be told that all is well. */
  fail(cause: unknown): void {
    this.#failure ??= new QlogError('QLOG_FAILED', 'a write or flush of the segment failed', {
      cause,
    })
    this.#free.length = 0
    this.#wake()
  }

  /** Closes those that nobody uses, all but the first; false where there is none. */
  shedSync(): boolean {
    const idle = this.#free.filter((handle) => handle !== this.#all[0])
    for (const handle of idle) {
      this.#free.splice(this.#free.indexOf(handle), 1)
      this.#all.splice(this.#all.indexOf(handle), 1)
      closeIdle(handle)
    }
    return idle.length > 0
  }

  /** Once nothing is under way through any of them. Rejects with the first error, after all had their turn. */
  async close(): Promise<void> {
    await this.#opening
    this.#free.length = 0
    const errors = await runAll(this.#all.splice(0).map((handle) => () => handle.close()))
    if (errors.length > 0) throw errors[0]
  }

  #add(handle: FileHandle): void {
    this.#all.push(handle)
    this.give(handle)
  }

  #wake(): void {
    if (this.#waiters.size === 0) return
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const call of waiters) call()
  }
}

/** Each write has told what became of it, or a flush through another description will: closing tells nothing more. */
function closeIdle(handle: FileHandle): void {
  try {
    handle.closeSync()
  } catch {
    // The descriptor is free all the same.
  }
}
