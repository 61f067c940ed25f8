/**
 * `npm run bench -- packing [--json] [--write]`: what `compression: 'lz4'` costs and saves, by our own codec
 * and, where it loads, by the package lz4. Batches of 1,000 lines of JSON, two under way, into one segment
 * with room for all; then all of it read back. The contenders take turns within each round.
 */

import { openPublicLog } from '../src/log/open.ts'
import type { Log, LogStats } from '../src/log/types.ts'
import { drive } from '../src/measure/driver.ts'
import { median, quantile, rounded } from '../src/measure/measures.ts'
import type { Place } from '../src/measure/place.ts'
import { nativeFreeLz4 } from '../src/system/native-free-lz4.ts'
import { chooseLz4 } from '../src/system/real/lz4.ts'
import { realSystem } from '../src/system/real/real-system.ts'
import type { System } from '../src/system/system.ts'
import { loadNativeLz4 } from '../tools/native-lz4.ts'
import { readOptions, refuse } from './command-line.ts'
import { jsonBodies } from './json-lines.ts'
import { packingTable, writePacking } from './packing-table.ts'
import { openPlace } from './place.ts'

export const PACKING_USAGE = 'packing [--json] [--write]'

const MIB = 1024 * 1024
const BATCH = 1000
const MESSAGE_BYTES = [100, 1024] as const

export interface PackingResult {
  readonly messageBytes: number
  readonly compression: 'none' | 'lz4'
  readonly codec: string
  /** Messages a second, medians of all rounds; with first and third quartile. */
  readonly appendRate: number
  readonly appendQuartiles: readonly [number, number]
  readonly replayRate: number
  /** Medians of the ratios within each round to what is not packed. */
  readonly appendRatio: number
  readonly replayRatio: number
  /** Bytes stored for a byte of payload. */
  readonly storedShare: number
}

interface Scale {
  readonly rounds: number
  readonly runBytes: number
}

interface Contender {
  readonly compression: 'none' | 'lz4'
  readonly codec: string
  readonly system: System
  readonly appendRates: number[]
  readonly replayRates: number[]
  storedShare: number
}

const FULL: Scale = { rounds: 7, runBytes: 48 * MIB }
const SMOKE: Scale = { rounds: 1, runBytes: MIB / 2 }

/** Measures and prints; the exit code. */
export async function runPacking(
  commandArguments: readonly string[],
  machine: Readonly<Record<string, unknown>>,
): Promise<number> {
  const options = {
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  } as const
  const values = readOptions(commandArguments, options, (asked) => asked)
  if (typeof values === 'string') return refuse(values, PACKING_USAGE)
  const header = { bench: 'packing', ...machine, rounds: FULL.rounds }
  if (values.json) console.log(JSON.stringify(header))
  const results: PackingResult[] = []
  for await (const result of measurePacking(FULL)) {
    results.push(result)
    if (values.json) console.log(JSON.stringify(result))
  }
  if (!values.json) console.log(packingTable(results).join('\n'))
  if (values.write) writePacking(header, results)
  return 0
}

/** What is wrong with a quick run; nothing where all is well. */
export async function packingProblems(): Promise<string[]> {
  const problems: string[] = []
  for await (const result of measurePacking(SMOKE)) {
    const { messageBytes, codec, appendRate, replayRate, storedShare, compression } = result
    const name = `packing ${messageBytes} B ${codec}`
    for (const value of [appendRate, replayRate]) {
      if (!Number.isFinite(value) || value <= 0) problems.push(`${name}: ${value} is no rate`)
    }
    const shrinks = compression === 'lz4' ? storedShare < 0.9 : storedShare === 1
    if (!shrinks) problems.push(`${name}: it stores ${storedShare} of what it is given`)
  }
  return problems
}

async function* measurePacking(scale: Scale): AsyncGenerator<PackingResult> {
  const place = openPlace()
  for (const messageBytes of MESSAGE_BYTES) {
    const contenders = makeContenders()
    for (let round = 0; round < scale.rounds; round++) {
      for (const contender of contenders) await run(place, scale, messageBytes, contender)
    }
    yield* contenders.map((contender) => resultOf(messageBytes, contender, contenders[0]))
  }
}

function makeContenders(): Contender[] {
  const system = realSystem()
  const rates = () => ({ appendRates: [], replayRates: [], storedShare: 1 })
  const own: System = { ...system, lz4: nativeFreeLz4 }
  const contenders: Contender[] = [
    { compression: 'none', codec: 'none', system: own, ...rates() },
    { compression: 'lz4', codec: 'native-free', system: own, ...rates() },
  ]
  const addon = loadNativeLz4()
  const lz4 = chooseLz4(() => addon)
  if (lz4.codec === 'lz4') {
    contenders.push({ compression: 'lz4', codec: 'lz4', system: { ...system, lz4 }, ...rates() })
  } else process.stderr.write(`bench: lz4 is left out: ${String(addon)}\n`)
  return contenders
}

async function run(
  place: Place,
  scale: Scale,
  messageBytes: number,
  contender: Contender,
): Promise<void> {
  const { system, compression, appendRates, replayRates } = contender
  const directory = place.nextLog()
  const calls = Math.max(2, Math.ceil(scale.runBytes / (BATCH * messageBytes)))
  const segmentBytes = Math.ceil((scale.runBytes * 1.5 + 4 * MIB) / 4096) * 4096
  const options = { compression, segmentBytesMin: segmentBytes, segmentBytesMax: segmentBytes }
  const log = await openPublicLog(system, directory, options)
  try {
    // The first append makes the first segment, which is not what is measured here.
    await log.append('begin')
    const how = { call: 'many', batch: BATCH, callers: 2 } as const
    const bodies = jsonBodies(BATCH, messageBytes)
    const { seconds } = await drive(log, how, bodies, calls)
    appendRates.push((calls * BATCH) / seconds)
    replayRates.push(await replayRate(log))
    contender.storedShare = storedShare(log.stats())
  } finally {
    await log.close()
    place.remove(directory)
  }
}

async function replayRate(log: Log): Promise<number> {
  const started = performance.now()
  let count = 0
  for await (const batch of log.readBatches()) count += batch.length
  return count / ((performance.now() - started) / 1000)
}

function storedShare({ rawBytes, storedBytes }: LogStats): number {
  return rawBytes === 0 ? 1 : storedBytes / rawBytes
}

function resultOf(
  messageBytes: number,
  contender: Contender,
  plain: Contender | undefined,
): PackingResult {
  if (plain === undefined) throw new Error('there is always one that does not pack')
  const { compression, codec, appendRates, replayRates } = contender
  const ratio = (rates: readonly number[], others: readonly number[]): number =>
    rounded(median(rates.map((rate, round) => rate / (others[round] ?? 0))))
  return {
    messageBytes,
    compression,
    codec,
    appendRate: rounded(median(appendRates)),
    appendQuartiles: [rounded(quantile(appendRates, 0.25)), rounded(quantile(appendRates, 0.75))],
    replayRate: rounded(median(replayRates)),
    appendRatio: ratio(appendRates, plain.appendRates),
    replayRatio: ratio(replayRates, plain.replayRates),
    storedShare: rounded(contender.storedShare),
  }
}
