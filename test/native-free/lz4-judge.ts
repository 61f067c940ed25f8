/**
 * Judges the decoder of LZ4 blocks by a model that knows each rule by name: it gives exactly the bytes that
 * the rules give or refuses, and reads and writes nothing outside its ranges.
 */
import { decompressBlockInto, Lz4Error } from '../../native-free/index.ts'
import { unpackByModel } from './lz4-model.ts'

const GUARD_BYTES = 64

/** Decodes between guards; the text that is returned is the error's, the bytes are what was unpacked. */
function decodeGuarded(block: Uint8Array, length: number, around: number): Uint8Array | string {
  const source = new Uint8Array(block.length + 2 * GUARD_BYTES).fill(around)
  source.set(block, GUARD_BYTES)
  const target = new Uint8Array(length + 2 * GUARD_BYTES).fill(0xa5)
  const end = GUARD_BYTES + length
  const sourceEnd = GUARD_BYTES + block.length
  let said = ''
  try {
    decompressBlockInto(source, GUARD_BYTES, sourceEnd, target, GUARD_BYTES, end)
  } catch (error) {
    if (!(error instanceof Lz4Error)) throw error
    said = error.message
  }
  const guards = [...target.subarray(0, GUARD_BYTES), ...target.subarray(end)]
  if (guards.some((byte) => byte !== 0xa5)) throw new Error('a guard byte was written')
  return said === '' ? target.subarray(GUARD_BYTES, end) : said
}

/**
 * True where the block unpacks to so many bytes. Throws where the decoder and the model do not agree, or
 * what stands around the block has an influence.
 */
export function judgeDecoder(block: Uint8Array, length: number): boolean {
  const model = unpackByModel(block, length)
  for (const around of [0x00, 0xff, 0x1f]) {
    const found = decodeGuarded(block, length, around)
    if (typeof model === 'string') {
      if (typeof found !== 'string')
        throw new Error(`a block is taken that the model refuses: ${model}`)
    } else if (typeof found === 'string') {
      throw new Error(`a block is refused (${found}) that the model takes`)
    } else if (Buffer.compare(found, model.bytes) !== 0) {
      throw new Error('a block unpacks to other bytes than the model says')
    }
  }
  return typeof model !== 'string'
}
