/** Bytes of the owner, encoded once into memory of the log's own. Pure. */
import type { Encodable } from '../seam.ts'
import { Slab } from '../slab.ts'

const NOTHING: readonly Uint8Array[] = []

const slab = new Slab()

/** Takes the bytes of each record. Throws what an encoder throws. */
export function encodeOwn(records: readonly Encodable[]): readonly Uint8Array[] {
  if (records.length === 0) return NOTHING
  const encoded: Uint8Array[] = []
  for (const record of records) encoded.push(encodeOne(record))
  return encoded
}

function encodeOne(record: Encodable): Uint8Array {
  const own = slab.room(record.byteLength)
  record.encodeInto(own, 0)
  return own
}
