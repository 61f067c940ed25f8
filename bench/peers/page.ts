/**
 * `npm run bench -- peers-page FILE`: docs/benchmarks.md and its pictures, made from what `bench -- peers`
 * printed. What stands between the marks is never written by hand: the same file gives the same page.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { readOptions, refuse } from '../command-line.ts'
import { betweenMarks } from '../readme-tables.ts'
import { type BarState, barsOf } from './bars.ts'
import { circumstances, leftOutNotes } from './circumstances.ts'
import { shortTable } from './in-short.ts'
import { LOSS_ENTRIES, type LossEntries, type LossEntry } from './losses.ts'
import {
  entryOf,
  failuresBeside,
  type Loss,
  lossesOf,
  staleOf,
  unexplainedOf,
  worstShareOf,
} from './lost-cells.ts'
import type { Picture } from './pictures/picture.ts'
import { allPicturesOf, PICTURES_FOLDER, picturesOf } from './pictures.ts'
import type { LatencyLine, PeersHeader, PeersResults } from './result.ts'
import { resultsOf } from './results-file.ts'
import { LATENCY_ROOM, STEADY_AHEAD, STEADY_TAKE, WARM_MESSAGES } from './scale.ts'
import {
  backlogTable,
  cellText,
  efficiencyTable,
  latencyTable,
  rateTables,
  reopenTable,
  table,
} from './tables.ts'
import { countText, figureText, millisecondsText } from './words.ts'

export const PEERS_PAGE_USAGE = 'peers-page FILE [--out DIRECTORY]'
export const PAGE = 'docs/benchmarks.md'
const NAME = 'peers'
/** Pictures of throughput in the page itself: those of the smallest messages. */
const THROUGHPUT_SHOWN = 2
/** Pictures of latency in the page itself: at one rate for all, of puts and of the whole way. */
const LATENCY_SHOWN = 2
const COMMAND = 'npm run bench -- peers-page FILE'

/** What the page is before anything was measured; what people write around the marks stays. */
const EMPTY_PAGE = `# Benchmarks

qlog beside what you would pick instead, each by the same stated durability, in one run on one machine.

<!-- ${NAME}: begin, made by \`${COMMAND}\` -->
<!-- ${NAME}: end -->
`

/**
 * Renews the page and its pictures; pictures of what this run did not measure go. `out`: another directory than
 * docs/, for a look. Says on stderr which losses nobody has explained yet.
 */
export function writePeersPage(file: string, out = dirname(PAGE)): void {
  const results = resultsOf(readFileSync(file, 'utf8'))
  const page = join(out, basename(PAGE))
  const folder = join(out, relative(dirname(PAGE), PICTURES_FOLDER))
  mkdirSync(folder, { recursive: true })
  const before = existsSync(page) ? readFileSync(page, 'utf8') : undefined
  writeFileSync(page, renewedPage(before, relative('.', file), results))
  for (const old of readdirSync(folder)) {
    if (old.endsWith('.svg')) rmSync(join(folder, old))
  }
  for (const picture of allPicturesOf(results)) {
    writeFileSync(join(folder, picture.file), picture.svg)
  }
  const all = lossesOf(results)
  for (const key of staleOf(all, LOSS_ENTRIES)) {
    process.stderr.write(`bench: '${key}' in bench/peers/losses.ts explains no loss of this run\n`)
  }
  for (const [key, losses] of unexplainedOf(all, LOSS_ENTRIES)) {
    const worst = losses.reduce((a, b) => ((b.factor ?? 0) > (a.factor ?? 0) ? b : a))
    const cells = [...new Set(losses.map(({ workload }) => workload))].join(', ')
    process.stderr.write(
      `bench: no reason in bench/peers/losses.ts for '${key}': ${losses.length} cells (${cells}), worst ${factorText(worst)}: ${worst.cell}, ${worst.ours} ${worst.oursText} to ${worst.peerText}\n`,
    )
  }
}

/** The exit code. */
export function runPeersPage(words: readonly string[]): number {
  const options = { out: { type: 'string', default: dirname(PAGE) } } as const
  const wanted = readOptions(words, options, ({ out }, [file = '']) => ({ file, out }), 1)
  if (typeof wanted === 'string') return refuse(wanted, PEERS_PAGE_USAGE)
  writePeersPage(wanted.file, wanted.out)
  return 0
}

/** The page with what this run gives between its marks; `file` is where its lines stand. */
export function renewedPage(
  before: string | undefined,
  file: string,
  results: PeersResults,
  entries: LossEntries = LOSS_ENTRIES,
): string {
  const pictures = picturesOf(results)
  const lines = [
    '## In short',
    '',
    'Rates with messages of 100 B, in times of the best of those that promise the same or more: below 1 somebody is faster. `qlog-log` is the log, from which nothing can be taken, `qlog-sync` its synchronous append, `qlog-store` the queue on it, `qlog-serve` the server, held against servers. *put* has a promise a message, *batch* one for many, *drain* takes and acknowledges what waits, *steady* puts and takes at once.',
    '',
    ...shortTable(results),
    '',
    ...repeating(file),
    ...circumstances(results),
    ...theRule(),
    ...theBars(barsOf(results)),
    ...theLosses(results, entries),
    '## Putting',
    '',
    'Each message with a promise of its own, so many of them under way at once. Medians of the rounds, in brackets the quartiles, which of three rounds are the slowest and the fastest. *The measuring itself* is a contender that keeps nothing and answers at once: what the loops around every contender cost. Where a run ended before half of its time, since what one run may put is bounded, its seconds stand behind the rate.',
    '',
    ...rateTables(results, 'put'),
    'So many messages with one promise, in the way that each contender recommends for many; the next batch is put once the one before is answered, unless several are said to be under way:',
    '',
    ...rateTables(results, 'batch'),
    ...shown(pictures.throughput, THROUGHPUT_SHOWN),
    '## Taking and acknowledging',
    '',
    'What waits is taken and finished for good, each answer as durable as stated here, which for some is less than for a put. One at a time is one taker; otherwise four side by side, for all alike: nobody looked for the number that suits each of them best. Of rows or keys this benchmark makes the queue.',
    '',
    ...rateTables(results, 'drain'),
    `Producing and consuming at once in one process, messages that went all the way. Each taker waits until ${STEADY_TAKE} are there and takes these; the producer waits while ${STEADY_AHEAD} times as many as it has under way are not taken:`,
    '',
    ...rateTables(results, 'steady'),
    ...theLatencies(results, pictures.latency),
    ...theBacklogs(results, pictures.backlog),
    '## What is left of the disk',
    '',
    `The raw loop, in ${results.header.rawBy === 'c' ? 'C' : 'Node'}, writes and flushes groups of as many bytes as were under way into a prepared file, in each of the same rounds: shares are of the loop of the same round. Processors: how much of one the client and its server took together. A contender that does not wait for the disk can be faster than a loop that does.`,
    '',
    ...efficiencyTable(results),
    '',
    ...shown(pictures.efficiency),
  ]
  return betweenMarks(before ?? EMPTY_PAGE, NAME, COMMAND, lines)
}

function repeating(file: string): string[] {
  return [
    '## Repeat it',
    '',
    '```sh',
    `npm run bench -- peers > ${basename(file)}`,
    '```',
    '',
    `measures on your machine; \`npm run bench -- ${PEERS_PAGE_USAGE}\` makes this page and its pictures of what it printed, and \`npm run bench -- peers-compare A B\` compares two runs by ratios. This page is of \`${file}\`.`,
    '',
  ]
}

function theRule(): string[] {
  return [
    '## The rule',
    '',
    'Compare only what promises the same. *Flushed*: on the disk before the answer, so that it survives a power cut. *Flushed later*: a power cut loses what came since the last tick of a clock. *Kernel*: left to the operating system, a power cut loses the last seconds. *Memory*: a crash of the process that keeps it loses it too; a take that is lost so is a message that comes again. Where a take is worth less than a put, figures of takes say what it is worth. Whoever promises less may well be faster; that is what it is for, and no victory over those that promise more.',
    '',
  ]
}

function theBars(bars: readonly BarState[]): string[] {
  const rows = bars.map(({ title, atLeast, ratio, peer, range, outcome, isByMedianOnly }) => {
    const spread = range === undefined ? '' : ` (${range.map(figureText).join('-')})`
    const against = peer === undefined ? '' : ` of \`${peer}\``
    const reached = ratio === undefined ? '' : `${figureText(ratio)} x${against}${spread}`
    return [title, `>= ${atLeast} x`, reached, stateText(outcome, isByMedianOnly)]
  })
  return [
    '## The bars',
    '',
    'What qlog is to reach, messages of 100 B. In brackets the ratios of the quartiles, farthest and nearest.',
    '',
    ...table(['what', 'asked', 'reached', ''], 1, rows),
    '',
  ]
}

function stateText(outcome: BarState['outcome'], isByMedianOnly = false): string {
  if (isByMedianOnly) return 'met by the median, not by every round'
  return outcome === 'missed' ? '**missed**' : outcome
}

/** What is lost for one reason stands together: a table of four columns is read on a phone, a dozen repetitions are not. */
function theLosses(results: PeersResults, entries: LossEntries): string[] {
  const losses = lossesOf(results)
  const groups = new Map<string, Loss[]>()
  for (const loss of losses) {
    const heading = reasonText(entryOf(loss, entries))
    groups.set(heading, [...(groups.get(heading) ?? []), loss])
  }
  const beside = failuresBeside(results, losses).map(
    ({ contender, what, reason }) =>
      `* \`${contender}\` failed where no other is held against it: ${cellText(what)}: ${cellText(reason)}.`,
  )
  return [
    '## Every cell we lose',
    '',
    'Every cell of this run in which a contender that promises the same or more was better than one of qlog, however little, and every cell in which such a contender has a figure and qlog failed or was left out; there the best of them stands. `qlog-serve` stands beside servers only, everything else of qlog beside all. What is lost for the same reason stands together, with what to pick instead.',
    '',
    ...(beside.length > 0 ? [...beside, ''] : []),
    ...(losses.length === 0 ? ['None in this run.', ''] : []),
    ...[...groups].flatMap(([heading, some]) => [
      heading,
      '',
      ...table(['cell', 'better', 'than', 'by'], 4, some.map(lossCells)),
      '',
    ]),
  ]
}

function reasonText(entry: LossEntry | undefined): string {
  if (entry === undefined)
    return '**Why is not known yet**, nor is it decided what to pick instead:'
  const { why = 'not known', instead } = entry
  return `**Why:** ${cellText(why)}. **Instead:** ${cellText(instead)}.`
}

function lossCells(loss: Loss): string[] {
  const { cell, ours, peer, oursText, peerText, isWithinSpread } = loss
  return [
    cell,
    `\`${peer}\` ${peerText}`,
    `\`${ours}\` ${cellText(oursText)}`,
    `${factorText(loss)}${isWithinSpread ? ', within the spread' : ''}`,
  ]
}

function factorText({ factor }: Loss): string {
  return factor === undefined ? '' : `${figureText(factor)} x`
}

function theLatencies(results: PeersResults, pictures: readonly Picture[]): string[] {
  const shares = latencyTable(results, 'share')
  return [
    '## Latency',
    '',
    'Messages come by the clock, whether those before are answered or not; each is counted from when it was due. *put*: until the answer. *through*: until the answer to its take, which is worth what is said beside it. Percentiles of all rounds together, in brackets p99 of the best and the worst round; p99.9 only of 5,000 messages or more. Between messages the process sleeps by a timer, and waits for the last 2 ms in turns of its event loop, which takes up one processor meanwhile: no tick of a timer is in these figures, and whatever wants that processor feels it.',
    '',
    `At the same rate for all: these can be compared. *The measuring itself* is a contender that keeps nothing and answers at once; a figure hardly above its own says little of a contender. A load is offered to those whose own maximum is at least ${LATENCY_ROOM} times as high; of the whole way that is the maximum with one taker, which is what the loads have.`,
    '',
    ...latencyTable(results, 'rate'),
    ...leftOutNotes(results, (what) => what.startsWith('latency')),
    ...shown(pictures, LATENCY_SHOWN),
    ...(shares.length === 0
      ? []
      : [
          'At a share of the rate that each one reached itself, of the whole way with one taker, which differs: how a contender does under load, and no comparison.',
          '',
          ...shares,
          ...worstShareText(results),
        ]),
  ]
}

/** No loss, since the loads differ, and nothing to be silent about. */
function worstShareText(results: PeersResults): string[] {
  const worst = worstShareOf(results)
  if (worst === undefined) return []
  const { ours, peer } = worst
  const text = ({ contender, rate, p99Ms }: LatencyLine) =>
    `\`${contender}\` a p99 of ${millisecondsText(p99Ms)} with ${figureText(rate)} a second offered`
  const load = `${figureText((ours.share ?? 0) * 100)} % of its maximum, *${ours.workload}*`
  const beside =
    peer === undefined
      ? 'nobody else that promises the same has a figure there'
      : `the best of those that promise the same or more has there: ${text(peer)}`
  return [`The worst of qlog at a share is at ${load}: ${text(ours)}; ${beside}.`, '']
}

function warmText({ backlogWarmSeconds }: PeersHeader): string {
  return backlogWarmSeconds === undefined
    ? 'Rates count behind a second of the same, in which code that starts cold gets to about half of its speed (docs/decisions/0015-the-comparison.md): smaller differences than that say nothing of the backlog.'
    : `Rates count behind ${backlogWarmSeconds} s of the same.`
}

function theBacklogs(results: PeersResults, pictures: readonly Picture[]): string[] {
  return [
    '## With a backlog',
    '',
    `Rates with so many messages of 100 B waiting; memory of the process that keeps them, its server with it, without the pages of files, beyond what it took when ${countText(WARM_MESSAGES)} had been put and taken; disk of its directory, before anything was taken. Each line is one sample of one directory, in which only these messages were ever put before memory and disk were looked at; the contenders took no turns. ${warmText(results.header)}`,
    '',
    ...backlogTable(results),
    '',
    ...leftOutNotes(results, (what) => what.startsWith('backlog')),
    ...shown(pictures),
    '## Opening after a kill',
    '',
    'The process, and the server if there is one, ended by SIGKILL with that many waiting; the start of a server is in it. One sample each.',
    '',
    ...reopenTable(results),
    '',
  ]
}

/** The page lies in docs/, and so the pictures are one folder nearer. Of more than `most` the rest is linked. */
function shown(pictures: readonly Picture[], most = pictures.length): string[] {
  const folder = PICTURES_FOLDER.replace('docs/', '')
  const links = pictures.slice(most).map(({ alt, file }) => `* [${alt}](${folder}/${file})`)
  return [
    ...pictures.slice(0, most).flatMap(({ alt, file }) => [`![${alt}](${folder}/${file})`, '']),
    ...(links.length > 0 ? ['As pictures too:', '', ...links, ''] : []),
  ]
}
