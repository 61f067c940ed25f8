/** LZ4 in plain TypeScript as a {@link System} offers it: what is used where nothing faster loads. */
import { compressBlockInto, decompressBlock } from 'qlog/native-free'
import type { Lz4 } from './system.ts'

export const nativeFreeLz4: Lz4 = {
  codec: 'native-free',
  compress: compressBlockInto,
  decompress: decompressBlock,
}
