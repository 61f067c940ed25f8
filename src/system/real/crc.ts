/**
 * CRC-32 as in zlib. The native function costs 200 to 300 ns a call, so short inputs go to the one
 * in JavaScript; Node versions before 20.15 have no native one. Pure.
 */
import * as zlib from 'node:zlib'
import portable from 'crc-32'

/** Measured: about here the native function overtakes the one in JavaScript. */
const NATIVE_BYTES_MIN = 300

type Crc32 = (bytes: Uint8Array, seed: number) => number

/** The one in JavaScript alone, for any length. */
export function portableCrc32(bytes: Uint8Array, seed: number): number {
  return portable.buf(bytes, seed) >>> 0
}

function chooseCrc32(): Crc32 {
  const native: unknown = Reflect.get(zlib, 'crc32')
  if (typeof native !== 'function') return portableCrc32
  return (bytes, seed) =>
    bytes.byteLength < NATIVE_BYTES_MIN
      ? portable.buf(bytes, seed) >>> 0
      : (native(bytes, seed >>> 0) as number)
}

/** CRC-32 (ISO-HDLC) of `bytes`, continued from `seed`; unsigned. */
export const crc32: Crc32 = chooseCrc32()
