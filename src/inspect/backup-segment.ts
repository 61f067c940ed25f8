/**
 * The segment that ends a copy of a log: LINK with the cut of what was copied, its map and the places of
 * its snapshots, then CLEAN, and an index file that says the same and has the owner's state where the index of
 * the original has it. Writes only files it makes itself.
 */

import { SEGMENT_FILE_BYTES_MIN, SEGMENT_HEADER_BYTES } from '../format/layout.ts'
import type { Link, MapEntry, SnapshotPlaces } from '../format/link.ts'
import type { SnapshotPart } from '../format/snapshot.ts'
import type { Assessment } from '../log/assess.ts'
import { type IndexedPart, writeIndexFile } from '../log/checkpoint.ts'
import { nextNumber } from '../log/next-number.ts'
import { createSegment, type OwnSegment, segmentBytesFor, writeWhole } from '../log/segment-file.ts'
import { linkBytes, linkPairBytes, pairGroup, TAIL_RESERVE_BYTES } from '../log/special-groups.ts'
import type { System } from '../system/system.ts'

const IN_FLIGHT_BYTES = 1024 * 1024

export interface CopiedLog {
  readonly assessment: Assessment
  /** The newest segment of the original, which ends for ever where the copy was cut. */
  readonly cut: MapEntry
  readonly places: SnapshotPlaces
  /** The owner's state as the index of the original has it. */
  readonly state: readonly SnapshotPart[]
  readonly nextId: number
  /** LSN of the own segment's first byte. */
  readonly ownBase: number
}

export async function writeOwnSegment(
  system: System,
  directory: string,
  { assessment, cut, places, state, nextId, ownBase }: CopiedLog,
): Promise<void> {
  const { identity, crc32 } = system
  const { storeId, timeMs } = assessment
  const map = [...assessment.map, cut]
  const link: Link = {
    epoch: assessment.epochMax + 1,
    bootId: identity.bootId,
    bootTimeMs: Math.max(0, Math.floor(identity.bootTimeMs)),
    mode: 'always',
    inFlightBytesMax: IN_FLIGHT_BYTES,
    base: ownBase,
    predecessor: { number: cut.number, generation: cut.generation, cut: cut.cut },
    nextId,
    snapshots: places,
    map,
  }
  const needed = SEGMENT_HEADER_BYTES + linkPairBytes(link) + TAIL_RESERVE_BYTES
  const fileBytes = segmentBytesFor(Math.max(SEGMENT_FILE_BYTES_MIN, needed))
  const plan = { directory, storeId, durable: false, numberMin: nextNumber(assessment), fileBytes }
  const segment = await createSegment(system, plan)
  try {
    segment.base = ownBase
    segment.firstId = nextId
    await append(segment, linkBytes(segment, link, timeMs, true, crc32))
    const clean = pairGroup(segment, { type: 'clean' }, nextId, timeMs, crc32)
    if (clean === undefined) throw new Error('room for CLEAN is kept in every segment')
    await append(segment, clean)
    await writeIndex(system, directory, segment, link, assessment, state)
  } finally {
    await segment.handle.close()
  }
}

async function append(segment: OwnSegment, bytes: Uint8Array): Promise<void> {
  await writeWhole(segment.handle, bytes, segment.sentEnd)
  await segment.handle.flush()
  segment.sentEnd += bytes.length
  segment.writtenEnd = segment.sentEnd
  segment.durableOffset = segment.sentEnd
}

async function writeIndex(
  system: System,
  directory: string,
  { number, generation, key, durableOffset }: OwnSegment,
  { epoch, nextId, snapshots, map }: Link,
  { storeId, timeMs }: Assessment,
  state: readonly SnapshotPart[],
): Promise<void> {
  const { salt1, salt2 } = key
  const current = { number, generation, salt1, salt2, durableOffset }
  const head = { storeId, sequence: 1, epoch, current, nextId, timeMs, snapshots, map }
  const parts = state.map(
    ({ name, lsn: at, bytes }): IndexedPart => ({
      name,
      at,
      byteLength: bytes.length,
      read: async () => bytes,
    }),
  )
  await writeIndexFile(system, directory, 'index.a', head, parts)
}
