/** A made-up run of peers: every figure follows from its place in a list, and none was ever measured. */
import type { Durability } from '../../../bench/peers/contract.ts'
import type {
  ContenderFacts,
  PeersHeader,
  PeersResults,
  ResultLine,
} from '../../../bench/peers/result.ts'
import { resultsOf } from '../../../bench/peers/results-file.ts'

/** As many as there may ever be, so that labels have every reason to lie on each other. */
const CONTENDERS: readonly (readonly [string, Durability, 'embedded' | 'server'])[] = [
  ['qlog-log', 'flushed', 'embedded'],
  ['qlog-sync', 'flushed', 'embedded'],
  ['qlog-store', 'flushed', 'embedded'],
  ['qlog-serve', 'flushed', 'server'],
  ['sqlite-full', 'flushed', 'embedded'],
  ['sqlite-grouped', 'flushed', 'embedded'],
  ['sqlite-normal', 'kernel', 'embedded'],
  ['lmdb', 'flushed', 'embedded'],
  ['classic-level', 'flushed', 'embedded'],
  ['plainjob', 'kernel', 'embedded'],
  ['redis-stream-always', 'flushed', 'server'],
  ['redis-stream-everysec', 'flushed later', 'server'],
  ['bullmq-always', 'flushed', 'server'],
  ['bullmq-everysec', 'flushed later', 'server'],
  ['nats-jetstream', 'flushed later', 'server'],
  ['rabbitmq-classic', 'flushed', 'server'],
  ['rabbitmq-quorum', 'flushed', 'server'],
  ['beanstalkd-f0', 'flushed', 'server'],
  ['beanstalkd', 'flushed later', 'server'],
  ['no-op', 'kernel', 'embedded'],
]
const SIZES = [100, 1024, 65_536]
const GROUPS = [1, 100, 1000, 10_000]
const WAITING = [0, 10_000, 100_000, 1_000_000, 10_000_000]

export const HEADER: PeersHeader = {
  bench: 'peers',
  date: '2001-02-03T04:05:06.000Z',
  machine: '1 x made up, 1 GiB',
  kernel: 'Madeup 1.2.3',
  fileSystem: 'madeupfs',
  node: 'v0.0.0',
  load: [1, 2, 3],
  rounds: 3,
  seed: 7,
  runSeconds: 1,
  latencySeconds: 2,
  rawBy: 'c',
  contenders: CONTENDERS.map(([id, durability, kind]) => factsOf(id, durability, kind)),
}

/** Lines as a runner would print them, of everything there is. */
export const LINES: readonly ResultLine[] = [
  ...SIZES.flatMap((bytes) =>
    GROUPS.map((group): ResultLine => {
      const rate = 10_000 / (1 + (bytes * group) / 1e5)
      const rates = [rate, rate * 1.1, rate * 0.9]
      return { kind: 'raw', groupBytes: bytes * group, cell: 'made up', rates }
    }),
  ).filter(
    (line, i, all) =>
      all.findIndex((other) => JSON.stringify(other) === JSON.stringify(line)) === i,
  ),
  ...CONTENDERS.flatMap(([id], i) => linesOf(id, i)),
]

export function artificial(
  lines: readonly ResultLine[] = LINES,
  header: PeersHeader = HEADER,
): PeersResults {
  return resultsOf(jsonLines(lines, header))
}

export function jsonLines(lines: readonly ResultLine[], header: PeersHeader = HEADER): string {
  return [header, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('')
}

/** The same run without these: they are missing, and no line is about them. */
export function without(...ids: readonly string[]): PeersResults {
  const contenders = HEADER.contenders.map((facts) =>
    ids.includes(facts.id) ? { ...facts, version: '', missing: 'it is not here' } : facts,
  )
  const lines = LINES.filter((line) => !('contender' in line && ids.includes(line.contender)))
  return artificial(lines, { ...HEADER, contenders })
}

function factsOf(id: string, durability: Durability, kind: 'embedded' | 'server'): ContenderFacts {
  const shape =
    id === 'qlog-log' || id === 'qlog-sync' ? 'log' : kind === 'server' ? 'queue' : 'rows'
  const settings = `made up for ${id}`
  const source = 'https://example.org/made-up'
  return {
    id,
    name: `made-up ${id}`,
    durability,
    // As those whose server answers a take from its memory.
    ...(id.startsWith('rabbitmq') && { takeDurability: 'memory' as const }),
    settings,
    source,
    kind,
    shape,
    version: '0.0.0',
  }
}

function linesOf(contender: string, i: number): ResultLine[] {
  const factor = 1 + ((i * 7) % 19) / 4
  const groups = contender.startsWith('sqlite-f') || contender === 'qlog-sync' ? [1] : GROUPS
  const rateLine = (
    workload: 'put' | 'batch' | 'drain' | 'steady',
    bytes: number,
    cell: { inFlight?: number; batch?: number; batches?: number },
  ): ResultLine => {
    const group = cell.batch ?? cell.inFlight ?? 1
    const rate = ((cell.batches ?? 1) * 1000 * factor * group ** 0.8) / (1 + bytes / 5000)
    const quartiles = [rate * 0.95, rate * 1.05] as const
    const efficiency = (0.03 * (1 + ((i * 5) % 19) * 2) * (group + 10)) / (group + 5)
    return {
      kind: 'rate',
      contender,
      workload,
      bytes,
      ...cell,
      rate,
      quartiles,
      runs: 3,
      cpu: 0.5,
      efficiency,
    }
  }
  const takes = !['qlog-log', 'qlog-sync', 'no-op'].includes(contender)
  return [
    ...SIZES.flatMap((bytes) => [
      ...groups.map((inFlight) => rateLine('put', bytes, { inFlight })),
      ...GROUPS.slice(1).map((batch) => rateLine('batch', bytes, { batch })),
    ]),
    rateLine('batch', 100, { batch: 1000, batches: 4 }),
    ...(takes ? [rateLine('drain', 100, { batch: 1000 }), rateLine('steady', 100, {})] : []),
    ...[{ share: 0.5 }, { rate: 100 }, { rate: 1000 }].flatMap((load) =>
      (takes ? (['put', 'through'] as const) : (['put'] as const)).map((workload): ResultLine => {
        const p50Ms = 0.1 * factor * (1 + (load.share ?? 0))
        const [p99Ms, p999Ms, maxMs] = [
          p50Ms * (1.5 + (i % 3)),
          p50Ms * (5 + i),
          p50Ms * (9 + 3 * i),
        ]
        return {
          kind: 'latency',
          contender,
          workload,
          bytes: 100,
          rate: 1000 * factor,
          ...load,
          p50Ms,
          p99Ms,
          ...(load.rate !== 100 && { p999Ms }),
          maxMs,
          runs: 3,
          samples: 6000,
          p99sMs: [p99Ms, p99Ms * 0.9, p99Ms * 1.2],
        }
      }),
    ),
    ...(takes ? WAITING : []).flatMap((waiting): ResultLine[] => [
      {
        kind: 'backlog',
        contender,
        waiting,
        putRate: (50_000 * factor) / (1 + (waiting / 1e7) * 0.1 * i),
        takeRate: (40_000 * factor) / (1 + (waiting / 1e7) * 0.1 * i),
        memoryBytes: 5e7 + waiting * i * 10,
        diskBytes: 1e6 + waiting * (110 + i * 20),
      },
      ...(waiting >= 1e6
        ? [
            {
              kind: 'reopen',
              contender,
              waiting,
              seconds: (factor * waiting) / 1e6,
              how: 'killed',
            } as const,
          ]
        : []),
    ]),
  ]
}
