/** `qlog segments`: the files of a log as a table. Changes nothing. */
import type { Command } from 'commander'
import type { SegmentInfo } from '../inspect/index.ts'
import { segments } from '../inspect/index.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { JSON_VERSION } from './inspect-words.ts'
import { oneLine } from './output.ts'
import { formatBytes, formatCount } from './text.ts'

export function registerSegments(program: Command, context: CommandContext): void {
  program
    .command('segments')
    .summary('the files of a log')
    .description(
      'Lists the segments: what each is to the log, how full it is, which ids it holds. Looks at headers and the newest segment only; `qlog verify` reads everything. Needs no lock.',
    )
    .argument('<DIR>', 'directory of the log')
    .option('--json', 'one JSON line a segment')
    .addHelpText(
      'before',
      examples(
        ['qlog segments ./log', 'a table'],
        ['qlog segments ./log --json | jq .usedBytes', 'one figure a segment for a script'],
      ),
    )
    .action(
      action(context, (directory: string, options: { readonly json?: true }) =>
        runSegments(context, directory, options.json === true),
      ),
    )
}

async function runSegments(
  context: CommandContext,
  directory: string,
  json: boolean,
): Promise<ExitCode> {
  const { output } = context
  const infos = await segments(directory, { signal: context.interruption() })
  if (json) {
    for (const info of infos) output.json({ v: JSON_VERSION, kind: 'segment', ...info })
  } else output.data(tableOf([HEAD, ...infos.map(cellsOf)]))
  const damaged = infos.filter((info) => info.damaged)
  if (damaged.length === 0) return EXIT.fine
  output.words('Damage was found: run `qlog verify` for the exact ids and bytes.')
  return EXIT.rot
}

const HEAD = ['file', 'state', 'size', 'used', 'cut', 'ids', 'epoch', 'made'] as const
/** Columns whose cells stand flush right. */
const FIGURES: ReadonlySet<string> = new Set(['size', 'used', 'cut', 'epoch'])

function cellsOf(info: SegmentInfo): readonly string[] {
  const { file, state, bytes, usedBytes, cut, firstId = 0, endId = 0, epoch, createdMs } = info
  return [
    oneLine(file),
    info.knownDamaged || (info.damaged && state === 'current') ? `${state}, damaged` : state,
    formatBytes(bytes),
    usedBytes === undefined ? '-' : formatBytes(usedBytes),
    cut === undefined ? '-' : formatCount(cut),
    endId > firstId ? `${firstId} to ${endId - 1}` : '-',
    epoch === undefined ? '-' : String(epoch),
    createdMs === undefined ? '-' : timeOf(createdMs),
  ]
}

/** A header may name a time that no calendar has. */
function timeOf(timeMs: number): string {
  const date = new Date(timeMs)
  return Number.isNaN(date.getTime()) ? String(timeMs) : date.toISOString()
}

function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) => {
      const cells = row.map((cell, column) => {
        const width = widths[column] ?? 0
        return FIGURES.has(HEAD[column] ?? '') ? cell.padStart(width) : cell.padEnd(width)
      })
      return `${cells.join('  ').trimEnd()}\n`
    })
    .join('')
}
