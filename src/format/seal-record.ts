/** SEAL: where the blocks of a full segment stand. A cache, rebuilt by a scan where it is absent. */
import { FieldReader, FieldWriter } from './fields.ts'
import { SEAL_ENTRY_BYTES, SEAL_FIXED_BYTES } from './layout.ts'

export interface Seal {
  readonly firstId: number
  /** One past the last id. */
  readonly endId: number
  readonly messages: number
  readonly controls: number
  /** First id of each indexed block; as long as `blockOffsets`. */
  readonly blockFirstIds: Float64Array
  /** Where each indexed block stands in the file; grows. */
  readonly blockOffsets: Uint32Array
}

/** The body of a SEAL's FIELD record. */
export function encodeSeal(seal: Seal): Uint8Array {
  const { blockFirstIds, blockOffsets } = seal
  const count = blockOffsets.length
  if (blockFirstIds.length !== count) throw new Error('a SEAL needs as many ids as offsets')
  if (seal.firstId < 1 || seal.endId < seal.firstId) throw new Error('ids of a SEAL do not grow')
  const writer = new FieldWriter(SEAL_FIXED_BYTES + count * SEAL_ENTRY_BYTES)
  writer.uint64(seal.firstId)
  writer.uint64(seal.endId)
  writer.uint32(seal.messages)
  writer.uint32(seal.controls)
  writer.uint32(count)
  writer.zero(4)
  for (let i = 0; i < count; i++) {
    if (!entryGrows(blockFirstIds, blockOffsets, i))
      throw new Error('entries of a SEAL do not grow')
    writer.uint64(blockFirstIds[i] as number)
    writer.uint32(blockOffsets[i] as number)
    writer.zero(4)
  }
  return writer.finish()
}

/** A SEAL from the body of its FIELD record; undefined where it is malformed. */
export function decodeSeal(body: Uint8Array): Seal | undefined {
  const reader = new FieldReader(body)
  const firstId = reader.uint64()
  const endId = reader.uint64()
  const messages = reader.uint32()
  const controls = reader.uint32()
  const entryCount = reader.uint32()
  reader.zero32()
  const count = reader.count(entryCount, SEAL_ENTRY_BYTES)
  const blockFirstIds = new Float64Array(count)
  const blockOffsets = new Uint32Array(count)
  for (let i = 0; i < count && !reader.failed; i++) {
    blockFirstIds[i] = reader.uint64()
    blockOffsets[i] = reader.uint32()
    reader.zero32()
    reader.require(entryGrows(blockFirstIds, blockOffsets, i))
  }
  reader.require(firstId >= 1 && endId >= firstId)
  return reader.complete
    ? { firstId, endId, messages, controls, blockFirstIds, blockOffsets }
    : undefined
}

/** Offsets grow; ids may stay, since a block of control records alone has none of its own. */
function entryGrows(firstIds: Float64Array, offsets: Uint32Array, i: number): boolean {
  if (i === 0) return (firstIds[0] as number) >= 1
  return (
    (offsets[i] as number) > (offsets[i - 1] as number) &&
    (firstIds[i] as number) >= (firstIds[i - 1] as number)
  )
}
