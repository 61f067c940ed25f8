/**
 * Unpacks LZ4 blocks, whatever stands in them: neither a byte outside the given ranges is read nor one
 * written, and a block that does not unpack to exactly as many bytes as its reader expects is an error.
 * A block carries no checksum: damage may still unpack to other bytes of the right number. Pure.
 */
import {
  checkRange,
  LAST_LITERALS,
  LENGTH_GOES_ON,
  Lz4Error,
  MATCH_BYTES_MIN,
  MATCH_START_FROM_END_MIN,
  SOURCE_BYTES_MAX,
} from './lz4-rules.ts'

/** Up to so many bytes are copied without a loop, where a range has that much room. */
const STRIDE = 16
/** From this length on two views and a call of `set` are quicker than a loop. */
const COPY_BY_CALL_MIN = 128

/**
 * Unpacks the whole of `source`, which must hold one block of exactly `unpackedBytes` bytes, into bytes
 * of their own. The caller sees to it that `unpackedBytes` is no more than memory allows; no block
 * unpacks to more than 255 times its length.
 */
export function decompressBlock(source: Uint8Array, unpackedBytes: number): Uint8Array {
  if (!Number.isInteger(unpackedBytes) || unpackedBytes < 0 || unpackedBytes > SOURCE_BYTES_MAX) {
    throw new RangeError(`${unpackedBytes} is no length between 0 and ${SOURCE_BYTES_MAX}`)
  }
  // Before a hostile number costs memory.
  if (unpackedBytes > source.length * 255) {
    throw new Lz4Error(`${source.length} bytes cannot unpack to ${unpackedBytes}`)
  }
  const target = new Uint8Array(unpackedBytes)
  decompressBlockInto(source, 0, source.length, target, 0, unpackedBytes)
  return target
}

/**
 * Unpacks the block that takes bytes `sourceStart` to `sourceEnd` of `source` into bytes `targetStart`
 * to `targetEnd` of `target`, which it must fill exactly. Throws an {@link Lz4Error} where it does not;
 * then that part of `target` holds nothing of use. The two ranges must not overlap.
 */
export function decompressBlockInto(
  source: Uint8Array,
  sourceStart: number,
  sourceEnd: number,
  target: Uint8Array,
  targetStart: number,
  targetEnd: number,
): void {
  checkRange('source', source, sourceStart, sourceEnd)
  checkRange('target', target, targetStart, targetEnd)
  const input = new DataView(source.buffer, source.byteOffset, sourceEnd)
  const output = new DataView(
    target.buffer,
    target.byteOffset + targetStart,
    targetEnd - targetStart,
  )
  const failedAt = decompress(source, sourceStart, input, output)
  if (failedAt < 0) return
  const blockBytes = sourceEnd - sourceStart
  throw new Lz4Error(
    `byte ${failedAt - sourceStart} of ${blockBytes} does not lead to ${output.byteLength} unpacked`,
  )
}

/**
 * -1 where the block from `at` on fills the output exactly, else where the sequence begins that does
 * not fit. The end-of-block rules are demanded too: whoever writes blocks keeps them, and damage often
 * does not. Single bytes are read from `source`, of which `input` is a view up to the block's end.
 */
function decompress(source: Uint8Array, at: number, input: DataView, output: DataView): number {
  const inputEnd = input.byteLength
  const outputEnd = output.byteLength
  let to = 0
  let sequence = at
  while (at < inputEnd) {
    sequence = at
    const token = source[at++] as number
    let literals = token >>> 4
    if (literals < LENGTH_GOES_ON && at + STRIDE <= inputEnd && to + STRIDE <= outputEnd) {
      copyStride(input, at, output, to, literals)
    } else {
      if (literals === LENGTH_GOES_ON) {
        const last = endOfLength(source, at, inputEnd)
        if (last === inputEnd) return sequence
        literals += (last - at) * 255 + (source[last] as number)
        at = last + 1
      }
      if (literals > inputEnd - at || literals > outputEnd - to) return sequence
      copyRange(input, at, output, to, literals)
    }
    at += literals
    to += literals
    if (at === inputEnd) return to === outputEnd ? -1 : sequence
    if (inputEnd - at < 2) return sequence
    const offset = (source[at] as number) | ((source[at + 1] as number) << 8)
    at += 2
    let matchBytes = token & LENGTH_GOES_ON
    if (matchBytes === LENGTH_GOES_ON) {
      const last = endOfLength(source, at, inputEnd)
      if (last === inputEnd) return sequence
      matchBytes += (last - at) * 255 + (source[last] as number)
      at = last + 1
    }
    const from = to - offset
    const end = to + matchBytes + MATCH_BYTES_MIN
    if (offset === 0 || from < 0) return sequence
    if (to > outputEnd - MATCH_START_FROM_END_MIN || end > outputEnd - LAST_LITERALS)
      return sequence
    if (offset >= 4 && end - to <= STRIDE && to + STRIDE <= outputEnd) {
      copyStride(output, from, output, to, STRIDE)
    } else {
      copyMatch(output, from, to, end)
    }
    to = end
  }
  return sequence
}

/** The first byte from `at` on that is not 255, which is the last one of a length; or the end. */
function endOfLength(source: Uint8Array, at: number, end: number): number {
  while (at < end && source[at] === 255) at++
  return at
}

/** Copies `count` bytes, at most {@link STRIDE}, in words: up to three bytes more than wanted. */
function copyStride(from: DataView, at: number, into: DataView, to: number, count: number): void {
  if (count === 0) return
  into.setInt32(to, from.getInt32(at, true), true)
  if (count > 4) into.setInt32(to + 4, from.getInt32(at + 4, true), true)
  if (count > 8) into.setInt32(to + 8, from.getInt32(at + 8, true), true)
  if (count > 12) into.setInt32(to + 12, from.getInt32(at + 12, true), true)
}

/** Copies exactly `count` bytes. */
function copyRange(from: DataView, at: number, into: DataView, to: number, count: number): void {
  if (count >= COPY_BY_CALL_MIN) {
    const source = new Uint8Array(from.buffer, from.byteOffset + at, count)
    new Uint8Array(into.buffer, into.byteOffset + to, count).set(source)
    return
  }
  for (let i = 0; i < count; i++) into.setUint8(to + i, from.getUint8(at + i))
}

/** Copies a match to `to` up to `end`. Where it begins less than its length back, it repeats itself. */
function copyMatch(output: DataView, from: number, to: number, end: number): void {
  const offset = to - from
  if (offset >= end - to && end - to >= COPY_BY_CALL_MIN) {
    copyRange(output, from, output, to, end - to)
  } else if (offset >= 4) {
    // Up to three bytes more than wanted: the last five are literals, still to come.
    for (; to < end; to += 4, from += 4) output.setInt32(to, output.getInt32(from, true), true)
  } else {
    while (to < end) output.setUint8(to++, output.getUint8(from++))
  }
}
