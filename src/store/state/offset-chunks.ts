/** The chunks of offsets by which a queue's state is kept and saved, so that a change concerns one. */
import { CHUNK_OFFSETS } from '../containers/chunk-size.ts'

export function chunkOf(offset: number): number {
  return Math.floor(offset / CHUNK_OFFSETS)
}
