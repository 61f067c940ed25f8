/**
 * Which saved state an opening begins with: the newest of the index files and of the snapshots in the
 * log that can be read whole and from which the log can still be replayed. Reads only.
 */
import { DamagedError } from '../../errors.ts'
import type { Crc32 } from '../../format/crc.ts'
import type { MapEntry, SnapshotPlaces } from '../../format/link.ts'
import type { System } from '../../system/system.ts'
import type { Assessment } from '../assess.ts'
import { lostSegments } from '../assess.ts'
import { entryOfNewest } from '../recover.ts'
import type { Lsn } from '../seam.ts'
import type { IndexName, NamedIndex } from '../survey.ts'
import { sealedSegment } from '../view.ts'
import { PartReader } from './part-reader.ts'
import {
  type LogSnapshot,
  lowestAt,
  lowestLsn,
  OWN_PART_PREFIX,
  type PartPlace,
  type State,
} from './saved-state.ts'

export interface FoundState {
  /** Ends of the newest complete snapshots, as LINK and MAP go on naming them. */
  readonly places: SnapshotPlaces
  /** Those of them that nothing shows to be damaged, newest first: no other lets anything leave the log. */
  readonly snapshots: readonly LogSnapshot[]
  /** The newest state; undefined where none was saved, or the whole log can stand for it. */
  readonly state: State | undefined
  /** The index file that holds the newest state of those that do. */
  readonly stateIndex: IndexName | undefined
}

/** Rejects with QLOG_DAMAGED where no state can be read, and the log has given up what led to it. */
export async function findState(system: System, assessment: Assessment): Promise<FoundState> {
  const { newest, survey } = assessment
  const none = { places: [0, 0] as const, snapshots: [], state: undefined, stateIndex: undefined }
  if (!newest) return none
  const entries = [...assessment.map, entryOfNewest(newest)]
  const lost = lostSegments(assessment)
  const segments = entries.map((one) => sealedSegment(one, undefined, lost.get(one.number)))
  const reader = new PartReader(system, survey.directory, () => segments)
  const indexes = survey.indexes.filter((one) => indexStands(one, entries, assessment.storeId))
  const places = newestPlaces(assessment.snapshots, indexes, entries)
  const snapshots: LogSnapshot[] = []
  for (const place of places) {
    const found = place === 0 ? undefined : await unlessDamaged(reader.snapshot(place))
    if (found) snapshots.push(found)
  }
  const root = rootBound(places, snapshots)
  const indexed = newestIndexed(indexes, root, system.crc32)
  const damaged = new Set<LogSnapshot>()
  const state = await newestReadable(reader, snapshots, indexed?.state, damaged)
  if (!state && places[0] !== 0 && !holdsAll(entries)) {
    throw new DamagedError(
      `${survey.directory}: neither the index nor a snapshot gives the state, and the log has given up what led to it`,
      places.filter((place) => place > 0).map((place) => gapAt(place, entries)),
    )
  }
  const standing = snapshots.filter((one) => !damaged.has(one))
  return { places, snapshots: standing, state, stateIndex: indexed?.name }
}

/**
 * True where the index tells of this log as it is: its segment is one of these, and what it calls durable
 * is not beyond a cut. A segment that has retired tells of a time before the GC root.
 */
function indexStands(
  { index }: NamedIndex,
  entries: readonly MapEntry[],
  storeId: string,
): boolean {
  const { current } = index
  const entry = entries.find(({ number }) => number === current.number)
  if (!entry || index.storeId !== storeId) return false
  // A mended copy has the salts of the segment that it stands for.
  if (entry.salt1 !== current.salt1 || entry.salt2 !== current.salt2) return false
  if (current.durableOffset > entry.cut) return false
  const end = entry.base + current.durableOffset
  return index.parts.every(({ name, lsn }) => name.startsWith(OWN_PART_PREFIX) || lsn <= end)
}

/** The index is written before the next LINK or MAP, so that it may name a newer snapshot. */
function newestPlaces(
  inForce: SnapshotPlaces,
  indexes: readonly NamedIndex[],
  entries: readonly MapEntry[],
): SnapshotPlaces {
  let [newest, before] = inForce
  for (const { index } of indexes) {
    if (index.snapshots[0] > newest) [newest, before] = index.snapshots
  }
  const standing = [newest, before].filter((place) =>
    entries.some(({ base, cut }) => place > base && place < base + cut),
  )
  return [standing[0] ?? 0, standing[1] ?? 0]
}

/**
 * The GC root was never above this. Only an end tells the root of its snapshot: where one cannot be read
 * the other's is taken, and where neither can, the place of the older.
 */
function rootBound(places: SnapshotPlaces, snapshots: readonly LogSnapshot[]): Lsn {
  if (snapshots.length > 0) return Math.min(...snapshots.map(lowestLsn))
  return places[1] || places[0]
}

/** The state in the newest index that has one. What led to one older than the GC root may be gone. */
function newestIndexed(
  indexes: readonly NamedIndex[],
  root: Lsn,
  crc32: Crc32,
): { state: State; name: IndexName } | undefined {
  let newest: { state: State; name: IndexName } | undefined
  for (const { name, index } of indexes) {
    const state = new Map<string, PartPlace>()
    for (const { lsn, name: part, bytes } of index.parts) {
      if (part.startsWith(OWN_PART_PREFIX)) continue
      const indexed = { name, offset: bytes.byteOffset, crc: crc32(bytes, 0) }
      state.set(part, { at: lsn, byteLength: bytes.length, indexed })
    }
    if (state.size === 0 || lowestAt(state) < root) continue
    if (!newest || lowestAt(state) > lowestAt(newest.state)) newest = { state, name }
  }
  return newest
}

/** Of equals the index is taken: it has been read already. Notes which cannot be read. */
async function newestReadable(
  reader: PartReader,
  snapshots: readonly LogSnapshot[],
  indexed: State | undefined,
  damaged: Set<LogSnapshot>,
): Promise<State | undefined> {
  for (const snapshot of snapshots) {
    const at = Math.min(snapshot.endLsn, ...snapshot.parts.map(({ lsn }) => lsn))
    if (indexed && lowestAt(indexed) >= at) return indexed
    const state = await unlessDamaged(readWhole(reader, snapshot))
    if (state) return state
    damaged.add(snapshot)
  }
  return indexed
}

/** The state of a snapshot, every part of which has been read. Rejects with QLOG_DAMAGED. */
export async function readWhole(reader: PartReader, snapshot: LogSnapshot): Promise<State> {
  const lengths = await reader.lengths(snapshot)
  const state = new Map<string, PartPlace>()
  for (const { name, lsn, blockLsn } of snapshot.parts) {
    state.set(name, { at: lsn, byteLength: lengths.get(name) ?? 0, blockLsn })
  }
  return state
}

/** What the promise gives; undefined where it rejects with QLOG_DAMAGED. */
export async function unlessDamaged<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    if (error instanceof DamagedError) return undefined
    throw error
  }
}

/** No segment has ever left the log, of which these are all: then its entries alone give the state. */
export function holdsAll(entries: readonly MapEntry[]): boolean {
  let base = 0
  for (const entry of entries) {
    if (entry.base !== base) return false
    base = entry.base + entry.fileBytes
  }
  return true
}

function gapAt(lsn: Lsn, entries: readonly MapEntry[]) {
  const entry = entries.find(({ base, cut }) => lsn > base && lsn < base + cut)
  const segment = entry && sealedSegment(entry, undefined, undefined)
  const file = segment?.file ?? ''
  const id = segment?.endId ?? 1
  const why = 'a snapshot of the state is damaged'
  return { file, offset: lsn - (segment?.base ?? 0), bytes: 0, firstId: id, endId: id, why }
}
