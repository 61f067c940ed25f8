/**
 * Lets go of finished messages that a queue need not retain any longer: looks about once a second while
 * something happens, and when the next one becomes too old. The oldest go first, piece by piece.
 */
import { QlogError } from '../../errors.ts'
import { PlainOperation } from '../commit/operation.ts'
import { QueueWalk } from '../look/looking.ts'
import { isSameSettings } from '../records/queue-settings.ts'
import type { QueueState } from '../state/queue-state.ts'
import type { StoreCore } from '../store-core.ts'
import { turn } from '../turn.ts'

/** What is beyond the limits stays so long at most, unless nothing can be written. */
const LOOK_EVERY_MS = 1_000
/** A message that is to stay for longer is looked at again by then. */
const LOOK_AGAIN_MS = 3_600_000
/** Messages that one record lets go of at most, and that are looked at in one turn of the event loop. */
const PIECE_MESSAGES = 4_096

/** Messages that go, and where the search for more of them goes on. */
interface Piece {
  readonly ids: number[]
  readonly offsets: number[]
  /** -1 where the next one stays. */
  next: number
  /** When the next one was put that stays; infinite where there is none. */
  stayingPutMs: number
}

export class Retention {
  readonly #core: StoreCore
  #cancel: (() => void) | undefined
  /** It is looked within a second. */
  #isSoon = false
  #looking: Promise<void> | undefined
  #isClosed = false

  constructor(core: StoreCore) {
    this.#core = core
    this.#arm(LOOK_EVERY_MS, true)
  }

  /** Something has changed: it is looked within a second. */
  applied(): void {
    if (!this.#isSoon && this.#core.settings.retains) this.#arm(LOOK_EVERY_MS, true)
  }

  /** Lets go of all that is beyond the limits now. */
  async settle(): Promise<void> {
    while (this.#looking !== undefined) await this.#looking
    this.#looking = this.#look().finally(() => {
      this.#looking = undefined
    })
    await this.#looking
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
    this.#cancel = undefined
  }

  /** Looks again after so long at the latest. */
  #arm(delayMs: number, isSoon: boolean): void {
    this.#cancel?.()
    if (this.#isClosed) return
    this.#isSoon = isSoon
    this.#cancel = this.#core.system.clock.after(delayMs, () => {
      this.#isSoon = false
      this.settle().catch((error: unknown) => {
        if (!(error instanceof QlogError)) throw error
        // What cannot be written now is tried again with the next change, or later.
        if (!this.#isSoon) this.#arm(LOOK_AGAIN_MS, false)
      })
    })
  }

  async #look(): Promise<void> {
    let nextMs = Number.POSITIVE_INFINITY
    for (const queue of this.#core.state.queues.values()) {
      if (queue.settings.retains === 0) continue
      const putMs = await this.#forgetSome(queue)
      const { retainMs } = queue.settings
      if (retainMs > 0) nextMs = Math.min(nextMs, putMs + retainMs - this.#core.clock.wallMs())
    }
    if (nextMs === Number.POSITIVE_INFINITY || this.#isSoon) return
    this.#arm(Math.min(LOOK_AGAIN_MS, Math.max(LOOK_EVERY_MS, nextMs)), false)
  }

  /** Returns when the oldest message was put that stays. */
  async #forgetSome(queue: QueueState): Promise<number> {
    let from = queue.retained.next(0, queue.nextOffset)
    while (from < queue.nextOffset && !this.#isClosed) {
      // A change of the settings is on its way: it is looked again when that is durable.
      if (!isSameSettings(this.#core.settings.of(queue.number), queue.settings)) break
      const piece = pieceOf(queue, from, this.#core.clock.wallMs())
      if (piece.ids.length > 0) await this.#forget(queue, piece)
      if (piece.next < 0) return piece.stayingPutMs
      from = piece.next
      await turn(this.#core.system.clock)
    }
    return Number.POSITIVE_INFINITY
  }

  async #forget(queue: QueueState, { ids, offsets }: Piece): Promise<void> {
    const below = (offsets.at(-1) ?? 0) + 1
    const done = () => {
      // A group that was sent back meanwhile has some of them again.
      for (const [row, id] of ids.entries()) {
        if (queue.isGone(offsets[row] ?? 0)) this.#core.gone.note(id)
      }
    }
    const op = { kind: 'forget', queue: queue.number, below } as const
    await this.#core.send(new PlainOperation([op], done))
  }
}

/** Retained messages from this offset on that are beyond the limits, up to the first that is not. */
function pieceOf(queue: QueueState, from: number, wallMs: number): Piece {
  const { retainMs, retainMessages, retainBytes } = queue.settings
  const { retained, retainedBytes, sizes } = queue
  let messages = retainMessages === 0 ? 0 : retained.count - retainMessages
  let bytes = retainBytes === 0 ? 0 : retainedBytes - retainBytes
  const putBeforeMs = retainMs === 0 ? Number.NEGATIVE_INFINITY : wallMs - retainMs
  const piece: Piece = { ids: [], offsets: [], next: -1, stayingPutMs: Number.POSITIVE_INFINITY }
  const walk = new QueueWalk(queue, from)
  let looked = 0
  for (let one = walk.next(); one; one = walk.next()) {
    const { id, offset, timeMs } = one
    if (looked++ === PIECE_MESSAGES) {
      piece.next = offset
      break
    }
    if (!retained.has(offset)) continue
    if (messages <= 0 && bytes <= 0 && timeMs > putBeforeMs) {
      piece.stayingPutMs = timeMs
      break
    }
    piece.ids.push(id)
    piece.offsets.push(offset)
    messages--
    bytes -= sizes?.get(offset) ?? 0
  }
  return piece
}
