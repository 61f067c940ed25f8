/**
 * Blocks of a snapshot that wait to be written together, and their turn among the appends: they leave
 * where none waits, or behind one group of them, so that neither holds the other up. Memory only; the
 * commit loop sends them.
 */
import { type SnapshotBlock, snapshotBytes } from '../composer.ts'
import type { CommitGroup } from '../group.ts'
import type { Lsn } from '../seam.ts'
import { fieldBlockBytes } from '../special-groups.ts'

interface Waiting {
  readonly blocks: readonly SnapshotBlock[]
  readonly resolve: (lsns: readonly Lsn[]) => void
  readonly reject: (error: unknown) => void
}

export class SnapshotTurn {
  /** Bytes under way that are none of the owner's. */
  bytesInFlight = 0
  #waiting: Waiting | undefined
  /** A group of appends has gone first. */
  #isTurn = false
  /** Rejects who waits for a map that names a snapshot. */
  #rejectNaming: ((error: unknown) => void) | undefined
  /** Rejects what waits for the log to go on. */
  readonly #whenStopped = new Set<(error: unknown) => void>()

  /** The blocks that wait to be sent. */
  get waiting(): readonly SnapshotBlock[] | undefined {
    return this.#waiting?.blocks
  }

  /** Makes blocks wait for their turn; resolves with their LSNs once they have resolved. */
  begin(blocks: readonly SnapshotBlock[]): Promise<readonly Lsn[]> {
    if (this.#waiting || this.bytesInFlight > 0)
      throw new Error('one write of a snapshot at a time')
    this.#isTurn = false
    return this.untilStopped<readonly Lsn[]>((resolve, reject) => {
      this.#waiting = { blocks, resolve, reject }
    })
  }

  /**
   * The blocks that may leave now. Where they would need the reserve of a full disk messages go first, for which
   * the segment has room.
   */
  next(
    { isEmpty, messages }: Pick<CommitGroup, 'isEmpty' | 'messages'>,
    needReserve: boolean,
  ): readonly SnapshotBlock[] | undefined {
    const isTurn = this.#isTurn && !(needReserve && messages > 0)
    return isEmpty || isTurn ? this.#waiting?.blocks : undefined
  }

  /** Called with every group of appends that leaves. */
  passed(): void {
    this.#isTurn = true
  }

  /** The blocks leave, the first to this LSN; returns what to call when they have resolved. */
  sent(lsn: Lsn): () => void {
    const waiting = this.#waiting
    if (!waiting) throw new Error('no block of a snapshot waits')
    this.#waiting = undefined
    this.bytesInFlight = snapshotBytes(waiting.blocks)
    const lsns: Lsn[] = []
    let next = lsn
    for (const { body } of waiting.blocks) {
      lsns.push(next)
      next += fieldBlockBytes(body.length)
    }
    return () => {
      this.bytesInFlight = 0
      waiting.resolve(lsns)
    }
  }

  /** Resolves once `begin` says that a map names the snapshot. One call at a time. */
  name(begin: (resolve: () => void) => void): Promise<void> {
    return this.untilStopped<void>((resolve, reject) => {
      this.#rejectNaming = reject
      begin(() => {
        // One that was refused may be named late, while another waits.
        if (this.#rejectNaming === reject) this.#rejectNaming = undefined
        resolve()
      })
    })
  }

  /** There is no room for the blocks, which were not written, or for the map, which waits for the next LINK. */
  refuse(error: unknown): void {
    const waiting = this.#waiting
    const rejectNaming = this.#rejectNaming
    this.#waiting = undefined
    this.#rejectNaming = undefined
    waiting?.reject(error)
    rejectNaming?.(error)
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
