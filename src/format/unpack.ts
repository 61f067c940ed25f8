/**
 * Condition 12: what a COMPRESSED block unpacks to. Its checksum covers the stored bytes and was checked
 * before, so what fails here was written so, or is a checksum that damage happens to match. Pure; the
 * codec is handed in.
 */
import { QlogError } from '../errors.ts'
import { getUint16, getUint32, getUint64 } from './bytes.ts'
import {
  BLOCK_FIRST_ID_AT,
  BLOCK_FLAGS_AT,
  BLOCK_HEADER_BYTES,
  BLOCK_RECORDS_AT,
  BLOCK_TYPE_AT,
  BlockFlag,
  COMPRESSED_HEADER_BYTES,
} from './layout.ts'
import { checkUnpackedPayload } from './payload.ts'

/**
 * Unpacks one LZ4 block into exactly `uncompressedLength` bytes, and throws where it cannot. Must
 * stand any input: what it is given passed its checksum, but may still be nonsense.
 */
export type Decompress = (stored: Uint8Array, uncompressedLength: number) => Uint8Array

/** The condition that {@link Unpacker.open} asks, as its number among those of a block. */
export const UNPACKS = 12

/** Looks into valid blocks, one after the other. */
export class Unpacker {
  /** What the block opened last unpacks to; undefined where it is not COMPRESSED. */
  payload: Uint8Array | undefined
  readonly #decompress: Decompress | undefined

  constructor(decompress?: Decompress) {
    this.#decompress = decompress
  }

  /** False where the valid block at `at` is COMPRESSED and what it holds is no payload. */
  open(bytes: Uint8Array, at: number): boolean {
    this.payload = undefined
    if (!isCompressed(bytes, at)) return true
    try {
      this.payload = unpackBlock(bytes, at, this.#decompress)
      return true
    } catch (error) {
      if (error instanceof QlogError && error.code === 'QLOG_DAMAGED') return false
      throw error
    }
  }
}

export function isCompressed(bytes: Uint8Array, at: number): boolean {
  return ((bytes[at + BLOCK_FLAGS_AT] as number) & BlockFlag.COMPRESSED) !== 0
}

/**
 * The payload of the valid COMPRESSED block at `at`. Throws QLOG_DAMAGED where it unpacks to something
 * else than records, QLOG_NEWER_FORMAT where there is no codec.
 */
export function unpackBlock(
  bytes: Uint8Array,
  at: number,
  decompress: Decompress | undefined,
): Uint8Array {
  const unpacked = decompressPayload(bytes, at + BLOCK_HEADER_BYTES, decompress)
  const type = bytes[at + BLOCK_TYPE_AT] as number
  const flags = bytes[at + BLOCK_FLAGS_AT] as number
  const recordCount = getUint16(bytes, at + BLOCK_RECORDS_AT)
  const firstId = getUint64(bytes, at + BLOCK_FIRST_ID_AT)
  if (checkUnpackedPayload(unpacked, type, flags, recordCount, firstId)) return unpacked
  throw new QlogError('QLOG_DAMAGED', 'a compressed block unpacks to something else than records')
}

function decompressPayload(
  bytes: Uint8Array,
  payload: number,
  decompress: Decompress | undefined,
): Uint8Array {
  if (decompress === undefined) {
    throw new QlogError(
      'QLOG_NEWER_FORMAT',
      'a block is compressed, and nothing here can unpack it',
    )
  }
  const uncompressedLength = getUint32(bytes, payload)
  const stored = payload + COMPRESSED_HEADER_BYTES
  const storedBytes = bytes.subarray(stored, stored + getUint32(bytes, payload + 4))
  let unpacked: Uint8Array
  try {
    unpacked = decompress(storedBytes, uncompressedLength)
  } catch (cause) {
    throw new QlogError('QLOG_DAMAGED', 'a compressed block does not unpack', { cause })
  }
  if (unpacked.length !== uncompressedLength) {
    throw new QlogError('QLOG_DAMAGED', 'a compressed block unpacks to another length than it says')
  }
  return unpacked
}
