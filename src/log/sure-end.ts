/**
 * Where the log ends, for an opening that will cut off what stands behind: looked at until two looks in a row
 * say the same. One read that went wrong, or the late write of an owner that was taken over, must not decide.
 */
import { QlogError, throwIfAborted } from '../errors.ts'
import type { VerdictRow } from '../format/verdict.ts'
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
    if (!assessment.rows.some((row) => CUTS_OFF.has(row))) return assessment
    if (last && endsAlike(last, assessment)) return assessment
    last = assessment
  }
  const what = `where the log ${directory} ends read otherwise each time, ${LOOKS_MAX} times`
  throw new QlogError(
    'QLOG_IO',
    `${what}; nothing was changed: check disk and memory, then open again`,
  )
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
