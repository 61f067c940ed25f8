/**
 * Where the log ends and what of it is lost, for an opening that will act on it: where something is given up,
 * it is looked at until two looks in a row say the same. One read that went wrong, or what an owner that was
 * taken over does at that very moment, must not decide.
 */
import { type Gap, QlogError, systemErrorCode, throwIfAborted } from '../errors.ts'
import { isRot, type VerdictRow } from '../format/verdict.ts'
import type { System } from '../system/system.ts'
import { type Assessment, assess } from './assess.ts'
import { type Survey, surveyDirectory } from './survey.ts'

/** Two looks that agree are enough; where no two of so many do, nothing that is read can be relied on. */
const LOOKS_MAX = 5

/** Rows that give up bytes which another look may show as whole groups. */
const CUTS_OFF: ReadonlySet<VerdictRow> = new Set<VerdictRow>([
  'torn-tail',
  'hole-above-d',
  'partial-group',
  'torn-first-group',
])

/**
 * Judges the directory as {@link assess} does. Rejects with QLOG_IO where the looks go on differing, and with
 * QLOG_READ_ONLY where only reading is allowed; nothing is changed.
 */
export async function assessSurely(
  system: System,
  directory: string,
  signal?: AbortSignal,
): Promise<Assessment> {
  let last: Assessment | undefined
  for (let looks = 1; looks <= LOOKS_MAX; looks++) {
    throwIfAborted(signal)
    const assessment = await assessOnce(system, directory)
    if (assessment && !assessment.rows.some(givesUp)) return assessment
    if (assessment && last && saysTheSame(last, assessment)) return assessment
    last = assessment
  }
  const what = `what the log ${directory} holds read otherwise each time, ${LOOKS_MAX} times`
  throw new QlogError(
    'QLOG_IO',
    `${what}; nothing was changed: check disk and memory, then try again`,
  )
}

/** Undefined where a file went away between the list and its walk. */
async function assessOnce(system: System, directory: string): Promise<Assessment | undefined> {
  const survey = await writableSurvey(system, directory)
  try {
    return await assess(system, survey)
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error
    return undefined
  }
}

/** Bytes are cut off, or messages called lost, whose file may have come behind the list of the directory. */
function givesUp(row: VerdictRow): boolean {
  return CUTS_OFF.has(row) || isRot(row)
}

async function writableSurvey(system: System, directory: string): Promise<Survey> {
  const survey = await surveyDirectory(system, directory)
  if (!survey.readOnly) return survey
  throw new QlogError('QLOG_READ_ONLY', `${directory} has a feature that allows reading only`)
}

function saysTheSame(one: Assessment, other: Assessment): boolean {
  return wordsOf(one) === wordsOf(other)
}

/** All that an opening acts on: where the log ends, which map is in force, what is lost. */
function wordsOf({ newest, nextId, rows, files, newestGaps, mapGaps }: Assessment): string {
  const { durable, end, mapOffset } = newest?.tail ?? {}
  return JSON.stringify([
    [newest?.head.file, durable, end, mapOffset, nextId],
    rows,
    files.map(({ row, file, firstId, endId }) => [row, file, firstId, endId]),
    [...newestGaps, ...mapGaps].map(placeOf),
  ])
}

function placeOf({ file, offset, bytes, firstId, endId }: Gap): unknown[] {
  return [file, offset, bytes, firstId, endId]
}
