/** Fits runs into the time there is: finds out how fast the engine is here, and how large its groups are. */

import { CommitGroup } from '../log/group.ts'
import { crc32 } from '../system/real/crc.ts'
import type { Workload } from './driver.ts'
import { type RunPlan, runEngine } from './engine-run.ts'
import type { Place } from './place.ts'

const KIB = 1024
const MIB = 1024 * KIB

export interface PlanScale {
  /** What one run aims at. */
  readonly runSeconds: number
  /** No run appends more than this, unless its segments need more. */
  readonly runBytesMax: number
  /** Segments that a sustained run goes through at least, and groups that each of them should hold. */
  readonly segments: number
  readonly segmentGroups: number
  readonly segmentBytesMin: number
}

/** Segments whose messages stay where a sustained run gives space back. */
const SEGMENTS_KEPT = 2

/** How many calls a run makes and what the engine makes of them. */
export interface Plan extends RunPlan {
  readonly groupMessages: number
  readonly groupBytes: number
}

/** Tries how fast the engine is here, then fits a run into the time, within half of one segment. */
export async function planPrepared(
  place: Place,
  scale: PlanScale,
  how: Workload,
  bodies: readonly Uint8Array[],
): Promise<Plan> {
  const callBytes = groupBytesOf(how, how.batch)
  const callsMax = Math.max(how.callers * 2, Math.floor(scale.runBytesMax / callBytes))
  let calls = Math.min(callsMax, how.callers * 4)
  for (;;) {
    const segmentBytes = segmentBytesFor(calls * callBytes)
    const run = await runEngine(place, how, bodies, { calls, segmentBytes })
    const wanted = Math.round((calls * scale.runSeconds) / run.seconds)
    if (calls >= callsMax || wanted <= calls * 2) {
      const planned = Math.min(callsMax, Math.max(how.callers * 2, wanted))
      const groupMessages = Math.max(
        how.batch,
        Math.round(run.messages / run.groups / how.batch) * how.batch,
      )
      return {
        calls: planned,
        segmentBytes: segmentBytesFor(planned * callBytes),
        groupMessages,
        groupBytes: groupBytesOf(how, groupMessages),
      }
    }
    calls = Math.min(callsMax, wanted, calls * 8)
  }
}

/** The same over many segments, whose messages all stay. */
export function planSustained(scale: PlanScale, how: Workload, prepared: Plan): Plan {
  const { groupBytes, groupMessages } = prepared
  const callBytes = (groupBytes / groupMessages) * how.batch
  const fit = (prepared.calls * callBytes) / (scale.segments + 1)
  // Under such load the engine's own segments grow to 64 MiB: few groups are in one only where these
  // are very large. Room for the header, LINK with its map, and the closing blocks, beside the groups.
  const wanted = Math.max(fit, groupBytes * scale.segmentGroups)
  const leastBytes = groupBytes * 3 + 16 * KIB
  const segmentBytes = inPages(
    Math.max(scale.segmentBytesMin, leastBytes, Math.min(64 * MIB, wanted)),
  )
  const calls = Math.ceil((segmentBytes * (scale.segments + 1)) / callBytes)
  return {
    calls: Math.max(calls, how.callers * 2),
    segmentBytes,
    groupMessages,
    groupBytes,
  }
}

/** The same with space given back, as in a queue whose readers keep up: what stays fits a few segments. */
export function givingBack(plan: Plan, how: Workload): Plan {
  const { segmentBytes, groupMessages, groupBytes } = plan
  const messages = (segmentBytes * SEGMENTS_KEPT * groupMessages) / groupBytes
  return { ...plan, keptMessages: Math.ceil(messages / how.batch) * how.batch }
}

/** A segment is followed by the next one once it is half full: a prepared run never gets there. */
function segmentBytesFor(bytes: number): number {
  return inPages(bytes * 2 + MIB)
}

function inPages(bytes: number): number {
  return Math.ceil(bytes / (4 * KIB)) * 4 * KIB
}

/** What a commit group of so many messages takes in the file: the engine's own encoder tells. */
export function groupBytesOf(how: Workload, messages: number): number {
  const group = new CommitGroup(crc32)
  group.reset(1)
  const body = new Uint8Array(how.messageBytes)
  for (let done = 0; done < messages; done += how.batch) {
    group.beginBatch(how.batch, 0)
    for (let i = 0; i < how.batch; i++) group.addBatchBytes(body)
    group.endBatch()
  }
  return group.byteLength
}
