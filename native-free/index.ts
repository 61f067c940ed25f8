/**
 * `qlog/native-free`: LZ4 blocks and CRC-32 in plain TypeScript, for any JavaScript runtime. Needs no
 * package, no binary and nothing of Node.
 */

export { crc32 } from './crc32.ts'
export { compressBlock, compressBlockInto, DOES_NOT_FIT } from './lz4-compress.ts'
export { decompressBlock, decompressBlockInto } from './lz4-decompress.ts'
export { compressBound, Lz4Error, SOURCE_BYTES_MAX } from './lz4-rules.ts'
