/**
 * Verdicts over whole files: which segment is the newest, which files belong to the log, which are
 * missing, foreign, or rubbish. Pure, like verdict.ts, which judges what stands inside a segment.
 */
import type { IndexEvidence, SegmentHead } from './evidence.ts'
import { segmentFileName } from './layout.ts'
import type { MapEntry } from './link.ts'
import type { FirstGroup, VerdictRow } from './verdict.ts'

/** Orders heads so that the segment most likely to be the newest comes first. */
export function rankHeads(heads: readonly SegmentHead[], storeId: string): SegmentHead[] {
  return heads
    .filter((head) => head.link !== undefined && belongs(head, storeId))
    .sort(
      (a, b) =>
        (b.link?.epoch ?? 0) - (a.link?.epoch ?? 0) ||
        b.number - a.number ||
        // A mended copy was durable before it had its name, and is the better one.
        b.generation - a.generation,
    )
}

/**
 * The map with the files that are there: where the one that an entry names is gone, or is not what the entry
 * says, a copy of it, mended under a map that is lost, stands for it. Its salts tell it, which no merged file shares.
 */
export function withCopies(
  map: readonly MapEntry[],
  heads: readonly SegmentHead[],
  storeId: string,
): readonly MapEntry[] {
  const byFile = new Map(heads.map((head) => [head.file, head]))
  return map.map((entry) => {
    const own = byFile.get(segmentFileName(entry.number, entry.generation))
    if (own && !mappedProblem(own, entry, storeId)) return entry
    const copy = heads.findLast(
      (head) =>
        belongs(head, storeId) &&
        head.number === entry.number &&
        head.generation > entry.generation &&
        head.header?.salt1 === entry.salt1 &&
        head.header.salt2 === entry.salt2,
    )
    return copy ? { ...entry, generation: copy.generation } : entry
  })
}

/**
 * The store that most segments with a LINK belong to, of equals that of the highest epoch; the index
 * decides where it is there. A segment that was only made ahead counts where no other is: a writer
 * that lost a new log to another may have left any number of those, and one with a LINK.
 */
export function storeIdOf(heads: readonly SegmentHead[], index?: IndexEvidence): string {
  // An index of another log, put here by mistake, must not outvote every segment.
  const isAlone = heads.every(({ header }) => header === undefined)
  if (index && (isAlone || heads.some(({ header }) => header?.storeId === index.storeId))) {
    return index.storeId
  }
  const begun = heads.filter((head) => head.link !== undefined)
  const voters = (begun.length > 0 ? begun : heads).toSorted(
    (a, b) => (b.link?.epoch ?? 0) - (a.link?.epoch ?? 0) || b.number - a.number,
  )
  const votes = new Map<string, number>()
  for (const { header } of voters) {
    if (header) votes.set(header.storeId, (votes.get(header.storeId) ?? 0) + 1)
  }
  let winner = ''
  for (const [storeId, count] of votes) {
    if (winner === '' || count > (votes.get(winner) ?? 0)) winner = storeId
  }
  return winner
}

/** True where name and header agree that this file is this segment of this log. */
export function belongs(head: SegmentHead, storeId: string): boolean {
  const { header } = head
  return (
    header !== undefined &&
    header.storeId === storeId &&
    header.number === head.number &&
    header.generation === head.generation
  )
}

/** The index as a claim about one segment: its D there, or 0 where it says nothing about it. */
export function indexClaim(
  index: IndexEvidence | undefined,
  head: SegmentHead,
  newestEpoch: number,
): number {
  if (!index || index.epoch < newestEpoch || index.number !== head.number) return 0
  const { header } = head
  if (!header || header.salt1 !== index.salt1 || header.salt2 !== index.salt2) return 0
  return index.durableOffset
}

/** What a whole file means, judged by its name and head alone. */
export interface FileVerdict {
  readonly row: VerdictRow
  readonly file: string
  readonly firstId: number
  readonly endId: number
  readonly why: string
}

/** Judges the files beside the newest segment against the map that is in force. */
export function judgeFiles(
  heads: readonly SegmentHead[],
  newest: SegmentHead | undefined,
  map: readonly MapEntry[],
  storeId: string,
): FileVerdict[] {
  const verdicts: FileVerdict[] = []
  const named = new Map<string, MapEntry>()
  for (const entry of map) named.set(keyOf(entry), entry)
  const found = new Set<string>()
  for (const head of heads) {
    if (head === newest) continue
    const entry = named.get(keyOf(head))
    if (entry === undefined) {
      if (newest !== undefined && head.number <= newest.number) {
        verdicts.push({
          row: 'rubbish',
          file: head.file,
          firstId: 0,
          endId: 0,
          why: 'not in the map',
        })
      }
      continue
    }
    found.add(keyOf(head))
    const problem = mappedProblem(head, entry, storeId)
    if (problem) {
      const { firstId, endId } = entry
      verdicts.push({ row: problem.row, file: head.file, firstId, endId, why: problem.why })
    }
  }
  for (const [key, entry] of named) {
    if (found.has(key)) continue
    const { firstId, endId } = entry
    verdicts.push({ row: 'rot-missing', file: key, firstId, endId, why: 'no such file' })
  }
  return verdicts
}

/** Judges a segment numbered above the newest accepted LINK. */
export function judgeAbove(
  head: SegmentHead,
  newestEpoch: number,
  storeId: string,
  first: FirstGroup,
): VerdictRow {
  if (head.header === undefined) return 'rot-header'
  if (!belongs(head, storeId)) return 'rubbish'
  if (head.link !== undefined && head.link.epoch < newestEpoch) return 'stale-fork'
  if (first === 'claimed') return 'rot-lost-link'
  // Merged or mended, it stood in front of one that had begun: that one is gone, and its LINK with it.
  if (head.generation > 0) return 'rot-lost-link'
  // Segments get their name at full size, flushed: a shorter one was cut off later.
  if (head.actualBytes < head.header.fileBytes) return 'rot-short-file'
  return first === 'empty' ? 'never-used' : 'torn-first-group'
}

/**
 * True where the index proves that the newest segment's file is gone: it names a segment numbered
 * above the newest that has begun (0 = none has), and no file is that segment. A file of that name
 * without a valid header is judged by itself.
 */
export function newestIsMissing(
  index: IndexEvidence | undefined,
  heads: readonly SegmentHead[],
  newestEpoch: number,
  newestNumber: number,
): boolean {
  if (!index || index.epoch < newestEpoch || index.number <= newestNumber) return false
  return !heads.some(
    ({ number, generation, header }) =>
      number === index.number &&
      // A mended copy has the salts of the segment that it stands for.
      (header
        ? header.salt1 === index.salt1 && header.salt2 === index.salt2
        : generation === index.generation),
  )
}

/** Why a file is not the segment that the map names there; undefined where it is. */
export function mappedProblem(
  head: SegmentHead,
  entry: MapEntry,
  storeId: string,
): { row: VerdictRow; why: string } | undefined {
  const { header } = head
  if (header === undefined) return { row: 'rot-header', why: head.problem ?? 'no valid header' }
  if (!belongs(head, storeId)) return { row: 'rot-foreign', why: 'its header names another place' }
  if (header.salt1 !== entry.salt1 || header.salt2 !== entry.salt2) {
    return { row: 'rot-foreign', why: 'its salts are not those the map names' }
  }
  return undefined
}

function keyOf(segment: { readonly number: number; readonly generation: number }): string {
  return segmentFileName(segment.number, segment.generation)
}
