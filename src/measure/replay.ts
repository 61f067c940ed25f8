/** Reading a log from front to end in turns with plain reads of as many bytes, both from the page cache. */

import { type LogReader, openLog, openReader } from '../index.ts'
import type { DiskCase, DiskResult } from './disk-cases.ts'
import { makeBodies } from './driver.ts'
import { rounded } from './measures.ts'
import { runRawLoop } from './raw-loop.ts'
import { summaryOf } from './summary.ts'
import { inTurns, type Turns } from './turns.ts'

const PIECE_BYTES = 64 * 1024
/** Reading is fast: several times through is one run. */
const RAW_ROUNDS = 4

export async function measureReplay(turns: Turns, how: DiskCase): Promise<DiskResult> {
  const { place, caseMs, bytesMax, signal } = turns
  const deadlineMs = performance.now() + caseMs
  const directory = place.nextLog()
  const messages = Math.ceil(bytesMax / how.messageBytes / how.batch) * how.batch
  await fill(directory, how, messages)
  const log = await openReader(directory)
  try {
    const file = place.file('plain')
    const { segments } = log.stats()
    const usedBytes = segments.reduce((sum, one) => sum + one.usedBytes, 0)
    // One write of the whole length makes the file that is read.
    runRawLoop('prepared', file, usedBytes, 1)
    // The first pass warms the page cache and the compiler, and is not counted.
    await pass(log, messages, [])
    const latenciesMs: number[] = []
    const raw = async (): Promise<number> =>
      (messages * RAW_ROUNDS) / runRawLoop('read', file, PIECE_BYTES, RAW_ROUNDS)
    const pairs = await inTurns(deadlineMs, signal, raw, () => pass(log, messages, latenciesMs))
    const summary = summaryOf(pairs, latenciesMs)
    return {
      case: how.name,
      variant: 'prepared',
      sync: 'always',
      ...summary,
      messageBytes: how.messageBytes,
      bodyBytesRate: rounded(summary.rate * how.messageBytes),
      segments: segments.length,
    }
  } finally {
    await log.close()
    for (const path of [directory, place.file('plain')]) place.remove(path)
  }
}

async function fill(directory: string, how: DiskCase, messages: number): Promise<void> {
  const log = await openLog(directory)
  try {
    const bodies = makeBodies(how).slice(0, how.batch)
    for (let done = 0; done < messages; done += how.batch) await log.appendMany(bodies)
  } finally {
    await log.close()
  }
}

/** Reads all of it; tells messages a second, and how long each batch was waited for. */
async function pass(log: LogReader, messages: number, latenciesMs: number[]): Promise<number> {
  let count = 0
  const started = performance.now()
  let begun = started
  for await (const batch of log.readBatches()) {
    count += batch.length
    const now = performance.now()
    latenciesMs.push(now - begun)
    begun = now
  }
  if (count !== messages) throw new Error(`read ${count} messages where ${messages} were written`)
  return (count * 1000) / (begun - started)
}
