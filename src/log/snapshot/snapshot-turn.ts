/**
 * The block of a snapshot that waits to be written, and its turn among the appends: it leaves where none
 * waits, or behind one group of them, so that neither holds the other up. Memory only; the commit loop
 * sends it.
 */
import type { SnapshotBlock } from '../composer.ts'
import type { Lsn } from '../seam.ts'
import { fieldBlockBytes } from '../special-groups.ts'

interface Waiting {
  readonly block: SnapshotBlock
  readonly resolve: (lsn: Lsn) => void
  readonly reject: (error: unknown) => void
}

export class SnapshotTurn {
  /** Bytes under way that are none of the owner's. */
  bytesInFlight = 0
  #waiting: Waiting | undefined
  /** A group of appends has gone first. */
  #isTurn = false
  /** Rejects what waits for the log to go on. */
  readonly #whenStopped = new Set<(error: unknown) => void>()

  /** The block that waits to be sent. */
  get waiting(): SnapshotBlock | undefined {
    return this.#waiting?.block
  }

  /** Makes a block wait for its turn; resolves with its LSN once it has resolved. */
  begin(block: SnapshotBlock): Promise<Lsn> {
    if (this.#waiting || this.bytesInFlight > 0)
      throw new Error('one block of a snapshot at a time')
    this.#isTurn = false
    return this.untilStopped<Lsn>((resolve, reject) => {
      this.#waiting = { block, resolve, reject }
    })
  }

  /** The block that may leave now. */
  next(isNothingPending: boolean): SnapshotBlock | undefined {
    return isNothingPending || this.#isTurn ? this.#waiting?.block : undefined
  }

  /** Called with every group of appends that leaves. */
  passed(): void {
    this.#isTurn = true
  }

  /** The block leaves, to this LSN; returns what to call when it has resolved. */
  sent(lsn: Lsn): () => void {
    const waiting = this.#waiting
    if (!waiting) throw new Error('no block of a snapshot waits')
    this.#waiting = undefined
    this.bytesInFlight = fieldBlockBytes(waiting.block.body.length)
    return () => {
      this.bytesInFlight = 0
      waiting.resolve(lsn)
    }
  }

  /** There is no room for the block: it was not written. */
  refuse(error: unknown): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.reject(error)
  }

  /** Nothing that waits will come any more. */
  stop(error: unknown): void {
    this.#waiting = undefined
    for (const reject of [...this.#whenStopped]) reject(error)
  }

  /** A promise that `stop` rejects. */
  untilStopped<T>(
    begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const end = (): void => {
        this.#whenStopped.delete(fail)
      }
      const fail = (error: unknown): void => {
        end()
        reject(error)
      }
      this.#whenStopped.add(fail)
      begin((value) => {
        end()
        resolve(value)
      }, fail)
    })
  }
}
