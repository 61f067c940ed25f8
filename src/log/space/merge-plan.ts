/** Which neighbouring segments are worth merging into one. Pure. */
import {
  BLOCK_HEADER_BYTES,
  PAGE_BYTES,
  roundUp,
  SEGMENT_FILE_BYTES_MAX,
  SEGMENT_FILE_BYTES_MIN,
  SEGMENT_HEADER_BYTES,
} from '../../format/layout.ts'
import type { MapEntry } from '../../format/link.ts'

/** A merge takes no more segments than this. */
const VICTIMS_MAX = 1024
/** A map of more segments than this is long: each LINK names all of them. */
export const LONG_MAP = 64
/** So many small ones are merged only to make a long map shorter. */
const FOLDED_MIN = 8
/** A segment below this part of the largest is small. */
const SMALL_SHARE = 8

/** A full segment as the plan sees it. */
export interface Candidate {
  readonly entry: MapEntry
  /** Estimate of what its live messages take in SPARSE blocks. */
  readonly liveBytes: number
  /** It may be a victim. */
  readonly isFree: boolean
}

export interface MergePlan {
  readonly victims: readonly MapEntry[]
  /** Estimate of the new file's size. */
  readonly newBytes: number
  readonly oldBytes: number
}

/** The size of a segment's file for blocks of so many bytes, with SEAL behind them. */
export function mergedFileBytes(blockBytes: number): number {
  // SEAL names a block every 16 KiB.
  const sealBytes = 3 * BLOCK_HEADER_BYTES + Math.ceil(blockBytes / 1024)
  const bytes = roundUp(SEGMENT_HEADER_BYTES + blockBytes + sealBytes, PAGE_BYTES)
  return Math.max(SEGMENT_FILE_BYTES_MIN, bytes)
}

/**
 * The first run of neighbours, in order of number, that gives at least half of its space back; of
 * sparse ones alone where there is one, else with small ones between. In a long map, also small ones
 * that become one without giving much back, where each at least doubles.
 */
export function planMerge(
  segments: readonly Candidate[],
  targetBytes: number,
): MergePlan | undefined {
  const smallBytes = Math.max(targetBytes / SMALL_SHARE, 4 * SEGMENT_FILE_BYTES_MIN)
  const isSparse = ({ entry, liveBytes }: Candidate): boolean => liveBytes * 2 <= entry.fileBytes
  const isSmall = ({ entry }: Candidate): boolean => entry.fileBytes <= smallBytes
  return (
    firstRun(segments, targetBytes, isSparse, halves) ??
    firstRun(segments, targetBytes, (one) => isSparse(one) || isSmall(one), halves) ??
    (segments.length > LONG_MAP ? firstRun(segments, targetBytes, isSmall, folds) : undefined)
  )
}

interface Run {
  readonly members: readonly Candidate[]
  readonly newBytes: number
  readonly oldBytes: number
}

function halves({ newBytes, oldBytes }: Run): boolean {
  return newBytes * 2 <= oldBytes
}

function folds({ members, newBytes, oldBytes }: Run): boolean {
  if (members.length < FOLDED_MIN || newBytes >= oldBytes) return false
  const largest = members.reduce((most, { liveBytes }) => Math.max(most, liveBytes), 0)
  return largest * 2 <= members.reduce((sum, { liveBytes }) => sum + liveBytes, 0)
}

/** Cuts the members into runs as long as they may be, and takes the first that is worth it. */
function firstRun(
  segments: readonly Candidate[],
  targetBytes: number,
  isMember: (one: Candidate) => boolean,
  isWorthIt: (run: Run) => boolean,
): MergePlan | undefined {
  let members: Candidate[] = []
  let liveBytes = 0
  const plan = (): MergePlan | undefined => {
    const newBytes = mergedFileBytes(liveBytes)
    const oldBytes = members.reduce((sum, { entry }) => sum + entry.fileBytes, 0)
    const run = { members, newBytes, oldBytes }
    if (members.length === 0 || !isWorthIt(run)) return undefined
    return { victims: members.map(({ entry }) => entry), newBytes, oldBytes }
  }
  for (const one of segments) {
    const isNext = one.isFree && isMember(one)
    if (isNext && (members.length === 0 || fits(members, liveBytes, one, targetBytes))) {
      members.push(one)
      liveBytes += one.liveBytes
      continue
    }
    const found = plan()
    if (found) return found
    members = isNext ? [one] : []
    liveBytes = isNext ? one.liveBytes : 0
  }
  return plan()
}

/** Offsets in a file and differences of positions both stay within what a file can have. */
function fits(
  members: readonly Candidate[],
  liveBytes: number,
  { entry, liveBytes: more }: Candidate,
  targetBytes: number,
): boolean {
  const first = members[0]?.entry ?? entry
  return (
    members.length < VICTIMS_MAX &&
    mergedFileBytes(liveBytes + more) <= targetBytes &&
    entry.base + entry.fileBytes - first.base <= SEGMENT_FILE_BYTES_MAX
  )
}
