/**
 * Messages that come by the clock, whatever became of those before: no answer is waited for before the next put,
 * and each is counted from when it was due. Nothing of a contender but its contract.
 */

import { bodyAt, makeBodies } from '../../src/measure/driver.ts'
import { turn } from './stock.ts'
import { UnderWay } from './under-way.ts'
import type { Lateness } from './verbs.ts'

/** A timer wakes up to so much too late: what is left of a gap is waited for in turns of the event loop. */
const TIMER_LATE_MS = 2
const AHEAD_MS = 1

export class Schedule {
  readonly messages: number
  readonly #rate: number
  readonly #lateMs: Float64Array
  #startMs = 0

  /** `rate`: messages a second. */
  constructor(rate: number, seconds: number) {
    this.#rate = rate
    this.messages = Math.max(1, Math.round(rate * seconds))
    this.#lateMs = new Float64Array(this.messages).fill(Number.NaN)
  }

  async run(put: (body: Uint8Array, row: number) => Promise<void>, bytes: number): Promise<void> {
    const bodies = makeBodies({ batch: 1, messageBytes: bytes })
    const puts = new UnderWay(Number.POSITIVE_INFINITY)
    this.#startMs = performance.now() + AHEAD_MS
    for (let row = 0; row < this.messages; ) {
      await until(this.#dueMs(row))
      const now = performance.now()
      for (; row < this.messages && this.#dueMs(row) <= now; row++) {
        puts.add(put(bodyAt(bodies, row), row))
      }
    }
    await puts.all()
  }

  /** The message is done now. */
  note(row: number): void {
    if (row >= this.messages) throw new Error('more was taken than was put')
    this.#lateMs[row] = performance.now() - this.#dueMs(row)
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

  #dueMs(row: number): number {
    return this.#startMs + (row * 1000) / this.#rate
  }
}

/** One turn at least, in which answers come. */
async function until(dueMs: number): Promise<void> {
  const sleepMs = dueMs - performance.now() - TIMER_LATE_MS
  if (sleepMs >= 1) await new Promise((resolve) => setTimeout(resolve, sleepMs))
  do await turn()
  while (performance.now() < dueMs)
}
