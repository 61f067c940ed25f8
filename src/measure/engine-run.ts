/** One run of the engine: a fresh log, driven as a case asks, timed and removed. */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LogStats, openLog } from '../index.ts'
import { type Drive, drive, type Timing } from './driver.ts'
import { GivingBack } from './giving-back.ts'
import type { Place } from './place.ts'

/** Between two looks at how late the event loop is; a delay contains it. */
const LOOP_RESOLUTION_MS = 1

/** Of a run that gives space back, what is appended in front of it and not counted. */
const WARM_SHARE = 0.4

export interface EngineRun extends Timing {
  readonly loopDelayP99Ms: number
  readonly messages: number
  readonly groups: number
  readonly segments: number
}

/** What is asked of a run. */
export interface RunPlan {
  readonly calls: number
  readonly segmentBytes: number
  /** Messages that stay behind the newest; all where this is absent. */
  readonly keptMessages?: number
}

export async function runEngine(
  place: Place,
  how: Drive,
  bodies: readonly Uint8Array[],
  { calls, segmentBytes, keptMessages }: RunPlan,
): Promise<EngineRun> {
  const directory = place.nextLog()
  const log = await openLog(directory, {
    segmentBytesMin: segmentBytes,
    segmentBytesMax: segmentBytes,
  })
  try {
    // The first append makes the first segment, which is not what is measured here.
    await log.append('begin')
    const sink = keptMessages === undefined ? log : new GivingBack(log, keptMessages)
    // The first files have to be made before there are any to use again.
    if (keptMessages !== undefined) await drive(sink, how, bodies, Math.ceil(calls * WARM_SHARE))
    const before = log.stats()
    const delays = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
    delays.enable()
    const timing = await drive(sink, how, bodies, calls)
    // The shortest runs are over before the first two looks.
    await sleep(4 * LOOP_RESOLUTION_MS)
    delays.disable()
    const after = log.stats()
    return {
      ...timing,
      loopDelayP99Ms: delays.percentile(99) / 1e6,
      messages: after.appendedMessages - before.appendedMessages,
      groups: after.flushes - before.flushes,
      segments: numberOfNewest(after) - numberOfNewest(before) + 1,
    }
  } finally {
    await log.close()
    place.remove(directory)
  }
}

/** Segments that have retired count as well: numbers have no gaps while one process writes. */
function numberOfNewest({ segments }: LogStats): number {
  return Number(segments.at(-1)?.file.split('-')[0])
}
