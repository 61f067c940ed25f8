/**
 * A block as recovery and salvage copy it: the epoch of its first writer, the origin, goes in front of
 * its records. A COMPRESSED payload need not be packed anew for that: an LZ4 block begins with literals,
 * and offsets of matches are relative, so the origin becomes the first eight of them. Pure.
 */
import { readBlock } from './block.ts'
import { getUint32, setUint32, setUint64 } from './bytes.ts'
import {
  BLOCK_ALIGN_BYTES,
  BLOCK_FLAGS_AT,
  BLOCK_HEADER_BYTES,
  BLOCK_LENGTH_AT,
  BlockFlag,
  COMPRESSED_BLOCK_BYTES_MAX,
  COMPRESSED_HEADER_BYTES,
  COMPRESSED_PAYLOAD_BYTES_MAX,
  ORIGIN_BYTES,
  roundUp,
} from './layout.ts'
import { type Decompress, unpackBlock } from './unpack.ts'

/** A nibble of an LZ4 token that goes on in the bytes behind it. */
const LENGTH_GOES_ON = 15

/**
 * The valid block `bytes` with flag COPIED and `epoch` as its origin; itself where it is COPIED already.
 * Length and flags are right; offsets, marks and CRC come with sealing it.
 */
export function withOrigin(bytes: Uint8Array, epoch: number, decompress: Decompress): Uint8Array {
  const { flags, recordCount } = readBlock(bytes, 0)
  if ((flags & BlockFlag.COPIED) !== 0) return bytes
  const origin = new Uint8Array(ORIGIN_BYTES)
  setUint64(origin, 0, epoch)
  if ((flags & BlockFlag.COMPRESSED) === 0) {
    return assembled(bytes, flags, [origin, bytes.subarray(BLOCK_HEADER_BYTES)])
  }
  const packed = withOriginPacked(bytes, origin)
  const isShared = recordCount > 1
  const payloadBytes = getUint32(packed, 0)
  const fits = BLOCK_HEADER_BYTES + packed.length <= COMPRESSED_BLOCK_BYTES_MAX
  if (!isShared || (fits && payloadBytes <= COMPRESSED_PAYLOAD_BYTES_MAX)) {
    return assembled(bytes, flags, [packed])
  }
  // No room in front of it: it is stored as it is. Our own writer leaves room.
  const plain = unpackBlock(bytes, 0, decompress)
  return assembled(bytes, flags & ~BlockFlag.COMPRESSED, [origin, plain])
}

/** The two lengths and the LZ4 block, with the origin as its first literals. */
function withOriginPacked(bytes: Uint8Array, origin: Uint8Array): Uint8Array {
  const payload = BLOCK_HEADER_BYTES
  const stored = payload + COMPRESSED_HEADER_BYTES
  const end = stored + getUint32(bytes, payload + 4)
  const token = bytes[stored] as number
  let literals = token >>> 4
  let at = stored + 1
  if (literals === LENGTH_GOES_ON) {
    let more: number
    do {
      more = bytes[at++] as number
      literals += more
    } while (more === 255 && at < end)
  }
  literals += ORIGIN_BYTES
  const head = [(Math.min(literals, LENGTH_GOES_ON) << 4) | (token & LENGTH_GOES_ON)]
  if (literals >= LENGTH_GOES_ON) {
    let rest = literals - LENGTH_GOES_ON
    for (; rest >= 255; rest -= 255) head.push(255)
    head.push(rest)
  }
  const storedBytes = head.length + ORIGIN_BYTES + end - at
  const packed = new Uint8Array(COMPRESSED_HEADER_BYTES + storedBytes)
  setUint32(packed, 0, getUint32(bytes, payload) + ORIGIN_BYTES)
  setUint32(packed, 4, storedBytes)
  packed.set(head, COMPRESSED_HEADER_BYTES)
  packed.set(origin, COMPRESSED_HEADER_BYTES + head.length)
  packed.set(bytes.subarray(at, end), COMPRESSED_HEADER_BYTES + head.length + ORIGIN_BYTES)
  return packed
}

/** The header of `bytes` in front of another payload. */
function assembled(bytes: Uint8Array, flags: number, payload: readonly Uint8Array[]): Uint8Array {
  const length = payload.reduce((sum, part) => sum + part.length, BLOCK_HEADER_BYTES)
  const target = new Uint8Array(roundUp(length, BLOCK_ALIGN_BYTES))
  target.set(bytes.subarray(0, BLOCK_HEADER_BYTES))
  let at = BLOCK_HEADER_BYTES
  for (const part of payload) {
    target.set(part, at)
    at += part.length
  }
  setUint32(target, BLOCK_LENGTH_AT, target.length)
  target[BLOCK_FLAGS_AT] = flags | BlockFlag.COPIED
  return target
}
