/**
 * `npm run bench -- peers-page FILE`: docs/benchmarks.md and its pictures, made from what `bench -- peers --json`
 * printed. What stands between the marks is never written by hand: the same file gives the same page.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { betweenMarks } from '../readme-tables.ts'
import { type BarState, barsOf } from './bars.ts'
import { LOSS_ENTRIES, type LossEntry, type LossKey } from './losses.ts'
import { entryOf, type Loss, lossesOf } from './lost-cells.ts'
import type { Picture } from './pictures/picture.ts'
import { allPicturesOf, PICTURES_FOLDER, picturesOf } from './pictures.ts'
import { type ContenderFacts, type PeersResults, ranOf, resultsOf } from './result.ts'
import {
  backlogTable,
  cellText,
  efficiencyTable,
  latencyTable,
  rateTables,
  reopenTable,
  table,
} from './tables.ts'
import { countText, figureText } from './words.ts'

export const PEERS_PAGE_USAGE = 'peers-page FILE'
export const PAGE = 'docs/benchmarks.md'
const NAME = 'peers'
/** Pictures of throughput in the page itself: those of the smallest messages. */
const THROUGHPUT_SHOWN = 2
/** A contender this many times slower than its published figure is looked into: perhaps it is used badly. */
const LOOKED_INTO = 3
const COMMAND = 'npm run bench -- peers-page FILE'

/** What the page is before anything was measured; what people write around the marks stays. */
const EMPTY_PAGE = `# Benchmarks

qlog beside what you would pick instead, each by the same stated durability, in one run on one machine.

<!-- ${NAME}: begin, made by \`${COMMAND}\` -->
<!-- ${NAME}: end -->
`

/** Renews the page and its pictures; pictures of what this run did not measure go. */
export function writePeersPage(file: string): void {
  const results = resultsOf(readFileSync(file, 'utf8'))
  const before = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : undefined
  writeFileSync(PAGE, renewedPage(before, relative('.', file), results))
  mkdirSync(PICTURES_FOLDER, { recursive: true })
  for (const old of readdirSync(PICTURES_FOLDER)) {
    if (old.endsWith('.svg')) rmSync(join(PICTURES_FOLDER, old))
  }
  for (const picture of allPicturesOf(results)) {
    writeFileSync(join(PICTURES_FOLDER, picture.file), picture.svg)
  }
}

/** The page with what this run gives between its marks; `file` is where its lines stand. */
export function renewedPage(
  before: string | undefined,
  file: string,
  results: PeersResults,
  entries: Readonly<Partial<Record<LossKey, LossEntry>>> = LOSS_ENTRIES,
): string {
  const pictures = picturesOf(results)
  const lines = [
    ...repeating(file),
    ...circumstances(results),
    ...theRule(),
    ...theBars(barsOf(results)),
    ...theLosses(lossesOf(results), entries),
    '## Putting',
    '',
    'Each message with a promise of its own, so many of them under way at once. Medians of the rounds, in brackets the quartiles.',
    '',
    ...rateTables(results, 'put'),
    'So many messages with one promise, in the way that each contender recommends for many:',
    '',
    ...rateTables(results, 'batch'),
    ...shown(pictures.throughput, THROUGHPUT_SHOWN),
    '## Taking and acknowledging',
    '',
    'What waits is taken and finished for good, each answer as durable as stated.',
    '',
    ...rateTables(results, 'drain'),
    'Producing and consuming at once, messages that went all the way:',
    '',
    ...rateTables(results, 'steady'),
    ...theLatencies(results, pictures.latency),
    ...theBacklogs(results, pictures.backlog),
    '## What is left of the disk',
    '',
    'The raw loop, in C, writes and flushes groups of the same bytes into a prepared file, in the same run. Processors: how much of one the client and its server took together. A contender that does not wait for the disk can be faster than a loop that does.',
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
    `npm run bench -- peers --json > ${basename(file)}`,
    '```',
    '',
    `measures on your machine; \`npm run bench -- ${PEERS_PAGE_USAGE}\` makes this page and its pictures of what it printed, and \`npm run bench -- peers-compare A B\` compares two runs by ratios. This page is of \`${file}\`.`,
    '',
  ]
}

function circumstances(results: PeersResults): string[] {
  const { header } = results
  const { machine, kernel, fileSystem, node, load, rounds, date } = header
  const missing = header.contenders.filter((facts) => facts.missing !== undefined)
  const notes = [
    ...missing.map(({ id, missing: why }) => `* \`${id}\` was left out: ${cellText(why ?? '')}.`),
    ...results.failures.map(
      ({ contender, what, reason }) =>
        `* \`${contender}\` FAILED and has no figure there: ${cellText(what)}: ${cellText(reason)}.`,
    ),
    ...header.contenders.flatMap((facts) => publishedNote(results, facts)),
  ]
  return [
    '## On what',
    '',
    `${machine}, ${kernel}, ${fileSystem}, Node ${node}; ${countText(rounds)} rounds in which the contenders took turns; load of the machine before: ${load.join(', ')}; ${date.slice(0, 10)}.`,
    '',
    ...table(
      ['contender', 'an answer is', 'what', 'version', 'settings', 'as explained in'],
      6,
      ranOf(results).map(({ id, durability, name, kind, version, settings, source }) => [
        `\`${id}\``,
        durability,
        ...[`${name}, ${kind}`, version, settings, source].map(cellText),
      ]),
    ),
    '',
    ...notes,
    ...(notes.length > 0 ? [''] : []),
  ]
}

/** What its own people say of it, beside the best that it reached here. */
function publishedNote({ rates }: PeersResults, { id, published }: ContenderFacts): string[] {
  if (published === undefined) return []
  const own = rates.filter(({ contender }) => contender === id).map(({ rate }) => rate)
  if (own.length === 0) return []
  const best = Math.max(...own)
  const slower = published.rate / best
  const far = slower > LOOKED_INTO ? `, **${figureText(slower)} times slower**` : ''
  return [
    `* \`${id}\`, published: ${cellText(published.what)}, ${figureText(published.rate)}/s (${cellText(published.source)}); its best here: ${figureText(best)}/s${far}.`,
  ]
}

function theRule(): string[] {
  return [
    '## The rule',
    '',
    'Compare only what promises the same. *Flushed*: on the disk before the answer, so that it survives a power cut. *Flushed later*: a power cut loses what came since the last tick of a clock. *Kernel*: left to the operating system, a power cut loses the last seconds. Whoever promises less may well be faster; that is what it is for, and no victory over those that promise more.',
    '',
  ]
}

function theBars(bars: readonly BarState[]): string[] {
  const rows = bars.map(({ title, atLeast, ratio, range, outcome }) => {
    const spread = range === undefined ? '' : ` (${range.map(figureText).join('-')})`
    const reached = ratio === undefined ? '' : `${figureText(ratio)} x${spread}`
    return [title, `>= ${atLeast} x`, reached, outcome === 'missed' ? '**missed**' : outcome]
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

function theLosses(
  losses: readonly Loss[],
  entries: Readonly<Partial<Record<LossKey, LossEntry>>>,
): string[] {
  const rows = losses.map((loss) => {
    const { cell, ours, peer, factor, oursText, peerText, isWithinSpread } = loss
    const entry = entryOf(loss, entries)
    return [
      cell,
      `\`${peer}\` ${peerText}`,
      `\`${ours}\` ${oursText}`,
      `${figureText(factor)} x${isWithinSpread ? ', within the spread' : ''}`,
      cellText(entry?.why ?? 'not known yet'),
      cellText(entry?.instead ?? 'not decided yet'),
    ]
  })
  return [
    '## Every cell we lose',
    '',
    'Every cell of this run in which a contender that promises the same or more was better than one of qlog, however little. `qlog-serve` stands beside servers only, everything else of qlog beside all.',
    '',
    ...(rows.length === 0
      ? ['None in this run.']
      : table(['cell', 'better', 'than', 'by', 'why', 'what to pick instead'], 6, rows)),
    '',
  ]
}

function theLatencies(results: PeersResults, pictures: readonly Picture[]): string[] {
  return [
    '## Latency',
    '',
    'Messages come by the clock, at a share of the rate that the contender reached itself, whether it has answered or not; each is counted from when it was due. *put*: until the answer. *through*: until it is taken.',
    '',
    ...latencyTable(results),
    '',
    ...shown(pictures),
  ]
}

function theBacklogs(results: PeersResults, pictures: readonly Picture[]): string[] {
  return [
    '## With a backlog',
    '',
    'Rates with so many messages waiting; memory of the process that keeps them, its server with it; disk of its directory.',
    '',
    ...backlogTable(results),
    '',
    ...shown(pictures),
    '## Opening after a kill',
    '',
    'The process, and the server if there is one, ended by SIGKILL with that many waiting.',
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
