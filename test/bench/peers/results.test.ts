/** The lines of a run of peers, its bars, what it loses, and two runs beside each other. All made up. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { barsOf } from '../../../bench/peers/bars.ts'
import { comparisonOf, runPeersCompare } from '../../../bench/peers/compare.ts'
import type { LossKey } from '../../../bench/peers/losses.ts'
import {
  entryOf,
  failuresBeside,
  lossesOf,
  staleOf,
  unexplainedOf,
  worstShareOf,
} from '../../../bench/peers/lost-cells.ts'
import {
  durabilityOf,
  factsOf,
  type RateLine,
  type ResultLine,
  rawRateOf,
  underWayOf,
} from '../../../bench/peers/result.ts'
import { resultsOf } from '../../../bench/peers/results-file.ts'
import { freshDirectory } from '../../real/support.ts'
import { artificial, HEADER, jsonLines, LINES, without } from './artificial.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

function rate(contender: string, rate: number, more: Partial<RateLine> = {}): RateLine {
  const quartiles = [rate * 0.9, rate * 1.1] as const
  return {
    kind: 'rate',
    contender,
    workload: 'put',
    bytes: 100,
    inFlight: 1000,
    rate,
    quartiles,
    runs: 3,
    ...more,
  }
}

function backlog(
  contender: string,
  waiting: number,
  putRate: number,
  takeRate: number,
): ResultLine {
  return { kind: 'backlog', contender, waiting, putRate, takeRate, memoryBytes: 1, diskBytes: 1 }
}

test('a last line that breaks off is passed over, one before it is not', () => {
  const whole = jsonLines([rate('lmdb', 1), rate('qlog-log', 1)])
  expect(resultsOf(whole.slice(0, -20)).rates).toHaveLength(1)
  expect(resultsOf(whole.slice(0, -1)).rates).toHaveLength(2)
  expect(() => resultsOf(whole.replace('"kind"', '"ki'))).toThrow()
})

test('rates of the raw loop are those of all cells with groups of that size', () => {
  const raw = (cell: string, ...rates: number[]): ResultLine => ({
    kind: 'raw',
    groupBytes: 100,
    cell,
    rates,
  })
  expect(rawRateOf(artificial([raw('a', 1, 2), raw('b', 3, 9, 9)]), 100)).toBe(3)
  expect(rawRateOf(artificial([raw('a', 1)]), 200)).toBeUndefined()
})

test('lines of two runs, of unknown kinds, of unknown contenders and lines there twice are refused', () => {
  expect(() => resultsOf('')).toThrow('does not begin')
  expect(() => resultsOf('{"bench":"store"}')).toThrow('does not begin')
  expect(() => resultsOf(`${jsonLines([])}${jsonLines([])}`)).toThrow('no result of peers')
  expect(() => artificial([rate('nobody', 1)])).toThrow('does not name nobody')
  expect(() => artificial([rate('lmdb', 1), rate('lmdb', 2)])).toThrow('there twice: lmdb put')
})

test('what npm prints around the lines is passed over', () => {
  const { rates } = resultsOf(`\n> qlog bench\n> made up\n\n${jsonLines([rate('lmdb', 1)])}`)
  expect(rates).toHaveLength(1)
})

test('a bar is met at its ratio and missed below', () => {
  const outcomesOf = (lines: ResultLine[]) =>
    barsOf(artificial(lines)).map(({ outcome, ratio }) => [outcome, ratio])
  const lmdb = rate('lmdb', 100)
  expect(outcomesOf([rate('qlog-log', 200), lmdb])[0]).toEqual(['met', 2])
  expect(outcomesOf([rate('qlog-log', 199), lmdb])[0]).toEqual(['missed', 1.99])
  expect(outcomesOf([rate('qlog-log', 200)])[0]).toEqual(['not measured', undefined])
  const batch = (contender: string, value: number, size: number) => {
    const { inFlight, ...line } = rate(contender, value, { workload: 'batch', batch: size })
    return inFlight === undefined ? line : line
  }
  const batches = [
    batch('qlog-log', 399, 1000),
    batch('lmdb', 100, 1000),
    batch('sqlite-full', 100, 1000),
    batch('qlog-log', 400, 10_000),
    batch('lmdb', 100, 10_000),
  ]
  expect(outcomesOf(batches).slice(1, 4)).toEqual([
    ['met', 3.99],
    ['missed', 3.99],
    ['met', 4],
  ])
  const one = { inFlight: 1 }
  const drain = { workload: 'drain', inFlight: 4 } as const
  const others = [
    rate('qlog-sync', 110, one),
    rate('sqlite-full', 100, one),
    rate('qlog-store', 150, drain),
    rate('sqlite-full', 100, drain),
    rate('sqlite-full', 1, { workload: 'drain', inFlight: 1 }),
  ]
  expect(outcomesOf(others).slice(4, 6)).toEqual([
    ['missed', 1.5],
    ['met', 1.1],
  ])
})

test('a bar that is met by the median says so where its range begins below', () => {
  const barWith = (low: number) => {
    const ours = rate('qlog-log', 220, { quartiles: [low, 240] })
    return barsOf(artificial([ours, rate('lmdb', 100, { quartiles: [90, 100] })]))[0]
  }
  expect(barWith(200)).toMatchObject({ outcome: 'met', range: [2, 240 / 90] })
  expect(barWith(200)?.isByMedianOnly).toBeUndefined()
  expect(barWith(199)).toMatchObject({ outcome: 'met', isByMedianOnly: true })
})

test('the worst of ours at a share stands beside the best of its class with that load', () => {
  const at = (contender: string, p99Ms: number, share: number, workload = 'put') =>
    ({ ...latency(contender, p99Ms), share, workload }) as ResultLine
  const worstOf = (...lines: ResultLine[]) => {
    const worst = worstShareOf(artificial([...lines, latency('qlog-sync', 99)]))
    return worst && [worst.ours.contender, worst.ours.p99Ms, worst.peer?.contender]
  }
  expect(
    worstOf(
      at('qlog-log', 50, 0.5),
      at('qlog-store', 40, 0.5),
      at('lmdb', 4, 0.5),
      at('classic-level', 3, 0.5),
      at('classic-level', 2, 0.25),
      at('lmdb', 1, 0.5, 'through'),
      at('sqlite-normal', 1, 0.5),
      at('no-op', 0.1, 0.5),
    ),
  ).toEqual(['qlog-log', 50, 'classic-level'])
  expect(worstOf(at('qlog-log', 50, 0.5))).toEqual(['qlog-log', 50, undefined])
  expect(worstOf()).toBeUndefined()
})

test('a bar against better-sqlite3 is against the better of those that flush', () => {
  const drain = { workload: 'drain', inFlight: 4 } as const
  const [, , , , bar] = barsOf(
    artificial([
      rate('qlog-store', 300, drain),
      rate('sqlite-full', 100, drain),
      rate('sqlite-grouped', 200, drain),
      rate('sqlite-normal', 900, drain),
    ]),
  )
  expect(bar).toMatchObject({ ratio: 1.5, peer: 'sqlite-grouped', outcome: 'missed' })
})

test('the bar of ten million waiting is against the fewest that wait, and needs both', () => {
  const barsWith = (...lines: ResultLine[]) =>
    barsOf(artificial(lines))
      .slice(-2)
      .map(({ outcome, ratio }) => [outcome, ratio])
  const many = backlog('qlog-store', 10_000_000, 80, 79)
  const empty = backlog('qlog-store', 0, 100, 100)
  const few = backlog('qlog-store', 10_000, 1, 1)
  expect(barsWith(many, few, empty)).toEqual([
    ['met', 0.8],
    ['missed', 0.79],
  ])
  expect(barsWith(empty, few).map(([outcome]) => outcome)).toEqual(['not measured', 'not measured'])
  expect(barsWith(many)[0]).toEqual(['not measured', undefined])
})

test('batches of which several are under way are a cell of their own, and no part of a bar', () => {
  const batch = { workload: 'batch', batch: 1000 } as const
  const four = { ...batch, batches: 4 }
  const lines = [rate('qlog-log', 300, four), rate('lmdb', 400, four), rate('lmdb', 100, batch)]
  const of = (...some: ResultLine[]) => barsOf(artificial(some))[1]
  expect(of(...lines)?.outcome).toBe('not measured')
  expect(of(...lines, rate('qlog-log', 200, batch))?.ratio).toBe(2)
  expect(lossesOf(artificial(lines)).map(({ cell }) => cell)).toEqual([
    'batch, 100 B, 1,000 at a time, 4 batches under way',
  ])
  expect(lines.map(underWayOf)).toEqual([4000, 4000, 1000])
  expect(underWayOf({ inFlight: 7 })).toBe(7)
})

test('messages of another size are no part of a bar', () => {
  const large = { bytes: 1024 }
  const [first] = barsOf(artificial([rate('qlog-log', 300, large), rate('lmdb', 100, large)]))
  expect(first?.outcome).toBe('not measured')
})

test('a take is held against takes that are worth as much, and nothing against what keeps nothing', () => {
  const contenders = HEADER.contenders.map((facts) =>
    facts.id === 'rabbitmq-classic' ? { ...facts, takeDurability: 'kernel' as const } : facts,
  )
  const header = { ...HEADER, contenders }
  const lossesIn = (...lines: ResultLine[]) =>
    lossesOf(artificial(lines, header)).map(({ peer, workload }) => `${peer} ${workload}`)
  const drain = { workload: 'drain' } as const
  expect(
    lossesIn(
      rate('qlog-store', 1),
      rate('rabbitmq-classic', 2),
      rate('qlog-store', 1, drain),
      rate('rabbitmq-classic', 2, drain),
      rate('no-op', 9),
      rate('no-op', 9, drain),
    ),
  ).toEqual(['rabbitmq-classic put'])
})

test('latencies at a share of the own maximum are no comparison, and memory below the noise is none', () => {
  const lines: ResultLine[] = [
    { ...latency('qlog-log', 4), share: 0.5 } as ResultLine,
    { ...latency('lmdb', 1), share: 0.5 } as ResultLine,
    { ...backlog('qlog-store', 10, 1, 1), memoryBytes: 7e6 } as ResultLine,
    { ...backlog('lmdb', 10, 1, 1), memoryBytes: 10 } as ResultLine,
  ]
  expect(lossesOf(artificial(lines))).toEqual([])
})

test('what is said of a loss is by its cell, else its workload, and by the winner, else the loser', () => {
  const [loss] = lossesOf(artificial([rate('qlog-log', 1), rate('lmdb', 2)]))
  if (loss === undefined) throw new Error('there is one loss')
  const said = (...keys: LossKey[]) =>
    entryOf(loss, Object.fromEntries(keys.map((key) => [key, { instead: key }])))?.instead
  expect(said('lmdb/puts', 'lmdb/put', 'qlog-log/put')).toBe('lmdb/put')
  expect(said('lmdb/put', 'qlog-log/put/100x1000')).toBe('qlog-log/put/100x1000')
  expect(said('lmdb/put/100x1000', 'qlog-log/put/100x1000')).toBe('lmdb/put/100x1000')
  // Of another size, and of one that only begins like it.
  expect(said('lmdb/put/1024x1000', 'lmdb/put/100x100', 'qlog-log/puts')).toBe('qlog-log/puts')
  expect(said('lmdb/put/100x1', 'lmdb/takes', 'qlog-log/puts')).toBe('qlog-log/puts')
  expect(said('lmdb/takes', 'qlog-store/put')).toBeUndefined()
  expect([...unexplainedOf([loss], {}).keys()]).toEqual(['lmdb/puts'])
  expect([...unexplainedOf([loss], { 'qlog-log/put': { instead: 'x' } }).keys()]).toEqual([])
})

test('an entry that explains no loss is stale, and so is one behind another', () => {
  const losses = lossesOf(artificial([rate('qlog-log', 1), rate('lmdb', 2)]))
  const keys = ['lmdb/put/100x1000', 'lmdb/put', 'lmdb/takes'] as const
  const entries = Object.fromEntries(keys.map((key) => [key, { instead: key }]))
  expect(staleOf(losses, entries)).toEqual(['lmdb/put', 'lmdb/takes'])
  expect(staleOf(losses, { 'qlog-log/puts': { instead: 'x' } })).toEqual([])
})

test('a cell in which ours failed or was left out is lost to the best that has a figure', () => {
  const [what, reason] = ['put, 100 B, 1000 in flight', 'made up']
  const lossesIn = (...lines: ResultLine[]) =>
    lossesOf(artificial(lines)).map(({ cell, peer, ours, oursText, factor }) => [
      `${ours} to ${peer}: ${cell}`,
      oursText,
      factor,
    ])
  const failed = { kind: 'failed', contender: 'qlog-log', what, reason } as const
  const cell = 'put, 100 B, 1,000 in flight'
  const peers = [rate('lmdb', 1), rate('classic-level', 3), rate('sqlite-normal', 9)]
  const lost = [`qlog-log to classic-level: ${cell}`, 'failed: made up', undefined]
  expect(lossesIn(...peers, failed)).toEqual([lost])
  expect(lossesIn(...peers, { ...failed, kind: 'left-out' })).toEqual([
    [lost[0], 'left out: made up', undefined],
  ])
  expect(lossesIn(rate('sqlite-normal', 9), failed)).toEqual([])
  expect(lossesIn(...peers, { ...failed, contender: 'lmdb' })).toEqual([])
  expect(lossesIn(...peers, { ...failed, what: 'put, 100 B, 100 in flight' })).toEqual([])
  // One that has a figure all the same has not failed in that cell.
  expect(lossesIn(rate('qlog-log', 9), ...peers, failed)).toEqual([])
  // From a log nothing is taken: a line that is about all contenders is no loss of it.
  const drain = { workload: 'drain', batch: 1000, inFlight: undefined } as const
  const { inFlight: _, ...taking } = { ...rate('lmdb', 1), ...drain }
  const notTried = { ...failed, kind: 'left-out', what: 'drain, 100 B, batches of 1000' } as const
  expect(lossesIn(taking as ResultLine, notTried)).toEqual([])
  expect(lossesIn(taking as ResultLine, { ...notTried, contender: 'qlog-store' })).toHaveLength(1)
})

test('a failure that names all loads, or a backlog that was too large, is one of each cell of it', () => {
  const cellsOf = (what: string, ...lines: ResultLine[]) => {
    const failed = { kind: 'failed', contender: 'qlog-store', what, reason: 'x' } as const
    return lossesOf(artificial([...lines, failed])).map(({ cell }) => cell)
  }
  const latencies = [100, 1000].map((rate) => ({ ...latency('lmdb', 1), rate }) as ResultLine)
  expect(cellsOf('latency of put', ...latencies)).toHaveLength(2)
  expect(cellsOf('latency of put at 100 a second', ...latencies)).toEqual([
    'p99 of put, 100 B, at 100 a second',
  ])
  expect(cellsOf('latency of put at 10', ...latencies)).toEqual([])
  const batches = [{}, { batches: 4 }].map((more) => {
    const { inFlight: _, ...line } = { ...rate('lmdb', 1), workload: 'batch', batch: 10, ...more }
    return line as ResultLine
  })
  expect(cellsOf('batch, 100 B, batches of 10', ...batches)).toEqual(['batch, 100 B, 10 at a time'])
  const backlogs = [10, 100, 1000].map((waiting) => backlog('lmdb', waiting, 1, 1))
  const opened = {
    kind: 'reopen',
    contender: 'lmdb',
    waiting: 100,
    seconds: 1,
    how: 'killed',
  } as const
  expect(cellsOf('backlog of 100', ...backlogs, opened)).toHaveLength(2 * 4 + 1)
  expect(cellsOf('opening after a kill with 100 waiting', ...backlogs, opened)).toEqual([
    'opening after a kill, 100 waiting',
  ])
})

test('a failure of ours in no cell that others have is told beside them', () => {
  const besides = (...lines: ResultLine[]) => {
    const results = artificial(lines)
    return failuresBeside(results, lossesOf(results)).map(({ contender }) => contender)
  }
  const what = 'put, 100 B, 1000 in flight'
  const failures = ['qlog-log', 'lmdb'].map(
    (contender): ResultLine => ({ kind: 'failed', contender, what, reason: 'x' }),
  )
  expect(besides(...failures)).toEqual(['qlog-log'])
  expect(besides(...failures, rate('classic-level', 1))).toEqual([])
})

test('a loss is a cell in which a peer of the same or a stronger promise is better', () => {
  const lossesIn = (...lines: ResultLine[]) =>
    lossesOf(artificial(lines)).map(({ peer, ours, factor }) => [peer, ours, factor])
  const ours = rate('qlog-log', 100)
  expect(lossesIn(ours, rate('lmdb', 101))).toEqual([['lmdb', 'qlog-log', 1.01]])
  expect(lossesIn(ours, rate('lmdb', 100))).toEqual([])
  expect(lossesIn(ours, rate('sqlite-normal', 900))).toEqual([])
  expect(lossesIn(ours, rate('nats-jetstream', 900))).toEqual([])
  expect(lossesIn(ours, rate('lmdb', 900, { inFlight: 100 }))).toEqual([])
  expect(lossesIn(ours, rate('lmdb', 900, { bytes: 1024 }))).toEqual([])
})

test("a server of qlog's is held against servers, what is embedded against all", () => {
  const lines = [
    rate('qlog-serve', 10),
    rate('qlog-log', 20),
    rate('lmdb', 30),
    rate('beanstalkd-f0', 40),
  ]
  const pairs = lossesOf(artificial(lines)).map(({ peer, ours }) => `${peer} ${ours}`)
  expect(pairs).toEqual(['beanstalkd-f0 qlog-serve', 'beanstalkd-f0 qlog-log', 'lmdb qlog-log'])
})

test('less is better where time, memory and disk are counted', () => {
  const lines: ResultLine[] = [
    { ...backlog('qlog-store', 10, 5, 5), memoryBytes: 3e7, diskBytes: 30 } as ResultLine,
    { ...backlog('lmdb', 10, 4, 6), memoryBytes: 1e7, diskBytes: 40 } as ResultLine,
    { kind: 'reopen', contender: 'qlog-store', waiting: 10, seconds: 2, how: 'killed' },
    { kind: 'reopen', contender: 'lmdb', waiting: 10, seconds: 1, how: 'killed' },
    latency('qlog-log', 4),
    latency('lmdb', 1),
  ]
  const found = lossesOf(artificial(lines)).map(({ workload, factor }) => [workload, factor])
  expect(found).toEqual([
    ['put-latency', 4],
    ['backlog-take', 1.2],
    ['backlog-memory', 3],
    ['reopen', 2],
  ])
})

function latency(contender: string, p99Ms: number): ResultLine {
  return {
    kind: 'latency',
    contender,
    workload: 'put',
    bytes: 100,
    rate: 9,
    p50Ms: 1,
    p99Ms,
    p999Ms: 9,
    maxMs: 9,
    runs: 3,
  }
}

test('every cell of a large run that is lost is listed, and no other', () => {
  const results = artificial()
  const listed = new Set(lossesOf(results).map(({ peer, ours, cell }) => `${peer} ${ours} ${cell}`))
  let lost = 0
  for (const ours of results.rates.filter(({ contender }) => contender.startsWith('qlog-'))) {
    for (const peer of results.rates.filter(({ contender }) => !contender.startsWith('qlog-'))) {
      const isSameCell = (['workload', 'bytes', 'inFlight', 'batch', 'batches'] as const).every(
        (key) => peer[key] === ours[key],
      )
      const facts = factsOf(results, peer.contender)
      const isOfTakes = ours.workload === 'drain' || ours.workload === 'steady'
      const durability = durabilityOf(facts, isOfTakes)
      if (!isSameCell || durability !== 'flushed' || peer.rate <= ours.rate) continue
      if (ours.contender === 'qlog-serve' && facts.kind === 'embedded') continue
      lost++
      expect(
        [...listed].some((line) =>
          line.startsWith(`${peer.contender} ${ours.contender} ${ours.workload}, `),
        ),
      ).toBe(true)
    }
  }
  const workloads = new Set<string>(['put', 'batch', 'drain', 'steady'])
  expect(lossesOf(results).filter(({ workload }) => workloads.has(workload))).toHaveLength(lost)
})

const FLUSHED = new Set(
  HEADER.contenders.flatMap(({ id, durability }) => (durability === 'flushed' ? [id] : [])),
)

/** What waits for the disk is half as fast, the rest as before. */
const SLOWER_DISK = LINES.map((line): ResultLine => {
  if (line.kind === 'raw') return { ...line, rates: line.rates.map((value) => value / 2) }
  if (line.kind !== 'rate' || !FLUSHED.has(line.contender)) return line
  if ((line.efficiency ?? 0) <= 0.3) return line
  const [low, high] = line.quartiles
  return { ...line, rate: line.rate / 2, quartiles: [low / 2, high / 2] }
})

test('a disk of half the speed is no regression', () => {
  const { compared, onlyInA, onlyInB } = comparisonOf(artificial(), artificial(SLOWER_DISK))
  expect(compared.filter(({ isOfRawLoop }) => isOfRawLoop).length).toBeGreaterThan(50)
  expect(compared.filter(({ isOfRawLoop }) => !isOfRawLoop).length).toBeGreaterThan(50)
  for (const { ratio, isChange } of compared) {
    expect(ratio).toBeCloseTo(1)
    expect(isChange).toBe(false)
  }
  expect([...onlyInA, ...onlyInB]).toEqual([])
})

test('quartiles that overlap are noise, quartiles apart a change', () => {
  const raw: ResultLine = { kind: 'raw', groupBytes: 100_000, cell: '', rates: [10, 10, 10] }
  const changeOf = (value: number) => {
    const at = { efficiency: 0.5 }
    const b = artificial([raw, rate('qlog-log', value, at)])
    const [first] = comparisonOf(artificial([raw, rate('qlog-log', 100, at)]), b).compared
    return first && [first.ratio, first.isChange]
  }
  expect(changeOf(85)).toEqual([0.85, false])
  expect(changeOf(80)).toEqual([0.8, true])
  expect(changeOf(130)).toEqual([1.3, true])
})

test('a cell that only one run has is named', () => {
  const { onlyInA, onlyInB } = comparisonOf(artificial(), without('lmdb'))
  expect(onlyInA.length).toBeGreaterThan(0)
  expect(onlyInA.every((cell) => cell.startsWith('lmdb '))).toBe(true)
  expect(onlyInB).toEqual([])
})

test('runs without a raw loop in common cannot be compared', () => {
  const noRaw = artificial(LINES.filter(({ kind }) => kind !== 'raw'))
  expect(() => comparisonOf(artificial(), noRaw)).toThrow('no raw loop in common')
})

test('the command fails where a ratio is below the bound, and only there', () => {
  const folder = freshDirectory()
  const slower = LINES.map((line): ResultLine => {
    const isIt = line.kind === 'rate' && line.contender === 'qlog-log' && line.inFlight === 100
    return isIt ? { ...line, rate: line.rate * 0.7 } : line
  })
  const [a, b] = [join(folder, 'a.jsonl'), join(folder, 'b.jsonl')]
  writeFileSync(a, jsonLines(LINES, HEADER))
  writeFileSync(b, jsonLines(slower, HEADER))
  const out = vi.spyOn(console, 'log').mockReturnValue(undefined)
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  expect(runPeersCompare([a, b, '--bound', '0.8'])).toBe(1)
  expect(String(out.mock.calls[0])).toContain('qlog-log put 100 B in flight 100 | 0.70')
  expect(runPeersCompare([a, b, '--bound', '0.6'])).toBe(0)
  expect(runPeersCompare([a, b])).toBe(0)
  expect(runPeersCompare([a, b, '--bound', '0.8', '--only', 'lmdb'])).toBe(0)
  expect(runPeersCompare([a])).toBe(2)
  expect(runPeersCompare([a, b, '--bound', 'x'])).toBe(2)
  expect(runPeersCompare([a, b, '--unknown'])).toBe(2)
})
