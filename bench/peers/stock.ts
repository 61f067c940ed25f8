/**
 * What was put and is to be taken: takers wait for an answered put rather than for a clock, so that no tick of
 * a timer is in the time that a message takes, and a producer waits where takers do not keep up. No timers.
 */

/** A turn of the event loop: whoever is called synchronously gives the others theirs only here. */
export function turn(): Promise<void> {
  return new Promise(setImmediate)
}

export class Stock {
  readonly #waitingMax: number
  readonly #claimMin: number
  #there = 0
  #isClosed = false
  #takers: (() => void)[] = []
  #producers: (() => void)[] = []

  /**
   * `waitingMax`: where so many wait, `room` does too. `claimMin`: nobody is given fewer, as long as more may
   * come; not above `waitingMax`, where both would wait for each other.
   */
  constructor({ waitingMax = Number.POSITIVE_INFINITY, claimMin = 1 } = {}) {
    if (claimMin > waitingMax) throw new Error('nobody would ever take')
    this.#waitingMax = waitingMax
    this.#claimMin = claimMin
  }

  /** So many more are there, or back from somebody who claimed them and did not get them. */
  add(count: number): void {
    this.#there += count
    if (this.#there >= this.#claimMin) wakeAll(this.#takers)
  }

  /** Nothing more is put. */
  close(): void {
    this.#isClosed = true
    wakeAll(this.#takers)
    wakeAll(this.#producers)
  }

  /** How many of `most` the caller may take now, as soon as there are enough; 0 once nothing more comes. */
  async claim(most: number): Promise<number> {
    while (this.#there < this.#claimMin && !this.#isClosed) await woken(this.#takers)
    const count = Math.min(most, this.#there)
    this.#there -= count
    if (count > 0) wakeAll(this.#producers)
    return count
  }

  async room(): Promise<void> {
    while (this.#there >= this.#waitingMax && !this.#isClosed) await woken(this.#producers)
  }
}

function woken(waiting: (() => void)[]): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
  })
}

function wakeAll(waiting: (() => void)[]): void {
  for (const wake of waiting.splice(0)) wake()
}
