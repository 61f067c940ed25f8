/** `qlog stats`: what a log holds, in figures. Changes nothing. */
import type { Command } from 'commander'
import type { LogStats } from '../index.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { oneLine } from './output.ts'
import type { FigureRow } from './text.ts'
import { formatBytes, formatCount, formatFigures, formatMs, plural } from './text.ts'

export function registerStats(program: Command, context: CommandContext): void {
  program
    .command('stats')
    .summary('what a log holds, in figures')
    .description('Prints ids, sizes and damage found. Opens the log read-only: needs no lock.')
    .argument('<DIR>', 'directory of the log')
    .option('--json', 'one JSON line with everything, segments included')
    .addHelpText(
      'before',
      examples(
        ['qlog stats ./log', 'a table'],
        ['qlog stats ./log --json | jq .diskBytes', 'one figure for a script'],
      ),
    )
    .action(
      action(context, (directory: string, options: { readonly json?: true }) =>
        runStats(context, directory, options.json === true),
      ),
    )
}

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
  if (json) context.output.json(stats)
  else context.output.data(formatFigures(rowsOf(stats)))
  if (stats.gaps.length === 0) return EXIT.fine
  context.output.words(
    `${plural(stats.gaps.length, 'damaged place')} in acknowledged data: run \`qlog verify\` for the exact ids`,
  )
  return EXIT.rot
}

function rowsOf(stats: LogStats): FigureRow[] {
  const newest = stats.segments.at(-1)
  const rows: FigureRow[] = [
    ['messages', formatCount(stats.nextId - stats.firstId)],
    ['first id', formatCount(stats.firstId)],
    ['next id', formatCount(stats.nextId)],
    ['disk use', formatBytes(stats.diskBytes)],
    newest === undefined
      ? ['segments', '0']
      : ['segments', formatCount(stats.segments.length), `newest ${oneLine(newest.file)}`],
    ['epoch', formatCount(stats.epoch), 'grows with every opening that appends'],
    ['damaged places', formatCount(stats.gaps.length)],
  ]
  if (stats.durableEndId < stats.nextId) {
    rows.splice(3, 0, ['durable below id', formatCount(stats.durableEndId)])
  }
  if (stats.flushes > 0) {
    rows.push(['flush p50', formatMs(stats.flushP50Ms)], ['flush p99', formatMs(stats.flushP99Ms)])
  }
  return rows
}
