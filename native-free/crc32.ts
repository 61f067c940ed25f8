/**
 * CRC-32 as zlib, gzip and PNG have it (reflected polynomial 0xEDB88320), sixteen bytes a step: sixteen
 * tables tell what each byte of a step contributes, so that only the steps wait for one another. Pure.
 */

const POLYNOMIAL = 0xedb88320
const STEP_BYTES = 16
const TABLE_ENTRIES = 256

/** Table k: what a byte contributes that has k bytes of its step behind it. */
function makeTables(): Int32Array[] {
  const first = new Int32Array(TABLE_ENTRIES)
  for (let byte = 0; byte < TABLE_ENTRIES; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL
    first[byte] = crc
  }
  const tables = [first]
  let before = first
  while (tables.length < STEP_BYTES) {
    before = before.map((crc) => (crc >>> 8) ^ (first[crc & 0xff] as number))
    tables.push(before)
  }
  return tables
}

// Apart, and not an array of arrays: so the compiler sees that no index leaves its table.
const [T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15] =
  makeTables() as TablesOfAStep

type TablesOfAStep = [
  ...[Int32Array, Int32Array, Int32Array, Int32Array],
  ...[Int32Array, Int32Array, Int32Array, Int32Array],
  ...[Int32Array, Int32Array, Int32Array, Int32Array],
  ...[Int32Array, Int32Array, Int32Array, Int32Array],
]

/**
 * The CRC-32 of `bytes`, unsigned. With the CRC of what stands before them as `seed`, that of both
 * together; 0 begins anew.
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  const end = bytes.length
  let crc = ~seed
  let at = 0
  for (const stepMax = end - STEP_BYTES; at <= stepMax; at += STEP_BYTES) {
    crc =
      (T15[((bytes[at] as number) ^ crc) & 0xff] as number) ^
      (T14[((bytes[at + 1] as number) ^ (crc >>> 8)) & 0xff] as number) ^
      (T13[((bytes[at + 2] as number) ^ (crc >>> 16)) & 0xff] as number) ^
      (T12[((bytes[at + 3] as number) ^ (crc >>> 24)) & 0xff] as number) ^
      (T11[bytes[at + 4] as number] as number) ^
      (T10[bytes[at + 5] as number] as number) ^
      (T9[bytes[at + 6] as number] as number) ^
      (T8[bytes[at + 7] as number] as number) ^
      (T7[bytes[at + 8] as number] as number) ^
      (T6[bytes[at + 9] as number] as number) ^
      (T5[bytes[at + 10] as number] as number) ^
      (T4[bytes[at + 11] as number] as number) ^
      (T3[bytes[at + 12] as number] as number) ^
      (T2[bytes[at + 13] as number] as number) ^
      (T1[bytes[at + 14] as number] as number) ^
      (T0[bytes[at + 15] as number] as number)
  }
  for (; at < end; at++) {
    crc = (crc >>> 8) ^ (T0[(crc ^ (bytes[at] as number)) & 0xff] as number)
  }
  return ~crc >>> 0
}
