/**
 * Messages that are timed one by one. They come by the clock, whatever became of those before, and each counts
 * from when it was due; or as fast as they go, which tells the maximum that a load is a share of: each is put and
 * noted by the same code, so that what taking the time costs is in the maximum too. Nothing of a contender but
 * its contract.
 */

import { bodyAt, makeBodies } from '../../src/measure/driver.ts'
import { turn } from './stock.ts'
import type { Lateness } from './verbs.ts'

/** A timer wakes up to so much too late: what is left of a gap is waited for in turns of the event loop. */
const TIMER_LATE_MS = 2
const AHEAD_MS = 1
/** A producer that is called synchronously gives takers their turn after so long. */
export const YIELD_MS = 1

export class TimedMessages {
  readonly #bodies: readonly Uint8Array[]
  readonly #rate: number
  readonly #messagesMax: number
  /** A ring, where fewer are kept than there may be. */
  readonly #lateMs: Float64Array
  #startMs = 0
  #begun = 0
  #answered = 0
  #done = 0
  #wake: (() => void) | undefined
  #isOver = false
  #failure: { readonly error: unknown } | undefined

  /**
   * At most `messagesMax`. `rate`: how many of them are due in a second; infinite: all at once. `timesKept`: of the
   * last so many; all, unless told.
   */
  constructor({
    bytes,
    messagesMax,
    rate,
    timesKept = messagesMax,
  }: {
    bytes: number
    messagesMax: number
    rate: number
    timesKept?: number
  }) {
    this.#messagesMax = messagesMax
    this.#bodies = makeBodies({ batch: 1, messageBytes: bytes })
    this.#rate = rate
    this.#lateMs = new Float64Array(timesKept).fill(Number.NaN)
  }

  get begun(): number {
    return this.#begun
  }

  get done(): number {
    return this.#done
  }

  /** Puts each when it is due, with no answer waited for; resolves once all are answered. */
  async byTheClock(put: Put, answered: Answered): Promise<void> {
    const messages = this.#messagesMax
    this.#startMs = performance.now() + AHEAD_MS
    while (this.#begun < messages) {
      await until(this.#dueMs(this.#begun))
      const now = performance.now()
      while (this.#begun < messages && this.#dueMs(this.#begun) <= now) {
        this.#begin(put, answered)
        // One that is called synchronously has answered by now, and is told so before the next of the same tick.
        await undefined
      }
    }
    await this.#allAnswered()
  }

  /** Puts as fast as they get done with so many under way; resolves once time is up and all are answered. */
  async flatOut(
    put: Put,
    answered: Answered,
    { inFlight, seconds }: { inFlight: number; seconds: number },
  ): Promise<void> {
    this.#startMs = performance.now()
    const endMs = this.#startMs + seconds * 1000
    let turnMs = this.#startMs
    while (this.#begun < this.#messagesMax) {
      const now = performance.now()
      if (now >= endMs || this.#isOver) break
      if (now - turnMs >= YIELD_MS) {
        await turn()
        turnMs = performance.now()
      }
      this.#begin(put, answered)
      while (this.#begun - this.#done >= inFlight && !this.#isOver) await this.#change()
    }
    await this.#allAnswered()
  }

  /** The message is done now. */
  note(row: number): void {
    if (row >= this.#begun) throw new Error('more was taken than was put')
    this.#lateMs[row % this.#lateMs.length] = performance.now() - this.#dueMs(row)
    this.#done += 1
    this.#changed()
  }

  /** No more get done: whoever waits for room puts no more. */
  noMore(): void {
    this.#isOver = true
    this.#changed()
  }

  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#changed()
  }

  lateness(): Lateness {
    let unfinished = 0
    const now = performance.now()
    for (const [row, lateMs] of this.#lateMs.entries()) {
      if (!Number.isNaN(lateMs)) continue
      unfinished += 1
      this.#lateMs[row] = now - this.#dueMs(row)
    }
    return { lateMs: this.#lateMs, unfinished }
  }

  /** Few objects a message: each of them lives as long as its message waits, and all of them are collected. */
  #begin(put: Put, answered: Answered): void {
    const row = this.#begun++
    put(bodyAt(this.#bodies, row)).then(() => {
      this.#answered += 1
      answered(row)
      this.#changed()
    }, this.#failed)
  }

  readonly #failed = (error: unknown): void => this.fail(error)

  async #allAnswered(): Promise<void> {
    while (this.#answered < this.#begun) await this.#change()
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Until the next message is answered or done; rejects where one has failed. One caller at a time. */
  async #change(): Promise<void> {
    if (this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #changed(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  #dueMs(row: number): number {
    return this.#startMs + (row * 1000) / this.#rate
  }
}

type Put = (body: Uint8Array) => Promise<unknown>
type Answered = (row: number) => void

/** One turn at least, in which answers come. */
async function until(dueMs: number): Promise<void> {
  const sleepMs = dueMs - performance.now() - TIMER_LATE_MS
  if (sleepMs >= 1) await new Promise((resolve) => setTimeout(resolve, sleepMs))
  do await turn()
  while (performance.now() < dueMs)
}
