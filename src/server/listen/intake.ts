/**
 * The bytes of one connection that came and were not taken yet. Chunks stay as they came; a byte is
 * copied once where it has to stand in a row with those of another chunk, and bytes that come a few at a
 * time are packed, so that the memory in use follows what really came. Pure.
 */
import type { Intake } from './types.ts'

/** Shorter chunks are packed: an array of its own costs more memory than such a chunk holds. */
const SMALL_CHUNK_BYTES = 1_024
const PACK_BYTES = 4_096

const NONE = new Uint8Array(0)

export class ByteIntake implements Intake {
  /** What is expected at most before memory for all of it is made at once. */
  readonly #atOnceBytes: number
  /** The oldest bytes stand in `#head` from `#at` to `#end`, the others in `#rest`. */
  #head: Uint8Array = NONE
  #at = 0
  #end = 0
  #rest: Uint8Array[] = []
  /** The last of `#rest`, where it is one that small chunks are packed into, and how full it is. */
  #pack: Uint8Array | undefined
  #packed = 0
  #length = 0
  #takenBytes = 0
  #ended = false
  /** What is left of the expected bytes; 0 where none are. */
  #expected = 0
  #isGathering = false
  /** No `#soughtByte` between these two places, counted from the first byte of the connection. */
  #soughtByte = -1
  #soughtFrom = 0
  #soughtTo = 0

  constructor(atOnceBytes: number) {
    this.#atOnceBytes = atOnceBytes
  }

  get length(): number {
    return this.#length
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Bytes that are expected and were not taken; 0 where none are. */
  get expected(): number {
    return this.#expected
  }

  /** Bytes that were taken since the connection began. */
  get takenBytes(): number {
    return this.#takenBytes
  }

  peek(at: number): number {
    const place = this.#at + at
    if (place < this.#end) return this.#head[place] ?? -1
    return this.#peekBehind(at)
  }

  indexOf(byte: number, from: number, limit: number): number {
    const end = Math.min(this.#length, from + limit)
    const zero = this.#takenBytes
    let at = from
    const start = zero + from
    if (this.#soughtByte === byte && this.#soughtFrom <= start && start <= this.#soughtTo) {
      at = this.#soughtTo - zero
    } else {
      this.#soughtByte = byte
      this.#soughtFrom = start
    }
    const head = this.#head
    const base = this.#at
    const headEnd = Math.min(end, this.#end - base)
    for (; at < headEnd; at += 1) if (head[base + at] === byte) return this.#found(at)
    if (at < end) {
      at = this.#indexBehind(byte, at, end)
      if (at < end) return this.#found(at)
    }
    this.#soughtTo = zero + at
    return -1
  }

  take(bytes: number): Uint8Array {
    this.#checkHas(bytes)
    if (this.#at + bytes <= this.#end) {
      const { buffer, byteOffset } = this.#head
      const taken = new Uint8Array(buffer, byteOffset + this.#at, bytes)
      this.#advance(bytes)
      return taken
    }
    const taken = new Uint8Array(bytes)
    this.#copyTo(taken, bytes)
    return taken
  }

  skip(bytes: number): void {
    this.#checkHas(bytes)
    let left = bytes
    while (left > 0) {
      const part = Math.min(left, this.#end - this.#at)
      this.#advance(part)
      left -= part
    }
  }

  expect(bytes: number): void {
    // Whoever says it again while pieces come would have all of them copied each time.
    if (bytes > 0 && bytes === this.#expected) return
    this.#isGathering = false
    this.#expected = 0
    if (this.#at + bytes <= this.#end) return
    this.#expected = bytes
    this.#gatherWhenWorth()
  }

  /** A chunk came, which stays as it is from now on. */
  add(chunk: Uint8Array): void {
    let part = chunk
    if (this.#isGathering) {
      const room = this.#head.length - this.#end
      if (room > 0) {
        const fits = part.length <= room ? part : part.subarray(0, room)
        this.#head.set(fits, this.#end)
        this.#end += fits.length
        this.#length += fits.length
        part = part.subarray(fits.length)
      }
      if (part.length === 0) return
    }
    this.#length += part.length
    if (this.#at === this.#end && !this.#isGathering) {
      this.#head = part
      this.#at = 0
      this.#end = part.length
    } else if (part.length < SMALL_CHUNK_BYTES) {
      this.#packIn(part)
    } else {
      this.#rest.push(part)
      this.#pack = undefined
    }
    if (this.#expected > 0 && !this.#isGathering) this.#gatherWhenWorth()
  }

  end(): void {
    this.#ended = true
  }

  /** Nothing of it is wanted any more. */
  clear(): void {
    this.#takenBytes += this.#length
    this.#head = NONE
    this.#at = 0
    this.#end = 0
    this.#rest = []
    this.#pack = undefined
    this.#length = 0
    this.#expected = 0
    this.#isGathering = false
  }

  #checkHas(bytes: number): void {
    if (bytes > this.#length || bytes < 0) {
      throw new Error(`${bytes} bytes are taken of ${this.#length}`)
    }
  }

  #found(at: number): number {
    // It will be asked for behind this place next: nothing is remembered that could hide this one.
    this.#soughtTo = this.#takenBytes + at
    return at
  }

  #peekBehind(at: number): number {
    let place = at - (this.#end - this.#at)
    if (at < 0 || at >= this.#length) return -1
    for (const chunk of this.#rest) {
      if (place < chunk.length) return chunk[place] ?? -1
      place -= chunk.length
    }
    return -1
  }

  /** The place of `byte` from `from` on, which lies behind the head; `end` where it is not. */
  #indexBehind(byte: number, from: number, end: number): number {
    let start = this.#end - this.#at
    for (const chunk of this.#rest) {
      const chunkEnd = Math.min(end, start + chunk.length)
      for (let at = Math.max(from, start); at < chunkEnd; at += 1) {
        if (chunk[at - start] === byte) return at
      }
      start += chunk.length
      if (start >= end) break
    }
    return end
  }

  /** Lets go of bytes of the head. */
  #advance(bytes: number): void {
    this.#at += bytes
    this.#length -= bytes
    this.#takenBytes += bytes
    if (this.#expected > 0) {
      this.#expected = Math.max(0, this.#expected - bytes)
      if (this.#expected === 0) this.#isGathering = false
    }
    if (this.#at === this.#end && !this.#isGathering) this.#nextHead()
  }

  #nextHead(): void {
    const next = this.#rest.shift()
    this.#at = 0
    if (next === undefined) {
      this.#head = NONE
      this.#end = 0
      return
    }
    this.#head = next
    this.#end = next.length
    if (this.#rest.length === 0) this.#pack = undefined
  }

  #copyTo(target: Uint8Array, bytes: number): void {
    let done = 0
    while (done < bytes) {
      const part = Math.min(bytes - done, this.#end - this.#at)
      target.set(this.#head.subarray(this.#at, this.#at + part), done)
      done += part
      this.#advance(part)
    }
  }

  #packIn(part: Uint8Array): void {
    let pack = this.#pack
    if (pack === undefined || this.#packed + part.length > pack.length) {
      pack = new Uint8Array(PACK_BYTES)
      this.#pack = pack
      this.#packed = 0
      this.#rest.push(NONE)
    }
    pack.set(part, this.#packed)
    this.#packed += part.length
    this.#rest[this.#rest.length - 1] = pack.subarray(0, this.#packed)
  }

  /**
   * Makes the buffer for all that is expected once that costs no more than what has come already: a small
   * one at once, a large one when half of it is there.
   */
  #gatherWhenWorth(): void {
    const bytes = this.#expected
    if (this.#at + bytes <= this.#end) return
    if (bytes > this.#atOnceBytes && this.#length < bytes / 2) return
    const there = Math.min(bytes, this.#length)
    const gathered = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer)
    // The bytes stay in the intake: only where they stand changes.
    const takenBytes = this.#takenBytes
    const length = this.#length
    this.#expected = 0
    this.#copyTo(gathered, there)
    if (this.#end > this.#at) this.#rest.unshift(this.#head.subarray(this.#at, this.#end))
    this.#head = gathered
    this.#at = 0
    this.#end = there
    this.#takenBytes = takenBytes
    this.#length = length
    this.#expected = bytes
    this.#isGathering = there < bytes
    if (this.#rest.length === 0) this.#pack = undefined
  }
}
