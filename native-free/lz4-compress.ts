/**
 * Makes LZ4 blocks. One table of earlier positions serves all calls, and is not cleared between them.
 * Synchronous and in memory; the only state is that table.
 */
import {
  checkRange,
  compressBound,
  LAST_LITERALS,
  LENGTH_GOES_ON,
  MATCH_BYTES_MIN,
  MATCH_START_FROM_END_MIN,
  OFFSET_MAX,
} from './lz4-rules.ts'

/** What {@link compressBlockInto} returns where the block does not fit. */
export const DOES_NOT_FIT = 0

/** Knuth's multiplier: spreads the four bytes at a position over the upper bits. */
const HASH_MULTIPLIER = 0x9e3779b1
const TABLE_BITS_MIN = 8
/** 64 KiB of table: half as much finds less in 64 KiB of text and is no faster there. */
const TABLE_BITS_MAX = 14
/** After so many positions without a match (a power of two) the search steps a byte further. */
const SKIP_AFTER_BITS = 6
/** Below this length a loop copies literals sooner than a call of `set` with a view. */
const COPY_BY_CALL_MIN = 48
/** Above this the table is cleared after all: once in 64 MiB of input, so that no entry overflows. */
const BIAS_MAX = 64 * 1024 * 1024

const table = new Int32Array(1 << TABLE_BITS_MAX)
/**
 * What is added to a position before it goes into the table. Every call begins above all that the
 * calls before it have noted, so an old entry shows as a position in front of the input and nothing
 * has to be cleared.
 */
let bias = 1

/** Compresses the whole of `source` into bytes of their own. */
export function compressBlock(source: Uint8Array): Uint8Array {
  const target = new Uint8Array(compressBound(source.length))
  const length = compressBlockInto(source, 0, source.length, target, 0, target.length)
  return target.slice(0, length)
}

/**
 * Compresses bytes `sourceStart` to `sourceEnd` of `source` into `target` from `targetStart` on, and
 * returns how many bytes the block takes: at most {@link compressBound}, and never beyond `targetEnd`.
 * Where it would not fit, {@link DOES_NOT_FIT}; then that part of `target` holds nothing of use. The
 * two ranges must not overlap.
 */
export function compressBlockInto(
  source: Uint8Array,
  sourceStart: number,
  sourceEnd: number,
  target: Uint8Array,
  targetStart: number,
  targetEnd: number,
): number {
  checkRange('source', source, sourceStart, sourceEnd)
  checkRange('target', target, targetStart, targetEnd)
  const sourceBytes = sourceEnd - sourceStart
  compressBound(sourceBytes)
  const view = new DataView(source.buffer, source.byteOffset + sourceStart, sourceBytes)
  const bits = tableBits(sourceBytes)
  if (bias + sourceBytes > BIAS_MAX) {
    table.fill(0)
    bias = 1
  }
  const input = source.subarray(sourceStart, sourceEnd)
  const end = compress(input, view, 32 - bits, target, targetStart, targetEnd)
  bias += sourceBytes
  return end < 0 ? DOES_NOT_FIT : end - targetStart
}

/** A short input gets a short part of the table, which is read from memory only once. */
function tableBits(sourceBytes: number): number {
  const bits = 32 - Math.clz32(sourceBytes)
  return Math.max(TABLE_BITS_MIN, Math.min(TABLE_BITS_MAX, bits))
}

/** The end of the block in `target`, or -1 where it does not fit. */
function compress(
  input: Uint8Array,
  view: DataView,
  shift: number,
  target: Uint8Array,
  targetStart: number,
  targetEnd: number,
): number {
  const matchStartMax = input.length - MATCH_START_FROM_END_MIN
  const matchEndMax = input.length - LAST_LITERALS
  const offset = bias
  let to = targetStart
  let anchor = 0
  let at = 0
  let misses = 1 << SKIP_AFTER_BITS
  while (at <= matchStartMax) {
    const word = view.getInt32(at, true)
    const slot = Math.imul(word, HASH_MULTIPLIER) >>> shift
    let from = (table[slot] as number) - offset
    table[slot] = at + offset
    if (from < 0 || at - from > OFFSET_MAX || view.getInt32(from, true) !== word) {
      at += misses++ >> SKIP_AFTER_BITS
      continue
    }
    const matchEnd = endOfMatch(view, from + MATCH_BYTES_MIN, at + MATCH_BYTES_MIN, matchEndMax)
    while (at > anchor && from > 0 && input[at - 1] === input[from - 1]) {
      at--
      from--
    }
    const matchBytes = matchEnd - at
    if (at === anchor && matchBytes < LENGTH_GOES_ON + MATCH_BYTES_MIN && to + 3 <= targetEnd) {
      // Two of three sequences of text are like this: a short match and no literal.
      target[to++] = matchBytes - MATCH_BYTES_MIN
      target[to++] = at - from
      target[to++] = (at - from) >>> 8
    } else {
      to = writeSequence(input, anchor, at, at - from, matchBytes, target, to, targetEnd)
      if (to < 0) return -1
    }
    at = matchEnd
    anchor = matchEnd
    misses = 1 << SKIP_AFTER_BITS
    if (at <= matchStartMax) {
      const before = view.getInt32(at - 2, true)
      table[Math.imul(before, HASH_MULTIPLIER) >>> shift] = at - 2 + offset
    }
  }
  return writeLiterals(input, anchor, input.length, 0, target, to, targetEnd)
}

/** The first position from `at` on whose byte differs from that as far behind `from`; at most `end`. */
function endOfMatch(view: DataView, from: number, at: number, end: number): number {
  while (at + 4 <= end) {
    const differing = view.getInt32(from, true) ^ view.getInt32(at, true)
    if (differing !== 0) {
      // Little endian: the lowest bit that differs is in the first byte that differs.
      return at + ((31 - Math.clz32(differing & -differing)) >> 3)
    }
    from += 4
    at += 4
  }
  while (at < end && view.getUint8(from) === view.getUint8(at)) {
    from++
    at++
  }
  return at
}

/** Writes literals and the match behind them; returns the end, or -1 where it does not fit. */
function writeSequence(
  input: Uint8Array,
  anchor: number,
  at: number,
  offset: number,
  matchBytes: number,
  target: Uint8Array,
  to: number,
  targetEnd: number,
): number {
  const more = matchBytes - MATCH_BYTES_MIN
  const token = more < LENGTH_GOES_ON ? more : LENGTH_GOES_ON
  let end = writeLiterals(input, anchor, at, token, target, to, targetEnd)
  if (end < 0 || end + 2 > targetEnd) return -1
  target[end++] = offset
  target[end++] = offset >>> 8
  return token < LENGTH_GOES_ON ? end : writeLength(more - LENGTH_GOES_ON, target, end, targetEnd)
}

/** Writes a token and literals; returns the end, or -1 where it does not fit. */
function writeLiterals(
  input: Uint8Array,
  start: number,
  end: number,
  matchToken: number,
  target: Uint8Array,
  to: number,
  targetEnd: number,
): number {
  const count = end - start
  if (to + 1 + count > targetEnd) return -1
  if (count < LENGTH_GOES_ON) {
    target[to++] = (count << 4) | matchToken
  } else {
    target[to++] = (LENGTH_GOES_ON << 4) | matchToken
    to = writeLength(count - LENGTH_GOES_ON, target, to, targetEnd)
    if (to < 0 || to + count > targetEnd) return -1
  }
  if (count >= COPY_BY_CALL_MIN) {
    target.set(input.subarray(start, end), to)
    return to + count
  }
  while (start < end) target[to++] = input[start++] as number
  return to
}

/** Writes what a token's nibble could not hold; returns the end, or -1 where it does not fit. */
function writeLength(rest: number, target: Uint8Array, to: number, targetEnd: number): number {
  if (to + Math.floor(rest / 255) + 1 > targetEnd) return -1
  for (; rest >= 255; rest -= 255) target[to++] = 255
  target[to++] = rest
  return to
}
