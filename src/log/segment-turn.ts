/**
 * The turn from one segment to the next: the map entry of the one that ends, the LINK of the one that
 * begins, and the SEAL behind the end of the full one.
 */
import type { Link, LinkMode, MapEntry } from '../format/link.ts'
import type { Identity, System } from '../system/system.ts'
import type { BlockIndex } from './block-index.ts'
import type { OwnSegment } from './segment-file.ts'
import { sealBytes } from './special-groups.ts'

/** The map entry of a segment of our own that ends where its last group was sent. */
export function entryOf(segment: OwnSegment, endId: number): MapEntry {
  return {
    number: segment.number,
    generation: segment.generation,
    salt1: segment.key.salt1,
    salt2: segment.key.salt2,
    fileBytes: segment.fileBytes,
    cut: segment.sentEnd,
    hasControl: segment.hasControl,
    damaged: false,
    dataOnly: false,
    base: segment.base,
    firstId: segment.firstId,
    endId,
    coversTo: segment.number,
  }
}

/** The LINK of a segment behind those of `map`; the last of them is its predecessor. */
export function linkOf(
  identity: Identity,
  epoch: number,
  mode: LinkMode,
  inFlightBytesMax: number,
  base: number,
  nextId: number,
  map: readonly MapEntry[],
): Link {
  const before = map.at(-1)
  return {
    epoch,
    bootId: identity.bootId,
    bootTimeMs: Math.max(0, Math.floor(identity.bootTimeMs)),
    mode,
    inFlightBytesMax,
    base,
    ...(before && {
      predecessor: { number: before.number, generation: before.generation, cut: before.cut },
    }),
    nextId,
    snapshots: [0, 0],
    map,
  }
}

/** Writes SEAL, unflushed, and closes the file. A cache: whether it arrives does not matter. */
export async function sealFile(
  system: System,
  segment: OwnSegment,
  entry: MapEntry,
  index: BlockIndex,
  timeMs: number,
): Promise<void> {
  const seal = {
    firstId: entry.firstId,
    endId: entry.endId,
    messages: entry.endId - entry.firstId,
    controls: 0,
    blockFirstIds: Float64Array.from(index.firstIds),
    blockOffsets: Uint32Array.from(index.offsets),
  }
  const bytes = sealBytes(segment, seal, timeMs, system.crc32)
  try {
    if (bytes) await segment.handle.write(bytes, segment.sentEnd)
  } catch {
    // The segment is durable as it is; without SEAL the next reader walks it once.
  }
  await segment.handle.close().catch(() => undefined)
}
