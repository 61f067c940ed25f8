/** docs/benchmarks.md: what a run gives between the marks. All figures are made up. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { LOSS_ENTRIES } from '../../../bench/peers/losses.ts'
import { lossesOf, staleOf, unexplainedOf } from '../../../bench/peers/lost-cells.ts'
import { PAGE, renewedPage } from '../../../bench/peers/page.ts'
import { allPicturesOf, PICTURES_FOLDER } from '../../../bench/peers/pictures.ts'
import type { ContenderFacts, ResultLine } from '../../../bench/peers/result.ts'
import { resultsOf } from '../../../bench/peers/results-file.ts'
import { figureText } from '../../../bench/peers/words.ts'
import { artificial, HEADER, LINES, without } from './artificial.ts'

const FILE = 'bench/results/made-up.jsonl'

function rowsBelow(page: string, heading: string): string[] {
  const section = page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return section.split('\n').filter((line) => line.startsWith('| '))
}

test('the same lines give the same page, and what people wrote around the marks stays', () => {
  const page = renewedPage(undefined, FILE, artificial())
  const touched = `${page.replace('# Benchmarks', '# Ours')}\nWritten by hand.\n`
  const again = renewedPage(touched, FILE, artificial())
  expect(again).toBe(touched)
  const other = renewedPage(touched, FILE, without('lmdb'))
  expect(other.startsWith('# Ours\n') && other.endsWith('\nWritten by hand.\n')).toBe(true)
  expect(other).not.toBe(touched)
})

test('in short each rate of ours stands in times of the best that promises as much, and of servers alone for a server', () => {
  // Who promises less is the best of all here, and no server the best of those that flush.
  const lines = LINES.map(
    (line): ResultLine =>
      line.kind === 'rate' && line.contender === 'sqlite-normal'
        ? { ...line, rate: line.rate * 100 }
        : line,
  )
  const results = artificial(lines)
  const page = renewedPage(undefined, FILE, results)
  const [head = '', , ...rows] = rowsBelow(page, 'In short')
  const row = rows.find((one) => one.startsWith('| put, 1,000 in flight |')) ?? ''
  const cellOf = (id: string) => row.split('|')[head.split('|').indexOf(` \`${id}\` `)]?.trim()
  const rateOf = (id: string) =>
    results.rates.find(
      (line) =>
        line.contender === id &&
        line.workload === 'put' &&
        line.bytes === 100 &&
        line.inFlight === 1000,
    )?.rate ?? Number.NaN
  const flushed = HEADER.contenders.filter(
    ({ id, durability }) => durability === 'flushed' && !id.startsWith('qlog-'),
  )
  const bestOf = (some: readonly ContenderFacts[]) =>
    Math.max(...some.map(({ id }) => rateOf(id)).filter((rate) => rate > 0))
  const servers = flushed.filter(({ kind }) => kind === 'server')
  const all = HEADER.contenders.filter(({ id }) => !id.startsWith('qlog-'))
  expect(bestOf(all)).toBeGreaterThan(bestOf(flushed))
  expect(bestOf(flushed)).toBeGreaterThan(bestOf(servers))
  expect(cellOf('qlog-log')).toBe(figureText(rateOf('qlog-log') / bestOf(flushed)))
  expect(cellOf('qlog-serve')).toBe(figureText(rateOf('qlog-serve') / bestOf(servers)))
  // It puts one at a time, and no more.
  expect(cellOf('qlog-sync')).toBe('')
})

test('a page without marks is not written over', () => {
  expect(() => renewedPage('# Benchmarks\n', FILE, artificial())).toThrow('no place for peers')
})

test('every loss has its row, in which the page says so where no reason is known', () => {
  const results = artificial()
  const losses = lossesOf(results)
  const page = renewedPage(undefined, FILE, results, {
    'lmdb/put': { why: 'because it is made up', instead: 'lmdb' },
    'lmdb/put/100x1000': { instead: 'lmdb, a thousand times' },
  })
  const rows = rowsBelow(page, 'Every cell we lose').filter((row) => row.includes('`'))
  expect(losses.length).toBeGreaterThan(50)
  expect(rows).toHaveLength(losses.length)
  for (const { peer, ours, cell } of losses) {
    expect(
      rows.filter(
        (row) => row.startsWith(`| ${cell} | \`${peer}\``) && row.includes(`\`${ours}\``),
      ),
    ).toHaveLength(1)
  }
  const groupOf = (row: RegExp) => {
    const [, section = ''] = page.split('## Every cell we lose\n')
    return section.split('**Why').find((group) => row.test(group))
  }
  expect(groupOf(/^\| put, 100 B, 100 in flight \| `lmdb`/m)).toMatch(
    /^:\*\* because it is made up\. \*\*Instead:\*\* lmdb\.\n/,
  )
  // What holds for one size of message holds for no other.
  expect(groupOf(/^\| put, 1 KiB, 1,000 in flight \| `lmdb`/m)).toContain('because it is made up')
  expect(groupOf(/^\| put, 100 B, 1,000 in flight \| `lmdb`/m)).toMatch(
    /^:\*\* not known\. \*\*Instead:\*\* lmdb, a thousand times\.\n/,
  )
  expect(groupOf(/`classic-level`/)).toMatch(/^ is not known yet\*\*, nor is it decided/)
  expect(page.split('because it is made up')).toHaveLength(2)
})

test('where ours failed or was left out, the best that has a figure stands in a row with the reason', () => {
  const isGone = (line: ResultLine) => line.kind === 'rate' && line.contender === 'qlog-log'
  const what = 'put, 100 B, 1000 in flight'
  const lines: ResultLine[] = [
    ...LINES.filter((line) => !isGone(line)),
    { kind: 'failed', contender: 'qlog-log', what, reason: 'made | up' },
    { kind: 'failed', contender: 'qlog-log', what: 'latency of put at 0.5', reason: 'elsewhere' },
  ]
  const page = renewedPage(undefined, FILE, artificial(lines))
  expect(
    rowsBelow(page, 'Every cell we lose').filter((row) => row.includes('made \\| up')),
  ).toEqual([
    expect.stringMatching(
      /^\| put, 100 B, 1,000 in flight \| `[\w-]+` [\d,]+\/s \| `qlog-log` failed: made \\\| up \| {2}\|$/,
    ),
  ])
  expect(page).toMatch(/^\* `qlog-log` failed where .*latency of put at 0\.5: elsewhere\.$/m)
})

test('the method is that of the run: of older ones as it was', () => {
  const pageOf = (more: object) =>
    renewedPage(undefined, FILE, artificial(LINES, { ...HEADER, rounds: 5, ...more }))
  const first = pageOf({})
  expect(first).toContain('5 rounds of 1 s a rate and 2 s a latency behind')
  expect(first).toContain('led in by some tenths of a second')
  expect(first).toContain('what was put before stays')
  const second = pageOf({ leadInSeconds: 0.2 })
  expect(second).toContain('led in by 0.2 s flat out')
  expect(second).toContain('what was put before stays')
  expect(second).toContain('Rates count behind a second of the same')
  const third = pageOf({
    leadInSeconds: 0.2,
    latencyRounds: 3,
    roundsMin: 4,
    backlogWarmSeconds: 6,
  })
  expect(third).toContain('5 rounds (4 of the cells that no bar is about) of 1 s a rate and 3 of')
  expect(third).toContain('led in by 0.2 s of the same load')
  expect(third).toContain('Rates count behind 6 s of the same.')
  expect(third).toContain('what is left of those before is taken out of whoever gives it back')
})

test('a contender that was left out is named with its reason, and has no row', () => {
  const page = renewedPage(undefined, FILE, without('lmdb', 'nats-jetstream'))
  expect(page).toContain('* `lmdb` was left out: it is not here.')
  expect(page).toContain('* `nats-jetstream` was left out: it is not here.')
  expect(page).not.toMatch(/^\| `lmdb`/m)
  expect(page).toMatch(/`qlog-log` to `lmdb` \| >= 2 x \| {2}\| not measured \|/)
  expect(page).toContain('the run was stopped before its end')
})

test('below the loads that are a share stands the worst of ours and the best beside it', () => {
  const page = renewedPage(undefined, FILE, artificial())
  expect(page).toMatch(
    /^The worst of qlog at a share is at 50 % of its maximum, \*(put|through)\*: `qlog-\w+` a p99 of [\d.]+ ms with [\d,]+ a second offered; the best of those that promise the same or more has there: `[\w-]+` a p99 of/m,
  )
})

test('batches of which four are under way have a column of their own', () => {
  const page = renewedPage(undefined, FILE, artificial())
  expect(page).toMatch(/\| 1,000 at a time \| 1,000 at a time, 4 under way \| 10,000 at a time \|/)
  expect(page).toMatch(/\| batch, 100 B \| 4 x 1,000 \|/)
})

test('a rate of less than half of its time says how long it was', () => {
  const rowOf = (...seconds: number[]) => {
    const lines = LINES.map((line) => (line.kind === 'rate' ? { ...line, seconds } : line))
    const page = renewedPage(undefined, FILE, artificial(lines))
    return rowsBelow(page, 'Putting').find((row) => row.startsWith('| `lmdb`'))
  }
  expect(rowOf(0.5, 0.6, 0.1)).not.toMatch(/ s \|/)
  expect(rowOf(0.4, 0.6, 0.1)).toContain('), 0.4 s |')
})

test('every row of figures says what an answer is worth', () => {
  const page = renewedPage(undefined, FILE, artificial())
  for (const heading of [
    'Putting',
    'Taking and acknowledging',
    'Latency',
    'With a backlog',
    'Opening after a kill',
    'What is left of the disk',
  ]) {
    const rows = rowsBelow(page, heading).filter((row) => row.includes('`'))
    expect(rows.length, heading).toBeGreaterThan(5)
    for (const row of rows)
      expect(row).toMatch(
        /^\| (\*\*)?`[\w-]+`(\*\*)? \| (flushed|flushed later|kernel|memory)(; of a take memory)? \|/,
      )
  }
})

test('what an answered take is worth stands beside every figure of takes', () => {
  const page = renewedPage(undefined, FILE, artificial())
  const rowsOf = (heading: string) =>
    rowsBelow(page, heading).filter((row) => row.includes('`rabbitmq-classic`'))
  for (const row of rowsOf('Putting')) expect(row).toContain('| flushed |')
  for (const row of rowsOf('Taking and acknowledging')) expect(row).toContain('| memory |')
  for (const row of rowsOf('Latency').filter((row) => !row.includes('% of'))) {
    expect(row).toContain(row.includes('through') ? '| memory |' : '| flushed |')
  }
  for (const row of rowsOf('With a backlog')) expect(row).toContain('| flushed; of a take memory |')
  expect(rowsOf('With a backlog').length).toBeGreaterThan(0)
  expect(page).toContain('*Memory*:')
})

test('words of contenders cannot break a table', () => {
  const odd: ContenderFacts[] = HEADER.contenders.map((facts) => ({
    ...facts,
    settings: 'a | b <script>\n| c',
  }))
  const page = renewedPage(undefined, FILE, artificial(LINES, { ...HEADER, contenders: odd }))
  expect(page).toContain('| a \\| b &lt;script&gt; \\| c |')
  expect(page).not.toContain('<script>')
})

test('the page shows or links every picture, with words for those who do not see it', () => {
  const page = renewedPage(undefined, FILE, artificial())
  const linked = [...page.matchAll(/\[[^\]]{10,}\]\(images\/benchmarks\/([^)]+)\)/g)].map(
    (match) => match[1],
  )
  const files = allPicturesOf(artificial()).map(({ file }) => file)
  expect(files.length).toBeGreaterThan(10)
  expect(linked.sort()).toEqual(files.sort())
})

test('a published figure that is far from reached here is pointed out', () => {
  const publishedAt = (rate: number) => {
    const published = { what: 'made up', rate, source: 'nowhere' }
    const contenders = HEADER.contenders.map((facts) =>
      facts.id === 'lmdb' ? { ...facts, published } : facts,
    )
    return renewedPage(undefined, FILE, artificial(LINES, { ...HEADER, contenders }))
  }
  expect(publishedAt(1e9)).toMatch(/\* `lmdb`, published: made up, .* times slower\*\*\.$/m)
  expect(publishedAt(1e6)).toMatch(
    /\* `lmdb`, published: made up, .*; the cell here .*: [\d,]+\/s\.$/m,
  )
})

test('a run of nothing but its header still gives a page', () => {
  const page = renewedPage(undefined, FILE, artificial([]))
  expect(page).toContain('None in this run.')
  expect(page).not.toContain('images/benchmarks')
})

/** As long as nothing real was measured there is no page, and nothing to hold it against. */
test.skipIf(!existsSync(PAGE))(
  'the page and its pictures are what the run that it names gives, and people wrote about every loss',
  () => {
    const page = readFileSync(PAGE, 'utf8')
    const file = /This page is of `(\S+)`/.exec(page)?.[1]
    if (file === undefined) throw new Error(`${PAGE} names no run`)
    const results = resultsOf(readFileSync(file, 'utf8'))
    expect(renewedPage(page, file, results)).toBe(page)
    for (const picture of allPicturesOf(results)) {
      expect(readFileSync(`${PICTURES_FOLDER}/${picture.file}`, 'utf8')).toBe(picture.svg)
    }
    const losses = lossesOf(results)
    expect([...unexplainedOf(losses, LOSS_ENTRIES).keys()]).toEqual([])
    expect(staleOf(losses, LOSS_ENTRIES)).toEqual([])
  },
)
