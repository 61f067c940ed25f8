/**
 * The arguments of a command line, read from its bytes as beanstalkd reads them: what may stand in front
 * of a number, what behind it, and which numbers there are. Pure.
 */
import { isTubeName, isTubeNameByte, tubeNameOf } from './names.ts'

const U32_MAX = 0xffff_ffff
const U64_MAX = 2n ** 64n - 1n
const SPACE = 0x20
const ZERO = 0x30
const NINE = 0x39
const PLUS = 0x2b
const MINUS = 0x2d
/** More digits than this may be no safe integer. */
const SAFE_DIGITS = 15

/** Stands for what is no number, or one that is too large. */
export const BAD = -1

export class Scanner {
  #line: Uint8Array = new Uint8Array(0)
  #at = 0

  /** Reads this line from here on. */
  begin(line: Uint8Array, at: number): this {
    this.#line = line
    this.#at = at
    return this
  }

  get isAtEnd(): boolean {
    return this.#at === this.#line.length
  }

  /** A number of 32 bits, spaces in front of it; BAD where there is none. */
  u32(): number {
    const line = this.#line
    let at = this.#at
    while (line[at] === SPACE) at++
    const first = at
    let value = 0
    for (; at < line.length; at++) {
      const digit = (line[at] ?? 0) - ZERO
      if (digit < 0 || digit > 9) break
      if (value <= U32_MAX) value = value * 10 + digit
    }
    if (at === first || value > U32_MAX) return BAD
    this.#at = at
    return value
  }

  /** The same, and nothing behind it. */
  lastU32(): number {
    const value = this.u32()
    return this.isAtEnd ? value : BAD
  }

  /**
   * The number of a job, which has 64 bits; BAD where there is none. What is more than this server ever
   * gives is infinite: there is no such job.
   */
  id(): number {
    while (this.#line[this.#at] === SPACE) this.#at++
    const first = this.#at
    const magnitude = this.#magnitude()
    return this.#at === first || magnitude === undefined ? BAD : magnitude
  }

  /** The same, and nothing behind it. */
  lastId(): number {
    const id = this.id()
    return this.isAtEnd ? id : BAD
  }

  /**
   * A number as C's strtol finds it: blanks and a sign in front, anything behind, 0 where there is none.
   * Undefined where 64 bits do not hold it. `hasDigits` tells whether there was one.
   */
  loose(): { readonly value: number; readonly hasDigits: boolean } | undefined {
    const line = this.#line
    while (isBlank(line[this.#at])) this.#at++
    const sign = line[this.#at]
    if (sign === PLUS || sign === MINUS) this.#at++
    const first = this.#at
    const magnitude = this.#magnitude()
    if (magnitude === undefined) return undefined
    const hasDigits = this.#at > first
    return { value: sign === MINUS && magnitude > 0 ? -magnitude : magnitude, hasDigits }
  }

  /** The rest of the line as the name of a tube; undefined where it is none. */
  lastName(): string | undefined {
    return tubeNameOf(this.#line, this.#at, this.#line.length)
  }

  /** The name of a tube, spaces in front of it; undefined where there is none. */
  name(): string | undefined {
    const name = this.looseName()
    return name !== undefined && isTubeName(name) ? name : undefined
  }

  /** The same, perhaps too long, or with a dash in front. */
  looseName(): string | undefined {
    const line = this.#line
    let at = this.#at
    while (line[at] === SPACE) at++
    const first = at
    while (at < line.length && isTubeNameByte(line[at] ?? 0)) at++
    this.#at = at
    return at === first ? undefined : String.fromCharCode(...line.subarray(first, at))
  }

  /** What stands up to the next space, spaces in front of it; undefined where nothing does. */
  word(): string | undefined {
    const line = this.#line
    let at = this.#at
    while (line[at] === SPACE) at++
    const first = at
    while (at < line.length && line[at] !== SPACE) at++
    this.#at = at
    return at === first ? undefined : String.fromCharCode(...line.subarray(first, at))
  }

  /** The same, and nothing behind it. */
  lastWord(): string | undefined {
    const word = this.word()
    return this.isAtEnd ? word : undefined
  }

  /** Digits from here on; undefined where 64 bits do not hold them. */
  #magnitude(): number | undefined {
    const line = this.#line
    const first = this.#at
    let at = first
    let value = 0
    for (; at < line.length; at++) {
      const byte = line[at] ?? 0
      if (byte < ZERO || byte > NINE) break
      value = value * 10 + (byte - ZERO)
    }
    this.#at = at
    if (at - first <= SAFE_DIGITS) return value
    const exact = BigInt(String.fromCharCode(...line.subarray(first, at)))
    if (exact > U64_MAX) return undefined
    return exact > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(exact)
  }
}

/** What C calls white space. */
function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || (byte !== undefined && byte >= 9 && byte <= 13)
}
