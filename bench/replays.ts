/** Measures a case of reading: the raw loop, the prototype and the engine in turns, from page cache. */

import { type LogReader, openLog, openReader } from '../src/index.ts'
import { verifyLog } from '../src/inspect/verify.ts'
import { makeBodies } from '../src/measure/driver.ts'
import { median, rounded } from '../src/measure/measures.ts'
import type { Place } from '../src/measure/place.ts'
import { realSystem } from '../src/system/real/real-system.ts'
import type { Scale } from './appends.ts'
import { readBare, writeBare } from './bare.ts'
import type { ReplayCase } from './cases.ts'
import type { Raw } from './raw.ts'
import { type Pair, type Result, resultOf } from './result.ts'

const MIB = 1024 * 1024
const PIECE_BYTES = 64 * 1024
/** Reading is fast: several times through is one run. */
const RAW_ROUNDS = 4
const FILL_BATCH = 1000
/** One message alone is too short for the clock. */
const LATENCY_EVERY = 1024

export async function measureReplay(
  place: Place,
  raw: Raw,
  scale: Scale,
  how: ReplayCase,
): Promise<Result> {
  const directory = place.nextLog()
  const bareFile = place.file('bare')
  const messages = Math.ceil(scale.replayBytes / how.messageBytes / FILL_BATCH) * FILL_BATCH
  writeBare(bareFile, new Uint8Array(how.messageBytes), messages)
  const fileBytes = await fill(directory, how, messages)
  const log = await openReader(directory)
  try {
    const pairs: Pair[] = []
    const latenciesMs: number[] = []
    // The first round warms the page cache and the compiler, and is not counted.
    for (let i = -1; i < scale.pairs; i++) {
      let [rate, rawRate, bareRate] = [0, 0, 0]
      const turns = [
        async () => {
          const seconds = await raw.run('read', bareFile, PIECE_BYTES, RAW_ROUNDS)
          rawRate = (messages * RAW_ROUNDS) / seconds
        },
        async () => {
          bareRate = messages / (await secondsOf(() => replayBare(bareFile, messages)))
        },
        async () => {
          const times = i < 0 ? [] : latenciesMs
          rate = messages / (await secondsOf(() => replayEngine(log, how, messages, times)))
        },
      ]
      if (i % 2 === 1) turns.reverse()
      for (const turn of turns) await turn()
      if (i >= 0) pairs.push({ rate, rawRate, bareRate })
    }
    const segments = log.stats().segments.length
    const bytesRate = rounded((median(pairs.map(({ rate }) => rate)) / messages) * fileBytes)
    return resultOf(how.name, 'prepared', pairs, latenciesMs, { segments, bytesRate })
  } finally {
    await log.close()
    place.remove(directory)
    place.remove(bareFile)
  }
}

/** Writes the log that is read, closes it, and tells how many bytes of it hold blocks. */
async function fill(directory: string, how: ReplayCase, messages: number): Promise<number> {
  const log = await openLog(directory, { segmentBytesMin: 16 * MIB, segmentBytesMax: 64 * MIB })
  const { messageBytes } = how
  const bodies = makeBodies({ batch: FILL_BATCH, messageBytes }).slice(0, FILL_BATCH)
  for (let done = 0; done < messages; done += FILL_BATCH) await log.appendMany(bodies)
  await log.close()
  const report = await verifyLog(realSystem(), directory)
  if (report.verdict !== 'fine') throw new Error(`${directory}: ${report.verdict}`)
  return report.bytes
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

async function replayBare(file: string, messages: number): Promise<void> {
  let bytes = 0
  const count = await readBare(file, (body) => {
    bytes += body.length
  })
  assertCount(count, messages, bytes)
}

async function replayEngine(
  log: LogReader,
  how: ReplayCase,
  messages: number,
  latenciesMs: number[],
): Promise<void> {
  if (how.call === 'batches') await replayBatches(log, messages, latenciesMs)
  else if (how.call === 'for-await') await replayForAwait(log, messages, latenciesMs)
  else await verifyOnce(log, messages, latenciesMs)
}

async function verifyOnce(log: LogReader, messages: number, latenciesMs: number[]): Promise<void> {
  const begun = performance.now()
  const { verdict, firstId, nextId, bytes } = await verifyLog(realSystem(), log.directory)
  latenciesMs.push(performance.now() - begun)
  if (verdict !== 'fine') throw new Error(`${log.directory}: ${verdict}`)
  assertCount(nextId - firstId, messages, bytes)
}

async function replayBatches(
  log: LogReader,
  messages: number,
  latenciesMs: number[],
): Promise<void> {
  let count = 0
  let bytes = 0
  let begun = performance.now()
  for await (const batch of log.readBatches()) {
    for (const { body } of batch) bytes += body.length
    count += batch.length
    const now = performance.now()
    latenciesMs.push(now - begun)
    begun = now
  }
  assertCount(count, messages, bytes)
}

async function replayForAwait(
  log: LogReader,
  messages: number,
  latenciesMs: number[],
): Promise<void> {
  let count = 0
  let bytes = 0
  let begun = performance.now()
  for await (const { body } of log.read()) {
    bytes += body.length
    if (++count % LATENCY_EVERY === 0) {
      const now = performance.now()
      latenciesMs.push(now - begun)
      begun = now
    }
  }
  assertCount(count, messages, bytes)
}

function assertCount(count: number, messages: number, bytes: number): void {
  if (count !== messages || bytes === 0) {
    throw new Error(`read ${count} messages of ${bytes} bytes where ${messages} were written`)
  }
}
