/**
 * One pass over all full segments of a log, beside its owner or without one: at a limited rate, and past
 * the page cache where that can be had. Reads only.
 */
import { QlogTypeError } from '../errors.ts'
import { VERDICT_ROWS, type VerdictRow } from '../format/verdict.ts'
import { isSameSegment } from '../log/scrub/check-segment.ts'
import { scrubPass } from '../log/scrub/scrub-pass.ts'
import type { ScrubFinding, ScrubReport } from '../log/scrub/types.ts'
import type { System } from '../system/system.ts'
import { type Finding, makeFinding } from './finding.ts'
import { IdRanges } from './id-ranges.ts'
import { asIoError, lockOf, lookAt, type OwnerState, ownerState } from './source.ts'
import type { InspectOptions } from './verify.ts'

export interface ScrubLogOptions extends InspectOptions {
  /** No more bytes than this are read a second; unlimited unless told. */
  readonly bytesPerSecond?: number
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
  const { bytesPerSecond, signal, onProgress } = options
  if (bytesPerSecond !== undefined && !(Number.isInteger(bytesPerSecond) && bytesPerSecond > 0)) {
    throw new QlogTypeError(`bytesPerSecond must be a whole number from 1, not ${bytesPerSecond}`)
  }
  const { storeId, map } = await lookAt(system, directory, signal)
  const source = {
    storeId,
    full: map,
    stillNames: async (entry: (typeof map)[number]) => {
      const now = await lookAt(system, directory, signal)
      return now.map.some((one) => isSameSegment(one, entry))
    },
  }
  try {
    const pace = { bytesPerSecond, signal, keepsAlive: true }
    const report = await scrubPass(system, directory, source, {
      ...pace,
      ...(onProgress && { onProgress }),
    })
    const lost = new IdRanges()
    for (const { firstId, endId } of report.findings) lost.add(firstId, endId)
    return {
      ...report,
      verdict: report.damages > 0 ? 'rot' : 'fine',
      owner: ownerState(await lockOf(system, directory)),
      lostMessages: lost.idCount,
      findings: report.findings.map(inWords),
    }
  } catch (error) {
    throw asIoError(error, `cannot read the log ${directory}`)
  }
}

function inWords(finding: ScrubFinding): Finding {
  const { row, file, offset, bytes, firstId, endId, why, mendable } = finding
  const words = row in VERDICT_ROWS ? VERDICT_ROWS[row as VerdictRow] : ''
  const detail = why.startsWith(words) ? why.slice(words.length).replace(/^; /, '') : why
  const place = { row, file, offset, bytes, firstId, endId }
  return makeFinding(place, detail === '' || row === 'header-copy' ? undefined : detail, mendable)
}
