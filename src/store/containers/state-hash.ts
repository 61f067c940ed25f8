/**
 * A hash over numbers, texts and bytes in the order they come, by which tests compare the state after
 * replay with the state while running. Two lanes of 32 bits; not for keeping anyone out.
 */

const TWO_32 = 0x1_0000_0000
/** What each kind of value begins with, so that a text never hashes as the numbers it is made of. */
const NUMBER = 0x4e
const FRACTION = 0x46
const TEXT = 0x54
const BYTES = 0x42

export class StateHash {
  #one = 0x811c_9dc5 | 0
  #two = 0x9747_b28c | 0
  readonly #double = new Float64Array(1)
  readonly #halves = new Uint32Array(this.#double.buffer)

  /** Any number, fractions and negative ones too; both zeros are the same. */
  number(value: number): void {
    if (Number.isSafeInteger(value) && value >= 0) {
      this.#mix(NUMBER)
      this.#mix(value % TWO_32)
      this.#mix(Math.floor(value / TWO_32))
      return
    }
    this.#double[0] = value
    this.#mix(FRACTION)
    for (const half of this.#halves) this.#mix(half)
  }

  text(value: string): void {
    this.#mix(TEXT)
    this.#mix(value.length)
    for (let index = 0; index < value.length; index++) this.#mix(value.charCodeAt(index))
  }

  bytes(value: Uint8Array): void {
    this.#mix(BYTES)
    this.#mix(value.length)
    for (let index = 0; index < value.length; index++) this.#mix(value[index] as number)
  }

  /** 16 hexadecimal digits over everything so far; more may follow. */
  digest(): string {
    return toHex(finish(this.#one)) + toHex(finish(this.#two ^ this.#one))
  }

  /** One word into both lanes, as murmur3 does it, with other constants for each. */
  #mix(word: number): void {
    const one = this.#one ^ Math.imul(rotate(Math.imul(word, 0xcc9e_2d51), 15), 0x1b87_3593)
    this.#one = (Math.imul(rotate(one, 13), 5) + 0xe654_6b64) | 0
    const two = this.#two ^ Math.imul(rotate(Math.imul(word, 0x239b_961b), 16), 0xab0e_9789)
    this.#two = (Math.imul(rotate(two, 17), 5) + 0x561c_cd1b) | 0
  }
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}

function finish(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

function toHex(word: number): string {
  return word.toString(16).padStart(8, '0')
}
