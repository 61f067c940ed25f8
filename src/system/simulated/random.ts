/**
 * Seeded pseudo-random numbers (sfc32): the only source of chance in the simulator, so that a seed
 * repeats a run exactly. Pure.
 */

export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** Any integer up to 2^53 is a seed of its own. */
  constructor(seed: number) {
    this.#a = seed | 0
    this.#b = Math.floor(seed / 0x1_0000_0000) | 0
    this.#c = 0x9e37_79b9
    // Twelve rounds are the published way of mixing a seed in.
    for (let round = 0; round < 12; round += 1) this.uint32()
  }

  uint32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0
    return result >>> 0
  }

  /** An integer from 0 up to, but not including, `limit`. */
  below(limit: number): number {
    return Math.floor((this.uint32() / 0x1_0000_0000) * limit)
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  chance(probability: number): boolean {
    return this.uint32() < probability * 0x1_0000_0000
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)]
    if (value === undefined) throw new Error('nothing to pick from')
    return value
  }

  shuffle<T>(values: T[]): T[] {
    for (let index = values.length - 1; index > 0; index -= 1) {
      const other = this.below(index + 1)
      const kept = values[index] as T
      values[index] = values[other] as T
      values[other] = kept
    }
    return values
  }

  fill(target: Uint8Array): void {
    for (let index = 0; index < target.byteLength; index += 1) target[index] = this.uint32() >>> 11
  }

  /** A generator of its own, so that one consumer cannot shift the numbers of another. */
  fork(): Random {
    return new Random(this.uint32() + this.below(0x20_0000) * 0x1_0000_0000)
  }
}
