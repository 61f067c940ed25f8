/**
 * Little-endian numbers in a Uint8Array, by shifts: on the small pieces that blocks are made of this
 * is faster than a DataView, which would have to be allocated first. Positions are the caller's duty.
 */

const TWO_32 = 0x1_0000_0000
/** Upper half of 2^53: the first value that a number cannot hold exactly stands above it. */
const SAFE_HIGH_MAX = 0x1f_ffff

/** What {@link getUint64} returns for a value of 2^53 or more. */
export const NOT_SAFE = -1

/** For whoever has no bytes yet. */
export const NOTHING: Uint8Array = new Uint8Array(0)

/** Bytes of its own: `slice` of a Buffer, which callers may hand over, is a view. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

export function getUint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
}

export function setUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
}

export function getUint32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  )
}

export function setUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

/** The u64 at `at`, or {@link NOT_SAFE} where it is 2^53 or more. */
export function getUint64(bytes: Uint8Array, at: number): number {
  const high = getUint32(bytes, at + 4)
  return high > SAFE_HIGH_MAX ? NOT_SAFE : high * TWO_32 + getUint32(bytes, at)
}

export function setUint64(bytes: Uint8Array, at: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${value} is no u64 below 2^53`)
  setUint32(bytes, at, value % TWO_32)
  setUint32(bytes, at + 4, Math.floor(value / TWO_32))
}

/** True where every byte from `start` up to `end` is zero. */
export function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (bytes[at] !== 0) return false
  }
  return true
}

/** True for an integer that fits into a u32. */
export function isUint32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < TWO_32
}

/** True for an integer that fits into a u64 below 2^53. */
export function isUint64(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
