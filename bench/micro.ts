/**
 * `npm run bench -- micro`: what the inner loops cost, by tinybench. It is a closed loop on one thread, so it
 * compares states of the source on one machine and says nothing of throughput or latency under load.
 */
import { Bench } from 'tinybench'
import { rounded } from '../src/measure/measures.ts'
import { readOptions, refuse } from './command-line.ts'
import { type MicroCase, microCases } from './micro-cases.ts'

interface MicroScale {
  readonly timeMs: number
  readonly warmupMs: number
}

export interface MicroResult {
  readonly kind: 'micro'
  readonly name: string
  readonly of: MicroCase['of']
  /** Of one item: the median and the 99th percentile of calls, each over many items. */
  readonly nanoseconds: number
  readonly nanosecondsP99: number
  /** MB (10^6 bytes) a second at the median, where bytes mean something. */
  readonly megabytesPerSecond?: number
  readonly samples: number
}

export const MICRO_USAGE = 'micro [--json] [--only NAME]'

const FULL: MicroScale = { timeMs: 500, warmupMs: 250 }
/** As little as still goes through every line: no figure of it means anything. */
const SMOKE: MicroScale = { timeMs: 1, warmupMs: 0 }

/** Measures and prints; the exit code. */
export async function runMicro(
  commandArguments: readonly string[],
  machine: Readonly<Record<string, unknown>>,
): Promise<number> {
  const options = {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  } as const
  const wanted = readOptions(commandArguments, options, ({ json, only }) => {
    const cases = microCases().filter(({ name }) => name.startsWith(only))
    return cases.length === 0 ? `no case begins with ${only}` : { json, cases }
  })
  if (typeof wanted === 'string') return refuse(wanted, MICRO_USAGE)
  const results = await measureMicro(FULL, wanted.cases)
  if (wanted.json) {
    for (const line of [{ bench: 'micro', ...machine }, ...results])
      console.log(JSON.stringify(line))
  } else {
    console.log(tableOf(results))
  }
  return 0
}

/** What is wrong with a quick run; nothing where all is well. */
export async function microProblems(): Promise<string[]> {
  const results = await measureMicro(SMOKE, microCases())
  return results
    .filter(({ nanoseconds }) => !(Number.isFinite(nanoseconds) && nanoseconds > 0))
    .map(({ name, nanoseconds }) => `${name}: ${String(nanoseconds)} is no figure`)
}

async function measureMicro(
  { timeMs, warmupMs }: MicroScale,
  cases: readonly MicroCase[],
): Promise<MicroResult[]> {
  const bench = new Bench({ time: timeMs, warmupTime: warmupMs, iterations: 1, throws: true })
  for (const { name, run } of cases) {
    bench.add(name, () => {
      if (Number.isNaN(run())) throw new Error(`${name} came to nothing`)
    })
  }
  await bench.run()
  return cases.map(({ name, items, of, bytes }) => {
    const result = bench.getTask(name)?.result
    if (result?.state !== 'completed') throw new Error(`${name} did not complete`)
    const { p50, p99, samplesCount } = result.latency
    return {
      kind: 'micro',
      name,
      of,
      nanoseconds: rounded((p50 * 1e6) / items),
      nanosecondsP99: rounded((p99 * 1e6) / items),
      ...(bytes !== undefined && { megabytesPerSecond: rounded(bytes / (p50 * 1000)) }),
      samples: samplesCount,
    }
  })
}

function tableOf(results: readonly MicroResult[]): string {
  const rows = results.map(({ name, of, nanoseconds, nanosecondsP99, megabytesPerSecond = '' }) =>
    [name, `${nanoseconds} ns per ${of}`, `${nanosecondsP99} ns`, megabytesPerSecond].join(' | '),
  )
  return ['case | median | p99 | MB/s', '--- | --- | --- | ---', ...rows]
    .map((row) => `| ${row} |`)
    .join('\n')
}
