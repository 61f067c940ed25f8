/**
 * A set of ids that is filled in any order and forgotten from the front: a bit an id at worst, nothing
 * for stretches that are in it as a whole. Memory only.
 */

/** Ids a chunk covers: its bits take 8 KiB. */
const CHUNK_IDS = 65_536
const WORD_BITS = 32

/** Bits of a chunk and how many are set; a chunk that is full needs no bits. */
interface Chunk {
  bits: Uint32Array | undefined
  count: number
}

export class IdSet {
  readonly #chunks = new Map<number, Chunk>()

  has(id: number): boolean {
    const chunk = this.#chunks.get(Math.floor(id / CHUNK_IDS))
    if (!chunk) return false
    return chunk.bits === undefined || bitAt(chunk.bits, id % CHUNK_IDS)
  }

  /** Adds [firstId, endId); returns how many of them were not in the set before. */
  add(firstId: number, endId: number): number {
    let added = 0
    for (let from = firstId; from < endId; ) {
      const number = Math.floor(from / CHUNK_IDS)
      const start = number * CHUNK_IDS
      const to = Math.min(endId, start + CHUNK_IDS)
      added += this.#addWithin(number, from - start, to - start)
      from = to
    }
    return added
  }

  /** True where every id of [firstId, endId) is in the set. */
  covers(firstId: number, endId: number): boolean {
    for (let from = firstId; from < endId; ) {
      const number = Math.floor(from / CHUNK_IDS)
      const start = number * CHUNK_IDS
      const to = Math.min(endId, start + CHUNK_IDS)
      const chunk = this.#chunks.get(number)
      if (!chunk) return false
      if (chunk.bits && !allSet(chunk.bits, from - start, to - start)) return false
      from = to
    }
    return true
  }

  /** How many ids of [firstId, endId) are in the set. */
  countIn(firstId: number, endId: number): number {
    let count = 0
    for (let from = firstId; from < endId; ) {
      const number = Math.floor(from / CHUNK_IDS)
      const start = number * CHUNK_IDS
      const to = Math.min(endId, start + CHUNK_IDS)
      const chunk = this.#chunks.get(number)
      if (chunk) count += chunk.bits ? setIn(chunk.bits, from - start, to - start) : to - from
      from = to
    }
    return count
  }

  /** Forgets the chunks that lie wholly below `id`. */
  dropBelow(id: number): void {
    for (const number of this.#chunks.keys()) {
      if ((number + 1) * CHUNK_IDS <= id) this.#chunks.delete(number)
    }
  }

  /** Bytes that the bits take. */
  get byteLength(): number {
    let bytes = 0
    for (const { bits } of this.#chunks.values()) bytes += bits?.byteLength ?? 0
    return bytes
  }

  #addWithin(number: number, from: number, to: number): number {
    let chunk = this.#chunks.get(number)
    if (!chunk) {
      chunk = { bits: new Uint32Array(CHUNK_IDS / WORD_BITS), count: 0 }
      this.#chunks.set(number, chunk)
    }
    const { bits } = chunk
    if (!bits) return 0
    let added = 0
    for (let at = from; at < to; ) {
      const word = at >>> 5
      const end = Math.min(to, (word + 1) * WORD_BITS)
      const mask = maskOf(at & 31, end - word * WORD_BITS)
      const before = bits[word] ?? 0
      added += bitCount(mask & ~before)
      bits[word] = before | mask
      at = end
    }
    chunk.count += added
    if (chunk.count === CHUNK_IDS) chunk.bits = undefined
    return added
  }
}

/** Bits `from` to `to` - 1 of a word, `to` at most 32. */
function maskOf(from: number, to: number): number {
  const low = 0xffff_ffff << from
  return to === WORD_BITS ? low : low & ~(0xffff_ffff << to)
}

function bitAt(bits: Uint32Array, at: number): boolean {
  return (((bits[at >>> 5] ?? 0) >>> (at & 31)) & 1) === 1
}

function allSet(bits: Uint32Array, from: number, to: number): boolean {
  for (let at = from; at < to; ) {
    const word = at >>> 5
    const end = Math.min(to, (word + 1) * WORD_BITS)
    const mask = maskOf(at & 31, end - word * WORD_BITS)
    if ((mask & ~(bits[word] ?? 0)) !== 0) return false
    at = end
  }
  return true
}

function setIn(bits: Uint32Array, from: number, to: number): number {
  let count = 0
  for (let at = from; at < to; ) {
    const word = at >>> 5
    const end = Math.min(to, (word + 1) * WORD_BITS)
    count += bitCount((bits[word] ?? 0) & maskOf(at & 31, end - word * WORD_BITS))
    at = end
  }
  return count
}

/** Set bits of a word, counted in parallel: pairs, nibbles, bytes, then one product sums the bytes. */
function bitCount(word: number): number {
  let n = word - ((word >>> 1) & 0x5555_5555)
  n = (n & 0x3333_3333) + ((n >>> 2) & 0x3333_3333)
  n = (n + (n >>> 4)) & 0x0f0f_0f0f
  return Math.imul(n, 0x0101_0101) >>> 24
}
