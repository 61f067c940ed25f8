/**
 * Measures contenders in which ever more messages wait: memory, disk, rates, and opening after a kill. Each size
 * has a fresh directory and a fresh process, so that nothing of what was put and taken before is in its figures.
 * One sample each: the contenders do not take turns.
 */

import { median, rounded } from '../../src/measure/measures.ts'
import type { Contestant } from './contestant.ts'
import { Field, failureOf } from './field.ts'
import type { PeersBench } from './measure.ts'
import { FLOOR, type ResultLine } from './result.ts'
import { freeBytes, roomProblem } from './room.ts'
import { BACKLOG_BYTES, type Backlog, MANY_IN_FLIGHT, WARM_MESSAGES } from './scale.ts'
import { backlogWhat, reopenWhat } from './what.ts'

/** By how long the size before took: so much longer than it would, since filling gets slower. */
const FILL_MARGIN = 1.25
/** What may be free before a fill, a waiting message: more than any contender took in trials. */
const DISK_BYTES_A_MESSAGE = 1024
const MEMORY_BYTES_A_MESSAGE = 512
/** Uncounted rounds before rates: as many as it takes, so that a small backlog finds code as warm as a large one. */
const WARM_ROUNDS_MAX = 20
/** Takes of what one run of puts brought shall not last longer than so many of those. */
const TAKE_RUNS = 4
const PUT_SECONDS_MIN = 0.1
const TAKE_SECONDS_MAX = 60

export async function* measureBacklogs(bench: PeersBench, id: string): AsyncGenerator<ResultLine> {
  if (id === FLOOR) return
  let emptyBytes: number | undefined
  let before: { waiting: number; seconds: number } | undefined
  for (const backlog of bench.scale.backlogs) {
    const what = backlogWhat(backlog.waiting)
    const reason = refusal(bench, backlog, before)
    if (reason !== undefined) {
      bench.say(`${id} is LEFT OUT, ${what}: ${reason}`)
      yield { kind: 'left-out', contender: id, what, reason }
      return
    }
    bench.say(`${id}, ${what}`)
    const lines: ResultLine[] = []
    const failures = await alone(bench, id, what, async (one) => {
      if (!one.takes) return
      if (emptyBytes === undefined) {
        emptyBytes = await warmBytesOf(bench, one)
        await one.startAnew()
      }
      const seconds = await measureBacklog(bench, one, backlog, emptyBytes, (line) => {
        lines.push(line)
      })
      before = { waiting: backlog.waiting, seconds }
    })
    yield* [...lines, ...failures]
    // What cannot do this much does no more. An opening that failed is no matter of how much waits.
    if (failures.length > 0 || lines.length === 0) return
  }
}

/** Why this size is not tried. */
function refusal(
  { place }: PeersBench,
  { waiting, fillSecondsMax }: Backlog,
  before: { waiting: number; seconds: number } | undefined,
): string | undefined {
  if (before !== undefined) {
    const seconds = (before.seconds * waiting * FILL_MARGIN) / before.waiting
    if (seconds > fillSecondsMax) {
      return `filling would take ${rounded(seconds)} s by the size before, and ${fillSecondsMax} s are given`
    }
  }
  return roomProblem(
    { diskBytes: waiting * DISK_BYTES_A_MESSAGE, memoryBytes: waiting * MEMORY_BYTES_A_MESSAGE },
    freeBytes(place.path),
  )
}

/**
 * What is resident of one that has put and taken a few. The same few for all: after more work the allocators
 * would keep what it took at its highest, and backlogs would look smaller for that.
 */
export async function warmBytesOf(
  { scale }: Pick<PeersBench, 'scale'>,
  one: Pick<Contestant, 'call' | 'settle' | 'memoryBytes'>,
): Promise<number> {
  const seconds = { secondsMax: TAKE_SECONDS_MAX }
  await one.call('fill', { bytes: BACKLOG_BYTES, messages: WARM_MESSAGES, ...seconds })
  await one.call('drain', { batch: MANY_IN_FLIGHT, messages: WARM_MESSAGES, ...seconds })
  await one.settle(scale.pauseSeconds)
  return one.memoryBytes()
}

/** How long it took to fill. */
async function measureBacklog(
  bench: PeersBench,
  one: Contestant,
  { waiting, fillSecondsMax }: Backlog,
  emptyBytes: number,
  add: (line: ResultLine) => void,
): Promise<number> {
  const fillUp = async (): Promise<number> => {
    const how = { bytes: BACKLOG_BYTES, messages: waiting, secondsMax: fillSecondsMax }
    const started = performance.now()
    const filled = await one.call('fill', how)
    if (filled < waiting) throw new Error(`${filled} of ${waiting} messages in ${fillSecondsMax} s`)
    return (performance.now() - started) / 1000
  }
  const fillSeconds = await fillUp()
  await one.settle(bench.scale.pauseSeconds)
  // Less than nothing where it is no more than noise, which is for whoever reads it to say.
  const memoryBytes = (await one.memoryBytes()) - emptyBytes
  const diskBytes = one.diskBytes()
  const place = { contender: one.id, waiting }
  // Before any rate: what is opened holds these messages, and nothing of what runs put and took.
  try {
    add({ kind: 'reopen', ...place, seconds: rounded(await one.reopenKilled()), how: 'killed' })
  } catch (error) {
    const failure = failureOf(one, reopenWhat(waiting), error)
    bench.say(`${one.id} FAILED, ${failure.what}: ${failure.reason}`)
    add(failure)
    await one.abandon()
    await one.startAnew()
    await fillUp()
  }
  const rates = await ratesWith(bench, one, bench.scale.backlogRounds)
  add({
    kind: 'backlog',
    ...place,
    ...rates,
    memoryBytes,
    diskBytes,
    fillSeconds: rounded(fillSeconds),
  })
  return fillSeconds
}

/**
 * Puts, and takes as many again, so that as many wait as before. What is done before it has put and taken for
 * `backlogWarmSeconds` is not counted.
 */
export async function ratesWith(
  { scale }: Pick<PeersBench, 'scale'>,
  one: Pick<Contestant, 'call' | 'settle'>,
  rounds: number,
): Promise<{ putRate: number; takeRate: number }> {
  const puts: number[] = []
  const takes: number[] = []
  let putSeconds = Math.min(scale.runSeconds, PUT_SECONDS_MIN)
  let warmSeconds = scale.backlogWarmSeconds
  for (let warmRounds = 0; puts.length < rounds; ) {
    const put = await one.call('put', {
      bytes: BACKLOG_BYTES,
      inFlight: MANY_IN_FLIGHT,
      seconds: putSeconds,
    })
    await one.settle(scale.pauseSeconds)
    const take = await one.call('drain', {
      batch: MANY_IN_FLIGHT,
      messages: put.messages,
      secondsMax: TAKE_SECONDS_MAX,
    })
    // Otherwise ever more would wait, and the figures be of another size than they say.
    if (take.messages < put.messages)
      throw new Error(`took ${take.messages} of the ${put.messages} that were put`)
    await one.settle(scale.pauseSeconds)
    const [putRate, takeRate] = [put.messages / put.seconds, take.messages / take.seconds]
    // One that puts faster than it takes would take for minutes what it put in a second.
    const seconds = (scale.runSeconds * TAKE_RUNS * takeRate) / putRate
    putSeconds = Math.min(scale.runSeconds, Math.max(PUT_SECONDS_MIN, seconds))
    if (warmSeconds > 0 && warmRounds < WARM_ROUNDS_MAX) {
      warmSeconds -= put.seconds + take.seconds
      warmRounds += 1
      continue
    }
    puts.push(putRate)
    takes.push(takeRate)
  }
  return { putRate: rounded(median(puts)), takeRate: rounded(median(takes)) }
}

/** One contender by itself, from a fresh directory on: that it failed, if it did. */
async function alone(
  bench: PeersBench,
  id: string,
  what: string,
  use: (one: Contestant) => Promise<void>,
): Promise<readonly ResultLine[]> {
  const field = new Field(bench, what)
  try {
    await field.open([id])
    for (const one of field.those(() => true)) await field.attempt(one, () => use(one))
    return field.failures
  } finally {
    await field.close()
  }
}
