/** Measures a case of appending: the raw loop, the prototype and the engine in turns. */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LogStats, openLog } from '../src/index.ts'
import { CommitGroup } from '../src/log/group.ts'
import { crc32 } from '../src/system/real/crc.ts'
import { BareLog } from './bare.ts'
import type { AppendCase } from './cases.ts'
import { drive, makeBodies, type Timing } from './driver.ts'
import { GivingBack } from './giving-back.ts'
import { median, rounded } from './measures.ts'
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
  /** Segments that a sustained run goes through at least, and groups that each of them should hold. */
  readonly segments: number
  readonly segmentGroups: number
  readonly segmentBytesMin: number
  /** Length of the log that is replayed. */
  readonly replayBytes: number
}

/** Between two looks at how late the event loop is; a delay contains it. */
const LOOP_RESOLUTION_MS = 1
/** Segments whose messages stay where a sustained run gives space back. */
const SEGMENTS_KEPT = 2
/** Of such a run, what is appended in front of it and not counted: a few segments more than stay. */
const WARM_SHARE = 0.4

interface EngineRun extends Timing {
  readonly loopDelayP99Ms: number
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
  /** Messages that stay behind the newest; all where this is absent. */
  readonly keptMessages?: number
}

export async function* measureAppends(
  place: Place,
  raw: Raw,
  scale: Scale,
  how: AppendCase,
): AsyncGenerator<Result> {
  const bodies = makeBodies(how)
  const prepared = await planPrepared(place, scale, how, bodies)
  const kept = planSustained(scale, how, prepared)
  const givenBack = { ...kept, keptMessages: keptMessages(kept, how) }
  const bare = new BareLog(place.file('bare'), bareBytes(prepared))
  try {
    yield await measureVariant(place, raw, scale, how, bodies, bare, prepared, 'prepared')
    yield await measureVariant(place, raw, scale, how, bodies, bare, givenBack, 'sustained')
    yield await measureVariant(place, raw, scale, how, bodies, bare, kept, 'sustained')
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
  const loopDelaysMs: number[] = []
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
        const { call, batch, bareCallers: callers } = how
        const timing = await drive(bare, { call, batch, callers }, bodies, plan.calls)
        bareRate = messages / timing.seconds
      },
      async () => {
        const run = await runEngine(place, how, bodies, plan)
        loopDelaysMs.push(run.loopDelayP99Ms)
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
    ...(variant === 'sustained' && { space: plan.keptMessages ? 'given back' : 'kept' }),
    // A synchronous append holds the event loop by its nature.
    ...(how.call !== 'sync' && { loopDelayP99Ms: rounded(median(loopDelaysMs)) }),
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

function planSustained(scale: Scale, how: AppendCase, prepared: Plan): Plan {
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

/** A queue whose readers keep up: what stays fits a few segments. */
function keptMessages({ segmentBytes, groupMessages, groupBytes }: Plan, how: AppendCase): number {
  return (
    Math.ceil((segmentBytes * SEGMENTS_KEPT * groupMessages) / groupBytes / how.batch) * how.batch
  )
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

/** Segments that have retired count as well: numbers have no gaps while one process writes. */
function numberOfNewest({ segments }: LogStats): number {
  return Number(segments.at(-1)?.file.split('-')[0])
}

async function runEngine(
  place: Place,
  how: AppendCase,
  bodies: readonly Uint8Array[],
  { calls, segmentBytes, keptMessages }: Pick<Plan, 'calls' | 'segmentBytes' | 'keptMessages'>,
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
