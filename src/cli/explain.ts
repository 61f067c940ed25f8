/** `qlog explain`: what stands at one byte of a file, in words. Changes nothing. */
import type { Command } from 'commander'
import { explain } from '../inspect/index.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { exitOf, JSON_VERSION } from './inspect-words.ts'
import { oneLine } from './output.ts'
import { wrapWords } from './text.ts'
import { UsageError } from './usage-error.ts'

/** Longer lines are hard to read, however wide the terminal is. */
const COLUMNS_MAX = 100
const LABEL_WIDTH = 9

export function registerExplain(program: Command, context: CommandContext): void {
  program
    .command('explain')
    .summary('what stands at one byte of a segment')
    .description(
      'Says what a byte of a segment is, why the block around it is valid or which condition fails, whether one flipped bit explains it, and what that means for messages. Changes nothing.',
    )
    .argument('<FILE:OFFSET>', 'a segment file and a byte in it, decimal or 0x...')
    .argument('[OFFSET]', 'the byte, where the file is named alone')
    .option('--json', 'one JSON line')
    .addHelpText(
      'before',
      examples(
        [
          'qlog explain ./log/00000000000000000007-00.qls:8344',
          'after `qlog verify` named that byte',
        ],
        ['qlog explain ./log/00000000000000000007-00.qls:0x34', 'offsets may be hexadecimal'],
      ),
    )
    .action(
      action(
        context,
        (file: string, offset: string | undefined, options: { readonly json?: true }) =>
          runExplain(context, offset === undefined ? file : `${file}:${offset}`, options.json),
      ),
    )
}

async function runExplain(
  context: CommandContext,
  place: string,
  json: true | undefined,
): Promise<ExitCode> {
  const { output } = context
  const { file, offset } = parsePlace(place)
  const told = await explain(file, offset, { signal: context.interruption() })
  if (json) output.json({ v: JSON_VERSION, ...told })
  else {
    const rows: [string, string][] = [
      ['what', told.what],
      ['why', told.why],
      ...(told.mending === undefined ? [] : [['mending', told.mending] as [string, string]]),
      ['means', told.means],
    ]
    const width = Math.min(output.columns, COLUMNS_MAX)
    for (const [label, words] of rows) {
      output.data(`${wrapWords(label.padEnd(LABEL_WIDTH) + oneLine(words), width, LABEL_WIDTH)}\n`)
    }
  }
  return exitOf(told.verdict)
}

function parsePlace(place: string): { readonly file: string; readonly offset: number } {
  const match = /^(.+):(\d{1,16}|0x[0-9a-f]{1,13})$/i.exec(place)
  const offset = Number(match?.[2])
  if (match?.[1] === undefined || !Number.isSafeInteger(offset)) {
    throw new UsageError(
      `${place} is not FILE:OFFSET`,
      'Name a segment file and a byte in it, for example ./log/00000000000000000007-00.qls:8344.',
    )
  }
  return { file: match[1], offset }
}
