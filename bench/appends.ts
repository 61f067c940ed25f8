/** Measures a case of appending: the raw loop, the prototype and the engine in turns. */

import { openLog } from '../src/index.ts'
import { CommitGroup } from '../src/log/group.ts'
import { crc32 } from '../src/system/real/crc.ts'
import { BareLog } from './bare.ts'
import type { AppendCase } from './cases.ts'
import { drive, makeBodies, type Timing } from './driver.ts'
import { median } from './measures.ts'
import type { Place } from './place.ts'
import type { Raw } from './raw.ts'
import { type Pair, type Result, resultOf } from './result.ts'

const KIB = 1024
const MIB = 1024 * KIB

export interface Scale {
  readonly pairs: number
  /** What one run aims at. */
  readonly runSeconds: number
  /** No run appends more than this, unless its segments need more. */
  readonly runBytesMax: number
  /** Segments that a sustained run goes through at least, and groups that each of them holds. */
  readonly segments: number
  readonly segmentGroupsMin: number
  readonly segmentBytesMin: number
  /** Length of the log that is replayed. */
  readonly replayBytes: number
}

interface EngineRun extends Timing {
  readonly messages: number
  readonly groups: number
  readonly segments: number
}

/** How many calls a run makes and what the engine makes of them. */
interface Plan {
  readonly calls: number
  readonly segmentBytes: number
  readonly groupMessages: number
  readonly groupBytes: number
}

export async function* measureAppends(
  place: Place,
  raw: Raw,
  scale: Scale,
  how: AppendCase,
): AsyncGenerator<Result> {
  const bodies = makeBodies(how)
  const prepared = await planPrepared(place, scale, how, bodies)
  const sustained = planSustained(scale, how, prepared)
  const bare = new BareLog(place.file('bare'), bareBytes(prepared))
  try {
    yield await measureVariant(place, raw, scale, how, bodies, bare, prepared, 'prepared')
    yield await measureVariant(place, raw, scale, how, bodies, bare, sustained, 'sustained')
  } finally {
    bare.close()
    for (const name of ['bare', 'prepared', 'growing']) place.remove(place.file(name))
  }
}

async function measureVariant(
  place: Place,
  raw: Raw,
  scale: Scale,
  how: AppendCase,
  bodies: readonly Uint8Array[],
  bare: BareLog,
  plan: Plan,
  variant: Result['variant'],
): Promise<Result> {
  const messages = plan.calls * how.batch
  const groups = Math.max(1, Math.round(messages / plan.groupMessages))
  const rawMessages = groups * plan.groupMessages
  const pairs: Pair[] = []
  const growing: number[] = []
  const latenciesMs: number[] = []
  let segments = 0
  for (let i = 0; i < scale.pairs; i++) {
    let [rate, rawRate, bareRate] = [0, 0, 0]
    const turns = [
      async () => {
        const { groupBytes } = plan
        rawRate =
          rawMessages / (await raw.run('prepared', place.file('prepared'), groupBytes, groups))
        if (variant === 'prepared') return
        growing.push(
          rawMessages / (await raw.run('growing', place.file('growing'), groupBytes, groups)),
        )
      },
      async () => {
        bareRate = messages / (await drive(bare, how, bodies, plan.calls)).seconds
      },
      async () => {
        const run = await runEngine(place, how, bodies, plan.calls, plan.segmentBytes)
        rate = messages / run.seconds
        segments = Math.max(segments, run.segments)
        for (const latency of run.latenciesMs) latenciesMs.push(latency)
      },
    ]
    // Every other round runs backwards, so that a machine that slows down favours nobody.
    if (i % 2 === 1) turns.reverse()
    for (const turn of turns) await turn()
    pairs.push({ rate, rawRate, bareRate })
  }
  const { groupMessages, groupBytes } = plan
  return resultOf(how.name, variant, pairs, latenciesMs, {
    groupMessages,
    groupBytes,
    segments,
    ...(growing.length > 0 && { rawGrowingRate: Math.round(median(growing)) }),
  })
}

/** Tries how fast the engine is here, then fits a run into the time, within half of one segment. */
async function planPrepared(
  place: Place,
  scale: Scale,
  how: AppendCase,
  bodies: readonly Uint8Array[],
): Promise<Plan> {
  const callBytes = groupBytesOf(how, how.batch)
  const callsMax = Math.max(how.callers * 2, Math.floor(scale.runBytesMax / callBytes))
  let calls = Math.min(callsMax, how.callers * 4)
  for (;;) {
    const segmentBytes = segmentBytesFor(calls * callBytes)
    const run = await runEngine(place, how, bodies, calls, segmentBytes)
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

function planSustained(scale: Scale, how: AppendCase, prepared: Plan): Plan {
  const { groupBytes, groupMessages } = prepared
  const callBytes = (groupBytes / groupMessages) * how.batch
  const fit = (prepared.calls * callBytes) / (scale.segments + 1)
  // Room for the header, LINK with its map, and the closing blocks, beside the groups.
  const leastBytes = groupBytes * scale.segmentGroupsMin + 16 * KIB
  const segmentBytes = inPages(Math.max(scale.segmentBytesMin, leastBytes, Math.min(64 * MIB, fit)))
  const calls = Math.ceil((segmentBytes * (scale.segments + 1)) / callBytes)
  return { calls: Math.max(calls, how.callers * 2), segmentBytes, groupMessages, groupBytes }
}

/** A segment is followed by the next one once it is half full: a prepared run never gets there. */
function segmentBytesFor(bytes: number): number {
  return inPages(bytes * 2 + MIB)
}

function inPages(bytes: number): number {
  return Math.ceil(bytes / (4 * KIB)) * 4 * KIB
}

/** The prototype goes round and round in its file. */
function bareBytes({ calls, groupBytes, groupMessages }: Plan): number {
  return Math.max(
    groupBytes * 2,
    Math.min(256 * MIB, Math.ceil(calls / groupMessages) * groupBytes),
  )
}

/** What a commit group of so many messages takes in the file: the engine's own encoder tells. */
export function groupBytesOf(how: AppendCase, messages: number): number {
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

async function runEngine(
  place: Place,
  how: AppendCase,
  bodies: readonly Uint8Array[],
  calls: number,
  segmentBytes: number,
): Promise<EngineRun> {
  const directory = place.nextLog()
  const log = await openLog(directory, {
    segmentBytesMin: segmentBytes,
    segmentBytesMax: segmentBytes,
  })
  try {
    // The first append makes the first segment, which is not what is measured here.
    await log.append('begin')
    const before = log.stats()
    const timing = await drive(log, how, bodies, calls)
    const after = log.stats()
    return {
      ...timing,
      messages: after.appendedMessages - before.appendedMessages,
      groups: after.flushes - before.flushes,
      segments: after.segments.length,
    }
  } finally {
    await log.close()
    place.remove(directory)
  }
}
