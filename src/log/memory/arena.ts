/** Bytes of the owner, encoded once into memory of the log's own: small ones share a slab. Pure. */
import type { Encodable } from '../seam.ts'

/** What one body can pin beyond its own bytes. */
const SLAB_BYTES = 16 * 1024
/** Above, an allocation of its own costs little beside the bytes. */
const SHARED_BYTES_MAX = 2 * 1024

const NOTHING: readonly Uint8Array[] = []

let slab = new Uint8Array(SLAB_BYTES)
let used = 0

/** Takes the bytes of each record. Throws what an encoder throws. */
export function encodeOwn(records: readonly Encodable[]): readonly Uint8Array[] {
  if (records.length === 0) return NOTHING
  const encoded: Uint8Array[] = []
  for (const record of records) encoded.push(encodeOne(record))
  return encoded
}

function encodeOne(record: Encodable): Uint8Array {
  const { byteLength } = record
  if (byteLength > SHARED_BYTES_MAX) {
    const own = new Uint8Array(byteLength)
    record.encodeInto(own, 0)
    return own
  }
  if (used + byteLength > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES)
    used = 0
  }
  const target = slab
  const at = used
  // Taken before the encoder runs, in case that appends something itself.
  used += byteLength
  record.encodeInto(target, at)
  return target.subarray(at, at + byteLength)
}
