/**
 * `npm run bench -- codecs [--json] [--write]`: native-free against lz4js and, where it loads, lz4; its
 * CRC-32 against crc-32 and zlib. All take turns within each round, so that a busy moment of the machine
 * meets all of them. JSON goes to stdout, one object a line; `--write` puts the tables into the README.
 */

import { median, quantile, rounded } from '../src/measure/measures.ts'
import { type CrcKind, crcKinds, type Lz4Kind, lz4Kinds } from './codec-kinds.ts'
import { tables, writeCodecs } from './codec-table.ts'
import { readOptions, refuse } from './command-line.ts'
import { jsonLines } from './json-lines.ts'

export const CODECS_USAGE = 'codecs [--json] [--write]'

export interface CodecResult {
  readonly codec: string
  readonly operation: 'compress' | 'decompress' | 'crc32'
  /** Length of one input, unpacked. */
  readonly bytes: number
  /** 10^6 bytes of input, unpacked, a second: the median of all rounds. */
  readonly megabytesPerSecond: number
  /** First and third quartile of the rounds. */
  readonly quartiles: readonly [number, number]
  /** Median of the ratios within each round to the package in JavaScript that it is compared with. */
  readonly ratio: number
  /** Mean length of a block, where one is made. */
  readonly storedBytes?: number
}

interface Scale {
  readonly rounds: number
  readonly runSeconds: number
  readonly lz4Bytes: readonly number[]
  readonly crcBytes: readonly number[]
}

const FULL: Scale = {
  rounds: 15,
  runSeconds: 0.03,
  lz4Bytes: [256, 1024, 4096, 16_384, 65_536],
  crcBytes: [16, 64, 256, 1024, 65_536],
}
const SMOKE: Scale = { rounds: 1, runSeconds: 0.0001, lz4Bytes: [256, 4096], crcBytes: [16, 1024] }
/** Inputs that take turns, so that no codec learns one by heart. */
const INPUTS = 64

/** What is timed: one codec, doing one thing. */
interface Contender {
  readonly codec: string
  readonly loop: (times: number) => number
  readonly rates: number[]
  times: number
  readonly storedBytes?: number
}

/** Measures and prints; the exit code. */
export async function runCodecs(
  commandArguments: readonly string[],
  machine: Readonly<Record<string, unknown>>,
): Promise<number> {
  const options = {
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  } as const
  const values = readOptions(commandArguments, options, (asked) => asked)
  if (typeof values === 'string') return refuse(values, CODECS_USAGE)
  const header = { bench: 'codecs', ...machine, rounds: FULL.rounds }
  if (values.json) console.log(JSON.stringify(header))
  const results: CodecResult[] = []
  for (const result of measureCodecs(FULL)) {
    results.push(result)
    if (values.json) console.log(JSON.stringify(result))
  }
  if (!values.json) console.log(tables(results).join('\n'))
  if (values.write) writeCodecs(header, results)
  return 0
}

/** What is wrong with a quick run; nothing where all is well. */
export function codecProblems(): string[] {
  const problems: string[] = []
  for (const result of measureCodecs(SMOKE)) {
    const { codec, operation, bytes, megabytesPerSecond, ratio } = result
    for (const value of [megabytesPerSecond, ratio]) {
      if (Number.isFinite(value) && value > 0) continue
      problems.push(`${codec} ${operation} ${bytes}: ${String(value)} is no figure`)
    }
  }
  return problems
}

function* measureCodecs(scale: Scale): Generator<CodecResult> {
  const { kinds, missing } = lz4Kinds()
  if (missing !== undefined) process.stderr.write(`bench: ${missing}\n`)
  for (const bytes of scale.lz4Bytes) {
    const inputs = inputsOf(bytes)
    yield* measure(scale, 'compress', bytes, compressors(kinds, inputs))
    yield* measure(scale, 'decompress', bytes, decompressors(kinds, inputs, bytes))
  }
  for (const bytes of scale.crcBytes) {
    yield* measure(scale, 'crc32', bytes, summers(crcKinds(), inputsOf(bytes)))
  }
}

function inputsOf(bytes: number): Buffer[] {
  const lines = jsonLines(bytes * INPUTS)
  return Array.from({ length: INPUTS }, (_, i) => lines.subarray(i * bytes, (i + 1) * bytes))
}

function compressors(kinds: readonly Lz4Kind[], inputs: readonly Buffer[]): Contender[] {
  return kinds.map((kind) => {
    const stored = kind.blocks(inputs).reduce((sum, { length }) => sum + length, 0)
    const storedBytes = Math.round(stored / inputs.length)
    return { codec: kind.name, loop: kind.compress(inputs), rates: [], times: 1, storedBytes }
  })
}

/** All unpack the same blocks. */
function decompressors(
  kinds: readonly Lz4Kind[],
  inputs: readonly Buffer[],
  bytes: number,
): Contender[] {
  const [first] = kinds
  if (first === undefined) throw new Error('there is always native-free')
  const blocks = first.blocks(inputs)
  return kinds.map((kind) => {
    return { codec: kind.name, loop: kind.decompress(blocks, bytes), rates: [], times: 1 }
  })
}

function summers(kinds: readonly CrcKind[], inputs: readonly Buffer[]): Contender[] {
  return kinds.map((kind) => ({
    codec: kind.name,
    loop: kind.sum(inputs),
    rates: [],
    times: 1,
  }))
}

function* measure(
  scale: Scale,
  operation: CodecResult['operation'],
  bytes: number,
  contenders: readonly Contender[],
): Generator<CodecResult> {
  for (const contender of contenders) findTimes(contender, scale.runSeconds)
  for (let round = 0; round < scale.rounds; round++) {
    for (const contender of contenders) {
      const seconds = secondsOf(contender)
      contender.rates.push((contender.times * bytes) / seconds / 1e6)
    }
  }
  const reference = contenders[1]
  if (reference === undefined) throw new Error('there is nothing to compare with')
  for (const { codec, rates, storedBytes } of contenders) {
    yield {
      codec,
      operation,
      bytes,
      megabytesPerSecond: rounded(median(rates)),
      quartiles: [rounded(quantile(rates, 0.25)), rounded(quantile(rates, 0.75))],
      ratio: rounded(median(rates.map((rate, round) => rate / (reference.rates[round] ?? 0)))),
      ...(storedBytes === undefined ? {} : { storedBytes }),
    }
  }
}

/** Doubles the calls of a run until it takes as long as wanted; compiles the code on the way. */
function findTimes(contender: Contender, runSeconds: number): void {
  while (secondsOf(contender) < runSeconds) contender.times *= 2
}

function secondsOf({ loop, times }: Contender): number {
  const started = performance.now()
  const answer = loop(times)
  const seconds = (performance.now() - started) / 1000
  if (!Number.isFinite(answer)) throw new Error('a codec answered nonsense')
  return Math.max(seconds, 1e-9)
}
