/** `qlog stats`: what a log holds, in figures. Changes nothing. */
import type { Command } from 'commander'
import { FLUSH_BUCKETS_MS, type LogStats } from '../index.ts'
import { type QueueLook, queues } from '../inspect/index.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { oneLine } from './output.ts'
import type { FigureRow, FigureSection } from './text.ts'
import {
  formatBytes,
  formatCount,
  formatMs,
  formatSections,
  formatShare,
  formatTable,
  formatTime,
  plural,
} from './text.ts'

export function registerStats(program: Command, context: CommandContext): void {
  program
    .command('stats')
    .summary('what a log holds, in figures')
    .description(
      'Prints ids, sizes and damage found, and what the writer last said of itself: live and dead bytes, rates, flushes, reserve; of a store also its queues and groups. Opens the log read-only: needs no lock.',
    )
    .argument('<DIR>', 'directory of the log')
    .option('--json', 'one JSON line with everything, segments included')
    .addHelpText(
      'before',
      examples(
        ['qlog stats ./log', 'a table'],
        ['qlog stats ./log --json | jq .deadBytes', 'one figure for a script'],
      ),
    )
    .action(
      action(context, (directory: string, options: { readonly json?: true }) =>
        runStats(context, directory, options.json === true),
      ),
    )
}

const NO_REPORT = 'The writer has left no figures yet: it does so at close and every 64 MiB.'

async function runStats(
  context: CommandContext,
  directory: string,
  json: boolean,
): Promise<ExitCode> {
  const reader = await context.openReader(directory)
  let stats: LogStats
  try {
    stats = reader.stats()
  } finally {
    await reader.close()
  }
  const store = await queues(directory, { signal: context.interruption() })
  if (json) context.output.json(store === undefined ? stats : { ...stats, queues: store })
  else {
    context.output.data(formatSections(sectionsOf(stats)))
    if (store && store.length > 0) context.output.data(`\n${queueTable(store)}`)
  }
  if (!json && stats.reportedMs === undefined) context.output.words(NO_REPORT)
  if (stats.gaps.length === 0) return EXIT.fine
  context.output.words(
    `${plural(stats.gaps.length, 'damaged place')} in acknowledged data: run \`qlog verify\` for the exact ids`,
  )
  return EXIT.rot
}

const QUEUE_HEAD = ['queue', 'messages', 'put', 'group', 'unfinished', 'buried']
const QUEUE_FIGURES = new Set(['messages', 'retained', 'put', 'unfinished', 'buried'])

/** A row a group; what is leased and what is due, only an open store knows: see `qlog queues`. */
function queueTable(store: readonly QueueLook[]): string {
  const isRetaining = store.some(({ retained }) => retained > 0)
  const rows = store.flatMap(({ queue, messages, nextOffset, retained, groups }) => {
    const kept = isRetaining ? [formatCount(retained)] : []
    const of = [oneLine(queue), formatCount(messages), ...kept, formatCount(nextOffset)]
    if (groups.length === 0) return [[...of, '-', '-', '-']]
    return groups.map(({ group, unfinished, buried }, row) => [
      ...(row === 0 ? of : of.map(() => '')),
      oneLine(group),
      formatCount(unfinished),
      formatCount(buried),
    ])
  })
  const head = isRetaining ? QUEUE_HEAD.toSpliced(2, 0, 'retained') : QUEUE_HEAD
  return formatTable(head, rows, QUEUE_FIGURES)
}

/** Ids within merged segments that these do not hold. */
function leftOutBy({ segments }: LogStats): number {
  return segments.reduce((sum, { firstId, endId, messages }) => sum + endId - firstId - messages, 0)
}

/** What the files themselves say, and below it what only the writer can know. */
function sectionsOf(stats: LogStats): FigureSection[] {
  const files = { rows: rowsOfFiles(stats) }
  if (stats.reportedMs === undefined) return [files]
  const title = `As the writer left them at ${formatTime(stats.reportedMs)}:`
  const writer = { title, rows: rowsOfWriter(stats) }
  return stats.flushes === 0 ? [files, writer] : [files, writer, flushesOf(stats)]
}

function rowsOfFiles(stats: LogStats): FigureRow[] {
  const newest = stats.segments.at(-1)
  const rows: FigureRow[] = [
    ['messages', formatCount(stats.nextId - stats.firstId - leftOutBy(stats))],
    ['first id', formatCount(stats.firstId)],
    ['next id', formatCount(stats.nextId)],
    ['disk use', formatBytes(stats.diskBytes)],
    newest === undefined
      ? ['segments', '0']
      : ['segments', formatCount(stats.segments.length), `newest ${oneLine(newest.file)}`],
    ['mode', stats.sync, MODES[stats.sync]],
    ['epoch', formatCount(stats.epoch), 'grows with every opening that appends'],
    ['damaged places', formatCount(stats.gaps.length)],
  ]
  if (stats.durableEndId < stats.nextId) {
    rows.splice(3, 0, ['durable below id', formatCount(stats.durableEndId)])
  }
  return rows
}

function rowsOfWriter(stats: LogStats): FigureRow[] {
  const { liveBytes, deadBytes, flushes, reserve, spareBytes } = stats
  const usedBytes = Math.max(1, liveBytes + deadBytes)
  const rows: FigureRow[] = [
    ['live', formatBytes(liveBytes), `${formatShare(liveBytes / usedBytes)} of what is written`],
    ['dead', formatBytes(deadBytes), `${formatShare(deadBytes / usedBytes)}, discarded messages`],
    ['messages/s', formatCount(stats.messagesPerSecond), 'mean of the last ten whole seconds'],
    ['bytes/s', formatBytes(stats.bytesPerSecond)],
    ['appended', formatCount(stats.appendedMessages), appendedWords(stats)],
  ]
  if (stats.merging.merges > 0 || stats.merging.failure) rows.push(mergingRow(stats))
  if (flushes > 0) {
    rows.push(
      ['flush p50', formatMs(stats.flushP50Ms), 'of a write with its flush, last 1,024 groups'],
      ['flush p99', formatMs(stats.flushP99Ms)],
      ['flush mean', formatMs(stats.flushSumMs / flushes), 'since the log was opened'],
      ['flush max', formatMs(stats.flushMaxMs), 'since the log was opened'],
    )
  }
  rows.push(
    stats.codec === undefined
      ? ['compression', 'none']
      : ['compression', stats.compression, packedWords(stats, stats.codec)],
    ['space', stats.space, SPACES[stats.space]],
    ['reserve', formatBytes(reserve.bytes), RESERVES[reserve.state]],
    ['spare files', formatBytes(spareBytes), 'of retired segments, to be used again'],
  )
  return rows
}

/** Buckets between the first and the last that counted anything. */
function flushesOf({ flushes, flushCounts }: LogStats): FigureSection {
  const first = flushCounts.findIndex((count) => count > 0)
  const last = flushCounts.findLastIndex((count) => count > 0)
  const rows = flushCounts.map((count, row): FigureRow => {
    const endMs = FLUSH_BUCKETS_MS[row]
    const label = endMs === undefined ? 'longer' : `up to ${formatCount(endMs)} ms`
    return [label, formatCount(count), formatShare(count / Math.max(1, flushes))]
  })
  return { title: 'Flushes by the time they took:', rows: rows.slice(first, last + 1) }
}

function mergingRow({ merging }: LogStats): FigureRow {
  const { merges, rewrittenBytes, failure } = merging
  const words = failure === undefined ? 'in files that hold what was live of others' : failure
  return ['merged', formatBytes(rewrittenBytes), `${plural(merges, 'merge')}: ${oneLine(words)}`]
}

function appendedWords({ appendedBytes, flushes }: LogStats): string {
  return `${formatBytes(appendedBytes)} in ${plural(flushes, 'group')} since it was opened`
}

function packedWords({ rawBytes, storedBytes }: LogStats, codec: string): string {
  const by = `by ${codec === 'lz4' ? 'the package lz4' : 'native-free'}`
  if (rawBytes === 0) return by
  return `${by}, stored ${formatShare(storedBytes / rawBytes)} of ${formatBytes(rawBytes)}`
}

const MODES: Readonly<Record<LogStats['sync'], string>> = {
  always: 'an append resolves once it is on disk',
  interval: 'flushed within a time, not at once',
  never: 'the operating system flushes when it likes',
}

const SPACES: Readonly<Record<LogStats['space'], string>> = {
  ok: 'messages find room',
  full: 'messages are refused until there is room',
}

const RESERVES: Readonly<Record<LogStats['reserve']['state'], string>> = {
  whole: 'kept for the case of a full disk',
  none: 'not made yet',
  short: 'in use, or no room for it: messages wait',
  'best effort': 'kept; a full disk may still stop the log',
}
