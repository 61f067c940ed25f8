/**
 * Every structure of the format as bytes, how they are read, and random ones: for the tests of the format and
 * for whoever feeds its decoders with worse. Pure.
 */
import type fc from 'fast-check'
import { decodeGap, encodeGap } from '../../src/format/gap.ts'
import { decodeSegmentHeader, encodeSegmentHeader } from '../../src/format/header.ts'
import { decodeIndex, encodeIndex } from '../../src/format/index-file.ts'
import { decodeLink, decodeMap, encodeLink, encodeMap } from '../../src/format/link.ts'
import { decodeSeal, encodeSeal } from '../../src/format/seal-record.ts'
import {
  decodeSnapshotEnd,
  decodeSnapshotPart,
  encodeSnapshotEnd,
  encodeSnapshotPart,
} from '../../src/format/snapshot.ts'
import { u32 } from './pieces.ts'
import {
  anyGap,
  anyHeader,
  anyIndex,
  anyLink,
  anySeal,
  anySegmentMap,
  anySnapshotEnd,
  anySnapshotPart,
  crc32,
} from './samples.ts'

export interface Decoder {
  readonly name: string
  readonly decode: (bytes: Uint8Array) => unknown
  /** Encoded samples. */
  readonly encoded: fc.Arbitrary<Uint8Array>
  /** The bytes end with, or hold, a checksum of all of them. */
  readonly isChecked: boolean
}

export interface Codec extends Decoder {
  /** A value, and what it is once it was encoded and decoded. */
  readonly thereAndBack: fc.Arbitrary<readonly [value: unknown, back: unknown]>
}

function codec<T>(
  name: string,
  any: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (bytes: Uint8Array) => T | undefined,
  isChecked = false,
): Codec {
  const thereAndBack = any.map((value) => [value, decode(encode(value))] as const)
  return { name, decode, encoded: any.map(encode), isChecked, thereAndBack }
}

/** Undefined is what their decoders say to what is none. */
export const CODECS: readonly Codec[] = [
  codec('LINK', anyLink, encodeLink, decodeLink),
  codec('MAP', anySegmentMap, encodeMap, decodeMap),
  codec('SEAL', anySeal, encodeSeal, decodeSeal),
  codec('GAP', anyGap, encodeGap, decodeGap),
  codec('SNAPSHOT_PART', anySnapshotPart, encodeSnapshotPart, decodeSnapshotPart),
  codec('SNAPSHOT_END', anySnapshotEnd, encodeSnapshotEnd, decodeSnapshotEnd),
  codec(
    'index',
    anyIndex,
    (index) => encodeIndex(index, crc32),
    (bytes) => decodeIndex(bytes, crc32),
    true,
  ),
]

/** Also the header, which is never undefined. */
export const DECODERS: readonly Decoder[] = [
  ...CODECS,
  {
    name: 'segment header',
    decode: (bytes) => decodeSegmentHeader(bytes, crc32),
    encoded: anyHeader.map((header) => encodeSegmentHeader(header, crc32)),
    isChecked: false,
  },
  {
    // Behind a right checksum the other fields are reached.
    name: 'index with its checksum mended',
    decode: (bytes) => {
      const mended = bytes.slice()
      const crcAt = mended.length - 4
      if (crcAt < 16) return undefined
      mended.set(u32(mended.length), 12)
      mended.set(u32(crc32(mended.subarray(0, crcAt), 0)), crcAt)
      return decodeIndex(mended, crc32)
    },
    encoded: anyIndex.map((index) => encodeIndex(index, crc32)),
    isChecked: false,
  },
]
