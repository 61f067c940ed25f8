/**
 * One pass over all full segments of a log, beside its owner or without one: at a limited rate, and past
 * the page cache where that can be had. Reads only, unless it is asked to mend: then it owns the log.
 */
import { QlogError, QlogTypeError } from '../errors.ts'
import { VERDICT_ROWS, type VerdictRow } from '../format/verdict.ts'
import { openSegmentLog } from '../log/open.ts'
import { checkOptions } from '../log/options.ts'
import { isSameSegment } from '../log/scrub/check-segment.ts'
import { type PassOptions, scrubPass } from '../log/scrub/scrub-pass.ts'
import type { ScrubFinding, ScrubReport } from '../log/scrub/types.ts'
import { AppendPromises } from '../log/waiting/append-promises.ts'
import type { System } from '../system/system.ts'
import { type Finding, makeFinding } from './finding.ts'
import { IdRanges } from './id-ranges.ts'
import { asIoError, lockOf, lookAt, type OwnerState, ownerState } from './source.ts'
import type { InspectOptions } from './verify.ts'

export interface ScrubLogOptions extends InspectOptions {
  /** No more bytes than this are read a second; unlimited unless told. */
  readonly bytesPerSecond?: number
  /**
   * Takes the log's lock, and mends blocks that one flipped bit each explains; default false. Of the
   * functions here the only way to change a log.
   */
  readonly repair?: boolean
}

export interface ScrubLogReport extends Omit<ScrubReport, 'findings'> {
  readonly verdict: 'fine' | 'rot'
  readonly owner: OwnerState
  readonly lostMessages: number
  readonly findings: readonly Finding[]
}

export async function scrubLog(
  system: System,
  directory: string,
  options: ScrubLogOptions = {},
): Promise<ScrubLogReport> {
  const { bytesPerSecond, repair = false, signal, onProgress } = options
  if (bytesPerSecond !== undefined && !(Number.isInteger(bytesPerSecond) && bytesPerSecond > 0)) {
    throw new QlogTypeError(`bytesPerSecond must be a whole number from 1, not ${bytesPerSecond}`)
  }
  if (typeof repair !== 'boolean') throw new QlogTypeError('repair must be true or false')
  const left = new LeftDamage()
  const onTold = (finding: ScrubFinding): void => left.note(finding)
  const told = { onTold, ...(onProgress && { onProgress }) }
  const how = { bytesPerSecond, signal, keepsAlive: true, ...told }
  const pass = repair ? mendPass : readPass
  try {
    const report = await pass(system, directory, how)
    return reportOf(report, left, ownerState(await lockOf(system, directory)))
  } catch (error) {
    throw asIoError(error, `cannot ${repair ? 'mend' : 'read'} the log ${directory}`)
  }
}

async function readPass(system: System, directory: string, how: PassOptions): Promise<ScrubReport> {
  const { storeId, map } = await lookAt(system, directory, how.signal)
  const source = {
    storeId,
    full: map,
    stillNames: async (entry: (typeof map)[number]) => {
      const now = await lookAt(system, directory, how.signal)
      return now.map.some((one) => isSameSegment(one, entry))
    },
  }
  return scrubPass(system, directory, source, how)
}

/** As the owner of a log, or of a store's without its state: nothing is appended but a new map. */
async function mendPass(system: System, directory: string, how: PassOptions): Promise<ScrubReport> {
  // Opening would make a log where there is none.
  await lookAt(system, directory, how.signal)
  const options = checkOptions({ ...(how.signal && { signal: how.signal }) })
  const log = await openSegmentLog(system, directory, new AppendPromises(), options).catch(
    withRemedy,
  )
  try {
    return await log.mendNow(how)
  } finally {
    await log.close()
  }
}

function withRemedy(error: unknown): never {
  if (!(error instanceof QlogError) || error.code !== 'QLOG_LOCKED') throw error
  const words =
    'Only its owner mends a log: one that opens it with scrub: { repair: true } ' +
    '(a store: log: { scrub: { repair: true } }) does so by itself.'
  throw new QlogError('QLOG_LOCKED', `${error.message} ${words}`, { cause: error })
}

/** What is damaged still, of all places: a report tells only so many of them one by one. */
class LeftDamage {
  readonly #lost = new IdRanges()
  #places = 0

  get places(): number {
    return this.#places
  }

  get lostMessages(): number {
    return this.#lost.idCount
  }

  note({ mendedIn, firstId, endId }: ScrubFinding): void {
    if (mendedIn !== undefined) return
    this.#places++
    this.#lost.add(firstId, endId)
  }
}

function reportOf(report: ScrubReport, left: LeftDamage, owner: OwnerState): ScrubLogReport {
  return {
    ...report,
    verdict: left.places > 0 ? 'rot' : 'fine',
    owner,
    lostMessages: left.lostMessages,
    findings: report.findings.map(inWords),
  }
}

function inWords(finding: ScrubFinding): Finding {
  const { row, file, offset, bytes, firstId, endId, why, mendable, mendedIn } = finding
  const words = row in VERDICT_ROWS ? VERDICT_ROWS[row as VerdictRow] : ''
  const detail = why.startsWith(words) ? why.slice(words.length).replace(/^; /, '') : why
  const place = { row, file, offset, bytes, firstId, endId }
  const isPlain = detail === '' || row === 'header-copy'
  const told = makeFinding(place, isPlain ? undefined : detail, mendable)
  if (mendedIn === undefined) return told
  const follows = `mended: ${mendedIn} has its place, and the damaged file is in quarantine/`
  return { ...told, level: 'note', follows }
}
