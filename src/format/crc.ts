/**
 * The shape of the checksum that is handed in: this folder computes none itself, so that it runs
 * wherever a CRC-32 can be had.
 */

/** CRC-32 as `zlib.crc32(bytes, seed)` computes it; the result is unsigned. */
export type Crc32 = (bytes: Uint8Array, seed: number) => number
