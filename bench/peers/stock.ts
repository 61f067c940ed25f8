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
  #there = 0
  #isClosed = false
  #wake: (() => void)[] = []

  /** `waitingMax`: where so many wait, `room` does too. */
  constructor(waitingMax = Number.POSITIVE_INFINITY) {
    this.#waitingMax = waitingMax
  }

  /** So many more are there, or back from somebody who claimed them and did not get them. */
  add(count: number): void {
    this.#there += count
    this.#changed()
  }

  /** Nothing more is put. */
  close(): void {
    this.#isClosed = true
    this.#changed()
  }

  /** How many of `most` the caller may take now, as soon as there is one; 0 once nothing more comes. */
  async claim(most: number): Promise<number> {
    while (this.#there === 0 && !this.#isClosed) await this.#change()
    const count = Math.min(most, this.#there)
    this.#there -= count
    if (count > 0) this.#changed()
    return count
  }

  async room(): Promise<void> {
    while (this.#there >= this.#waitingMax && !this.#isClosed) await this.#change()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake.push(resolve)
    })
  }

  #changed(): void {
    if (this.#wake.length === 0) return
    const woken = this.#wake
    this.#wake = []
    for (const wake of woken) wake()
  }
}
