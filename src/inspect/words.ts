/** What verdicts, types and reasons are called, for people who have to act on them. Pure. */
import { explainCondition, NEEDS_MORE } from '../format/block.ts'
import { BlockFlag, BlockType, RecordKind } from '../format/layout.ts'
import { isRot, VERDICT_ROWS, type VerdictRow } from '../format/verdict.ts'

/** What the tools find beside the rows of the verdict table. */
const OWN_ROWS = {
  'header-copy': 'one of the two copies of the segment header is damaged; the other one is whole',
  'index-file':
    'an index file does not decode; it is a cache and evidence, never a source of messages',
  unreadable: 'the operating system cannot read these bytes',
  // The table speaks of files below the newest LINK; the tools show those above it too.
  rubbish: 'a segment file that is no part of this log',
} as const

export type FindingRow = VerdictRow | keyof typeof OWN_ROWS

/** rot: damage; tail: the log ends earlier than its bytes, as after any power cut; note: neither. */
export type FindingLevel = 'rot' | 'tail' | 'note'

export function wordsOf(row: FindingRow): string {
  return row in OWN_ROWS ? OWN_ROWS[row as keyof typeof OWN_ROWS] : VERDICT_ROWS[row as VerdictRow]
}

const TAIL_ROWS: ReadonlySet<FindingRow> = new Set<FindingRow>([
  'torn-tail',
  'hole-above-d',
  'partial-group',
  'torn-first-group',
])

export function levelOf(row: FindingRow): FindingLevel {
  if (row === 'header-copy' || row === 'index-file' || row === 'unreadable') return 'rot'
  if (isRot(row)) return 'rot'
  return TAIL_ROWS.has(row) ? 'tail' : 'note'
}

/** Ids as people count them: the last one included. */
export function idsInWords(firstId: number, endId: number): string {
  if (endId <= firstId) return 'no message lost'
  if (endId === firstId + 1) return `message ${firstId} lost`
  return `messages ${firstId} to ${endId - 1} lost`
}

/** Why no block stands there. */
export function failureInWords(
  condition: number,
  isUnwritten: boolean,
  isReused: boolean | undefined,
): string {
  if (isUnwritten) {
    return isReused ? 'nothing was written here since the file is used again' : 'every byte is zero'
  }
  if (condition === NEEDS_MORE) return 'the file ends before the block does'
  return `condition ${condition} fails: a block is valid only if ${explainCondition(condition)}`
}

/** What follows from a finding, and what to do. */
export function followsFrom(row: FindingRow, losesMessages: boolean): string {
  switch (row) {
    case 'torn-tail':
    case 'hole-above-d':
    case 'partial-group':
      return 'the log ends in front of it: normal after a crash, nothing proven acknowledged is lost'
    case 'torn-first-group':
      return 'the log ends in the segment before; this file is set aside by the next opening that writes'
    case 'never-used':
      return 'nothing: it was made ahead of need'
    case 'stale-fork':
    case 'rubbish':
      return 'it is never read; the next opening for writing sets it aside'
    case 'header-copy':
      return 'no message is lost, but the disk has changed bytes: `qlog recover DIR --out NEWDIR` writes a whole copy'
    case 'index-file':
      return 'no message is lost, and the next checkpoint replaces it; until then there is less evidence to tell rot from a torn tail'
    case 'clean-end':
      return 'nothing'
    case 'unreadable':
      return 'in a full segment readers report what stood there as lost and go on behind it; with such bytes in its newest one a log does not open. `qlog recover DIR --out NEWDIR` saves all that is valid'
    default:
      return losesMessages
        ? 'readers report these ids as lost and go on behind them; `qlog recover DIR --out NEWDIR` saves all that is valid'
        : 'no message stood there, but the disk has changed bytes: `qlog recover DIR --out NEWDIR` writes a whole copy'
  }
}

/** What follows where the newest messages are lost, and nothing tells how many. */
export const UNCOUNTED =
  'how many messages stood there is not known, and their ids are given again; `qlog recover DIR --out NEWDIR` saves all that is valid'

/** What follows from rot of a file above the newest segment. */
export const UNOPENED =
  'no opening reads this file; `qlog recover DIR --out NEWDIR` saves what is there of it'

const TYPE_NAMES = new Map<number, string>(
  Object.entries(BlockType).map(([name, value]) => [value, name]),
)
const KIND_NAMES = new Map<number, string>(
  Object.entries(RecordKind).map(([name, value]) => [value, name]),
)

export function typeName(type: number): string {
  return TYPE_NAMES.get(type) ?? `type ${type}`
}

export function kindName(kind: number): string {
  return KIND_NAMES.get(kind) ?? `kind ${kind}`
}

export function flagNames(flags: number): string[] {
  return Object.entries(BlockFlag)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name)
}

export function isPairedType(type: number): boolean {
  return (
    type === BlockType.LINK ||
    type === BlockType.MAP ||
    type === BlockType.SYNC ||
    type === BlockType.CLEAN
  )
}
