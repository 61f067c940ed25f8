/**
 * Figures of segments that do not stand in the map: what of each is still wanted, as the writer told in
 * the index, and how fast it was filled, from the times of first blocks. Reads only.
 */
import type { SegmentHead } from '../format/evidence.ts'
import type { Assessment } from '../log/assess.ts'
import { liveOf } from '../log/stats.ts'
import { firstBlockTimeMs, keyOf } from '../log/survey.ts'
import { readReport, type WriterReport } from '../log/writer-report.ts'
import type { System } from '../system/system.ts'
import type { SegmentInfo } from './segments.ts'

/** Adds what is known of live bytes and of rates to segments that stand in order. */
export async function withFigures(
  system: System,
  assessment: Assessment,
  infos: readonly SegmentInfo[],
): Promise<readonly SegmentInfo[]> {
  const report = readReport(assessment.survey.index)
  const rates = await ratesOf(system, assessment, infos)
  return infos.map((info) => ({
    ...info,
    ...(report && liveFigures(info, report)),
    ...rates.get(info.file),
  }))
}

function liveFigures(info: SegmentInfo, report: WriterReport): Partial<SegmentInfo> {
  const { file, usedBytes, firstId, endId } = info
  if (!isRead(info) || usedBytes === undefined) return {}
  const ids = (endId ?? 0) - (firstId ?? 0)
  const messages = report.held.get(file) ?? ids
  const { liveMessages, liveBytes } = liveOf(usedBytes, messages, report.dead.get(file) ?? 0)
  const deadBytes = usedBytes - liveBytes
  const held = messages < ids ? { messages } : {}
  return { ...held, liveMessages, liveBytes, deadBytes, reportedMs: report.timeMs }
}

type Rates = Pick<SegmentInfo, 'messagesPerSecond' | 'bytesPerSecond'>

async function ratesOf(
  system: System,
  { survey }: Assessment,
  infos: readonly SegmentInfo[],
): Promise<ReadonlyMap<string, Rates>> {
  const heads = new Map(survey.heads.map((head) => [head.file, head]))
  const rates = new Map<string, Rates>()
  let before: { readonly info: SegmentInfo; readonly timeMs: number } | undefined
  for (const info of infos.filter(isRead)) {
    const timeMs = await beginOf(system, survey.directory, heads.get(info.file))
    if (before && timeMs !== undefined && isNext(before.info, info)) {
      const rate = rateOf(before.info, timeMs - before.timeMs)
      if (rate) rates.set(before.info.file, rate)
    }
    before = timeMs === undefined ? undefined : { info, timeMs }
  }
  return rates
}

/** One began when the other was full: no other stood between, nor a time when nobody wrote. */
function isNext(one: SegmentInfo, other: SegmentInfo): boolean {
  // A merged segment has no epoch, and was not filled by appends.
  return one.epoch !== undefined && other.number === one.number + 1 && other.epoch === one.epoch
}

async function beginOf(
  system: System,
  directory: string,
  head: SegmentHead | undefined,
): Promise<number | undefined> {
  if (!head?.header) return undefined
  return firstBlockTimeMs(system, `${directory}/${head.file}`, keyOf(head.header))
}

function rateOf(info: SegmentInfo, tookMs: number): Rates | undefined {
  const { usedBytes = 0, firstId = 0, endId = 0 } = info
  if (tookMs <= 0) return undefined
  // Times are whole milliseconds: more digits would claim what they cannot show.
  const aSecond = (count: number): number => Number(((count * 1000) / tookMs).toPrecision(3))
  return { messagesPerSecond: aSecond(endId - firstId), bytesPerSecond: aSecond(usedBytes) }
}

/** The log reads it. */
function isRead({ state }: SegmentInfo): boolean {
  return state === 'full' || state === 'current'
}
