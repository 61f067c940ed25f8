/**
 * Where the log ends and what of it is lost, for an opening that will act on it: where something is given up,
 * it is looked at until two looks in a row say the same. One read that went wrong, or what an owner that was
 * taken over does at that very moment, must not decide.
 */
import { QlogError, throwIfAborted } from '../errors.ts'
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
    const assessment = await assess(system, await writableSurvey(system, directory))
    if (!assessment.rows.some(givesUp)) return assessment
    if (last && endsAlike(last, assessment)) return assessment
    last = assessment
  }
  const what = `where the log ${directory} ends read otherwise each time, ${LOOKS_MAX} times`
  throw new QlogError(
    'QLOG_IO',
    `${what}; nothing was changed: check disk and memory, then try again`,
  )
}

/** Bytes are cut off, or messages called lost: the directory may have been listed before a file came. */
function givesUp(row: VerdictRow): boolean {
  return CUTS_OFF.has(row) || isRot(row)
}

async function writableSurvey(system: System, directory: string): Promise<Survey> {
  const survey = await surveyDirectory(system, directory)
  if (!survey.readOnly) return survey
  throw new QlogError('QLOG_READ_ONLY', `${directory} has a feature that allows reading only`)
}

function endsAlike(one: Assessment, other: Assessment): boolean {
  const [tail, otherTail] = [one.newest?.tail, other.newest?.tail]
  return (
    one.newest?.head.file === other.newest?.head.file &&
    tail?.durable === otherTail?.durable &&
    tail?.end === otherTail?.end &&
    one.nextId === other.nextId &&
    one.rows.join() === other.rows.join()
  )
}
