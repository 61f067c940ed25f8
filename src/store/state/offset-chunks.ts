/** The chunks of offsets by which a queue's state is kept and saved, so that a change concerns one. */
import { CHUNK_OFFSETS } from '../containers/chunk-size.ts'

/**
 * Exceptions and keys take up to some hundred bytes each, not a bit: their chunks span fewer offsets, so
 * that encoding one takes no more than some milliseconds.
 */
const SMALL_CHUNK_OFFSETS = 4_096

export function smallChunkOf(offset: number): number {
  return Math.floor(offset / SMALL_CHUNK_OFFSETS)
}

export function chunkOf(offset: number): number {
  return Math.floor(offset / CHUNK_OFFSETS)
}
