/**
 * Tells the log which messages nobody will fetch again, so that it can give their space back: those of
 * one group with that group, and now and then whatever it may not know of.
 */
import { QlogError } from '../../errors.ts'
import type { OwnedLog } from '../../log/seam.ts'
import type { Clock } from '../../system/system.ts'
import { OffsetSet } from '../containers/offset-set.ts'
import type { StoreState } from '../state/store-state.ts'
import { turn } from '../turn.ts'
import { LiveIds } from './live-ids.ts'

/** Messages looked at in one turn of the event loop while space is looked for. */
const LIVE_IDS_A_TURN = 20_000
/** Ranges of ids that the log is told of in one turn. */
const GONE_RANGES_A_TURN = 10_000

export class GoneMessages {
  readonly #clock: Clock
  readonly #log: OwnedLog
  readonly #state: StoreState
  readonly #isOpen: () => boolean
  /** First and last id of each range that the log is not told of yet. */
  readonly #noted: [number, number][] = []
  #mustDiscard = false
  #isClosed = false
  #discarding: Promise<void> | undefined

  constructor(clock: Clock, log: OwnedLog, state: StoreState, isOpen: () => boolean) {
    this.#clock = clock
    this.#log = log
    this.#state = state
    this.#isOpen = isOpen
  }

  /** The message will not be fetched again; told to the log with the others of its group. */
  note(id: number): void {
    const last = this.#noted.at(-1)
    if (last && last[1] === id - 1) last[1] = id
    else this.#noted.push([id, id])
  }

  /** Tells the log of those that were noted. */
  flush(): void {
    if (this.#noted.length === 0) return
    const noted = this.#noted.splice(0)
    // This is within the log's word of a commit: what a log that is about to end would say to it ends it.
    if (!this.#isClosed) this.#log.discard(noted)
  }

  /** The log is about to be closed: what is gone from now on is told to it by the next opening. */
  close(): void {
    this.#isClosed = true
  }

  /** Tells the log of everything that is gone and that it may not know of. */
  discardAll(): void {
    this.#mustDiscard = true
    this.#discarding ??= this.#discardAll()
  }

  /** Resolves when what `discardAll` was called for is done. */
  async settled(): Promise<void> {
    await this.#discarding
  }

  async #discardAll(): Promise<void> {
    try {
      while (this.#mustDiscard && this.#isOpen()) {
        this.#mustDiscard = false
        await this.#discard()
      }
    } catch (error) {
      // A log that has stopped gives nothing back; the next opening looks again.
      if (!(error instanceof QlogError)) throw error
    } finally {
      this.#discarding = undefined
    }
  }

  /** What is not in any lane, or gone, is asked for by nobody: looked for piece by piece. */
  async #discard(): Promise<void> {
    // What is on its way is in no lane yet, and may be any time.
    const endId = this.#state.nextId
    const live = new OffsetSet()
    for (const queue of this.#state.queues.values()) {
      const walk = new LiveIds(queue)
      while (walk.addSome(live, LIVE_IDS_A_TURN)) {
        await turn(this.#clock)
        if (!this.#isOpen()) return
      }
    }
    for (let first = live.nextAbsent(1); first < endId; ) {
      const gone: [number, number][] = []
      while (first < endId && gone.length < GONE_RANGES_A_TURN) {
        const next = live.nextPresent(first, endId)
        const end = next < 0 ? endId : next
        gone.push([first, end - 1])
        first = live.nextAbsent(end)
      }
      this.#log.discard(gone)
      await turn(this.#clock)
      if (!this.#isOpen()) return
    }
  }
}
