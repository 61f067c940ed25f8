/** What `qlog top` shows, as text: at two widths, with nothing, with too much, with what is odd. */
import { describe, expect, it } from 'vitest'
import { cell, columnsOf, shortCount, shorten, shortRate, shortSpan } from '../../src/cli/cells.ts'
import { Output } from '../../src/cli/output.ts'
import type { TopFigures, TopView } from '../../src/cli/top-figures.ts'
import { topLines } from '../../src/cli/top-screen.ts'
import type { GroupStats, QueueStats } from '../../src/index.ts'
import { MemoryStream } from './in-process.ts'

const PLAIN = new Output(new MemoryStream(), new MemoryStream(), {}).styles
const COLOURED = new Output(new MemoryStream(true), new MemoryStream(), {}).styles

const NOTHING = {
  delivered: 0,
  acked: 0,
  released: 0,
  retried: 0,
  timedOut: 0,
  buried: 0,
  kicked: 0,
  put: 0,
  deleted: 0,
  expired: 0,
}

function group(queue: string, name: string, of: Partial<GroupStats> = {}): GroupStats {
  const states = { ready: 0, delayed: 0, leased: 0, buried: 0, lag: 0, waiting: 0, ...of }
  const settings = { floor: 0, leasedMax: undefined, promoteAfterMs: undefined }
  return { queue, group: name, oldestMs: undefined, totals: NOTHING, ...settings, ...states }
}

function queue(name: string, of: Partial<QueueStats> = {}): QueueStats {
  const plain = { nextOffset: 0, messages: 0, retained: 0, pausedMs: 0, groups: [] }
  const unknown = { bytes: undefined, retainedBytes: undefined, oldestMs: undefined }
  const limits = { messagesMax: undefined, bytesMax: undefined, ttlMs: undefined }
  const settings = {
    ...limits,
    whenFull: 'refuse',
    deadLetter: undefined,
    groupIdleMs: undefined,
    retention: undefined,
    attemptsMax: undefined,
  } as const
  return { queue: name, totals: NOTHING, settings, ...plain, ...unknown, ...of }
}

function figures(openMs: number, queues: QueueStats[], of: Partial<TopFigures['stats']> = {}) {
  const sum = (key: 'put' | 'delivered' | 'acked' | 'retried'): number =>
    queues.reduce((all, { totals }) => all + totals[key], 0)
  const groups = queues.flatMap((one) => one.groups)
  const count = (key: 'ready' | 'delayed' | 'leased' | 'buried' | 'waiting'): number =>
    groups.reduce((all, one) => all + one[key], 0)
  const stats: TopFigures['stats'] = {
    status: 'open',
    openMs,
    totals: {
      ...NOTHING,
      put: sum('put'),
      delivered: sum('delivered'),
      acked: sum('acked'),
      retried: sum('retried'),
    },
    messages: queues.reduce((all, { messages }) => all + messages, 0),
    retained: 0,
    ready: count('ready'),
    delayed: count('delayed'),
    leased: count('leased'),
    buried: count('buried'),
    pinning: undefined,
    waitingSessions: count('waiting'),
    stateBytes: 48_000,
    appendedBytes: 1_000,
    snapshotBytes: 0,
    snapshots: 0,
    snapshotAgeMs: undefined,
    space: 'ok',
    damaged: 0,
    clockWasAhead: false,
    log: {
      flushes: 1_234,
      flushCounts: [],
      flushSumMs: 3_000,
      flushP50Ms: 1.2,
      flushP99Ms: 8.34,
      flushMaxMs: 120.5,
      inFlightBytes: 1_200_000,
      segments: 34,
      diskBytes: 1_240_000_000,
      liveBytes: 1_000_000_000,
      deadBytes: 204_000_000,
    },
    ...of,
  }
  return { pid: 4711, stats, queues, moreQueues: 0 } satisfies TopFigures
}

function view(now: TopFigures, before?: TopFigures, of: Partial<TopView> = {}): TopView {
  return {
    directory: './data',
    timeOfDay: '12:00:05',
    figures: now,
    before,
    trouble: undefined,
    ...of,
  }
}

/** Also holds what is true of every screen. */
function screen(shown: TopView, columns: number, rows: number): string {
  const lines = topLines(shown, { columns, rows }, PLAIN)
  expect(lines.length).toBeLessThanOrEqual(rows)
  expect(lines.filter((line) => columnsOf(line) > columns)).toEqual([])
  return `\n${lines.map((line) => `${line.trimEnd()}\n`).join('')}`
}

const totals = (put: number, delivered: number, acked: number, retried = 0) => ({
  ...NOTHING,
  put,
  delivered,
  acked,
  retried,
})

/** Some queues as of a number of looks of two seconds. */
function working(looks: number): TopFigures {
  const orders = queue('orders', {
    messages: 12_345,
    oldestMs: 204_000,
    totals: totals(20_000 * looks, 18_000 * looks, 17_000 * looks, 6 * looks),
    groups: [
      group('orders', 'billing', {
        ...{ ready: 12_300, leased: 16, delayed: 20, buried: 9, lag: 12_345, oldestMs: 204_000 },
        totals: totals(0, 12_000 * looks, 11_000 * looks, 6 * looks),
      }),
      group('orders', 'audit', {
        ...{ ready: 7, leased: 3, lag: 10, oldestMs: 400, waiting: 2 },
        totals: totals(0, 6_000 * looks, 6_000 * looks),
      }),
    ],
  })
  const mails = queue('mails', {
    messages: 4,
    pausedMs: 5_000,
    totals: totals(looks, 0, 0),
    groups: [group('mails', 'default', { ready: 4, lag: 4, oldestMs: 90_000 })],
  })
  const pinning = {
    ...{ queue: 'orders', group: 'billing', messages: 12_335 },
    ...{ bytes: 4_500_000, isEstimate: true },
  }
  const unread = queue('unread', { messages: 3, oldestMs: 7e8 })
  return figures(looks * 2_000, [orders, mails, unread], { pinning })
}

describe('top', () => {
  it.each([80, 120])('a working store in %i columns', (columns) => {
    expect(screen(view(working(40), working(39)), columns, 24)).toMatchSnapshot()
  })

  it('retained messages are counted where there are any', () => {
    const now = working(40)
    expect(screen(view(now), 120, 24)).not.toContain('retained')
    const queues = now.queues.map((one) =>
      one.queue === 'orders' ? { ...one, retained: 98_765 } : one,
    )
    const retaining = { ...now, queues, stats: { ...now.stats, retained: 98_765 } }
    const shown = screen(view(retaining), 120, 24)
    expect(shown).toMatch(/^messages .* retained 98\.8k /m)
    expect(shown).toMatch(/^queue +depth\/lag retained /m)
    expect(shown).toMatch(/^orders +12,345 {4}98\.8k /m)
    expect(shown).toMatch(/^mails \(paused\) +4 {8}0 /m)
    expect(shown).toMatch(/^ {2}audit +10 {10}/m)
    screen(view(retaining), 80, 24)
  })

  it('the first look has no rates', () => {
    expect(screen(view(working(40)), 80, 24)).toMatchSnapshot()
  })

  it('a store without queues, alone', () => {
    const none = { ...figures(5, []), pid: undefined }
    expect(screen(view(none), 80, 24)).toMatchSnapshot()
  })

  it.each([80, 120])('huge numbers and long names in %i columns', (columns) => {
    const most = Number.MAX_SAFE_INTEGER
    const long = `${'very-'.repeat(38)}17`
    const one = queue(long, {
      messages: most,
      oldestMs: 9e11,
      pausedMs: 3e12,
      totals: totals(most, most, most),
      groups: [
        group(long, `${long}-eu`, {
          ...{ ready: most, leased: most, delayed: most, buried: most, lag: most, oldestMs: 9e11 },
          totals: totals(0, most, most),
        }),
      ],
    })
    const odd = queue('日本語の\u001b[2J\u202eキュー👍🏽'.repeat(4), { messages: 1 })
    const of = { queue: odd.queue, group: long, messages: most, bytes: most, isEstimate: false }
    const now = figures(4e9, [one, odd], { pinning: of })
    const before = figures(4e9 - 1_000, [queue(long)])
    const directory = `/srv/${'deep/'.repeat(40)}data`
    expect(screen(view(now, before, { directory }), columns, 24)).toMatchSnapshot()
  })

  it('many queues: the deepest, and how many more', () => {
    const many = Array.from({ length: 1_000 }, (_, row) =>
      queue(`tenant-${row}`, { messages: row, groups: [group('', 'a'), group('', 'b')] }),
    )
    expect(screen(view({ ...figures(5, many), moreQueues: 7 }), 80, 14)).toMatchSnapshot()
  })

  it('what is wrong stands above the figures', () => {
    const of = { status: 'failed', space: 'full', damaged: 3, clockWasAhead: true } as const
    const trouble = `as of 12:00:01: no process holds the store in ${'/long'.repeat(30)}`
    expect(screen(view(figures(5, [], of), undefined, { trouble }), 80, 24)).toMatchSnapshot()
  })

  it('fits every size', () => {
    const shown = view(working(40), working(39), { trouble: 'no process holds the store' })
    for (let columns = 1; columns <= 140; columns += 1) {
      for (const rows of [1, 2, 7, 8, 9, 10, 12, 13, 14, Number.POSITIVE_INFINITY]) {
        screen(shown, columns, rows)
      }
    }
  })

  it('counts anew behind a restart, and where a queue was made anew', () => {
    const restarted = { ...working(40), pid: 4712 }
    expect(screen(view(restarted, working(39)), 80, 24)).toContain('rates     after the next look')
    expect(screen(view(working(1), working(39)), 80, 24)).toContain('rates     after the next look')
    const anew = figures(3_000, [queue('jobs', { totals: totals(5, 0, 0) })])
    const before = figures(2_000, [queue('jobs', { totals: totals(9, 0, 0) })])
    expect(screen(view(anew, before), 80, 24)).not.toMatch(/-\d/)
  })

  it('marks dead letters and slow flushes in colour, and changes no text by it', () => {
    const now = working(40)
    const slow = { ...now, stats: { ...now.stats, log: { ...now.stats.log, flushP99Ms: 1_500 } } }
    const size = { columns: 80, rows: 24 }
    const lines = topLines(view(slow), size, COLOURED)
    expect(lines.join('\n')).toContain('\u001b[33mburied 9\u001b[0m')
    expect(lines.join('\n')).toContain('\u001b[31mp99 1.50 s\u001b[0m')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken away.
    const bare = lines.map((line) => line.replaceAll(/\u001b\[\d+m/g, ''))
    expect(bare).toEqual(topLines(view(slow), size, PLAIN))
  })
})

describe('cells', () => {
  it.each([
    [0, '0'],
    [9_999, '9,999'],
    [9_999.6, '10.0k'],
    [12_345, '12.3k'],
    [99_960, '100k'],
    [999_499, '999k'],
    [999_500, '1.00M'],
    [Number.MAX_SAFE_INTEGER, '9.01P'],
  ])('the count %d is %s', (count, text) => {
    expect(shortCount(count)).toBe(text)
  })

  it.each([
    [0, '0'],
    [0.01, '<0.1'],
    [0.5, '0.5'],
    [9.96, '10'],
  ])('the rate %d is %s', (rate, text) => {
    expect(shortRate(rate)).toBe(text)
  })

  it.each([
    [0, '0.0s'],
    [9_960, '9s'],
    [59_999, '59s'],
    [60_000, '1.0m'],
    [7_200_000, '2.0h'],
    [250 * 86_400_000, '250d'],
  ])('the time %d is %s', (milliseconds, text) => {
    expect(shortSpan(milliseconds)).toBe(text)
  })

  it('cuts the middle, by the columns that a character takes', () => {
    expect(shorten('abcdefgh', 8)).toBe('abcdefgh')
    expect(shorten('abcdefgh', 5)).toBe('ab…gh')
    expect(shorten('日本語のキュー', 7)).toBe('日…ー')
    expect(cell('日本語のキュー', 8)).toBe('日本…ー ')
    expect(shorten('abc', 0)).toBe('')
  })
})
