/** `qlog list`: what stands in a queue, by offset, without the bodies. */
import type { Command } from 'commander'
import { Option } from 'commander'
import type { MessageInfo, MessageState } from '../index.ts'
import { wholeNumber } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { JSON_VERSION } from './inspect-words.ts'
import { oneLine } from './output.ts'
import { DIR_WORDS, formatSpan, withStore } from './store-words.ts'
import { formatTime } from './text.ts'

interface ListCommandOptions {
  readonly group?: string
  readonly state?: MessageState
  readonly from?: number
  readonly limit: number
  readonly json?: true
}

export function registerList(program: Command, context: CommandContext): void {
  program
    .command('list')
    .summary('the messages of a queue, without bodies')
    .description(
      'Lists messages by offset, with state, priority and attempts as a group sees them; all that it has not finished unless a state is named.',
    )
    .argument('<DIR>', DIR_WORDS)
    .argument('<QUEUE>', 'name of the queue')
    .option('--group <GROUP>', 'as this group sees them; "default" unless told')
    .addOption(
      new Option('--state <STATE>', 'only those in this state').choices([
        'ready',
        'delayed',
        'leased',
        'buried',
        'finished',
      ]),
    )
    .option('--from <OFFSET>', 'first offset', wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option('--limit <N>', 'at most N messages', wholeNumber(1, Number.MAX_SAFE_INTEGER), 100)
    .option('--json', 'one JSON line a message, with everything that is known of it')
    .addHelpText(
      'before',
      examples(
        ['qlog list ./data orders', 'the first hundred'],
        ['qlog list ./data orders --state buried', 'what failed, and why'],
        ['qlog list ./data orders --json | jq -c "[.id, .headers.tenant]"', 'for a script'],
      ),
    )
    .action(
      action(context, (directory: string, queue: string, options: ListCommandOptions) =>
        runList(context, directory, queue, options),
      ),
    )
}

function runList(
  context: CommandContext,
  directory: string,
  queue: string,
  { group, state, from, limit, json }: ListCommandOptions,
): Promise<ExitCode> {
  return withStore(context, directory, {}, async (store, signal) => {
    const { output } = context
    let count = 0
    const args = {
      queue,
      limit,
      ...(group !== undefined && { group }),
      ...(state !== undefined && { state }),
      ...(from !== undefined && { from }),
    }
    const onItem = (info: MessageInfo): Promise<void> | undefined => {
      if (count === 0 && !json) output.data(lineOf(HEAD, ''))
      count += 1
      const isFull = json
        ? output.json({ v: JSON_VERSION, ...info })
        : output.data(lineOf(cellsOf(info), wordsOf(info)))
      return isFull ? output.flush() : undefined
    }
    await store.call('list', args, { onItem, signal })
    if (count === 0) output.words(nothingWords(queue, { state, from }))
    else if (count === limit) {
      output.words(`These are ${limit}; there may be more: see --from and --limit.`)
    }
    return EXIT.fine
  })
}

function nothingWords(
  queue: string,
  { state, from }: { state: MessageState | undefined; from: number | undefined },
): string {
  const where = from === undefined ? '' : ` from offset ${from} on`
  const what = state === undefined ? 'message that is not finished' : `${state} message`
  return `${oneLine(queue)} has no ${what}${where}.`
}

/** Rows are printed as they come, so that their number does not matter: the columns have fixed widths. */
const WIDTHS = [9, 9, -8, 8, 8, 9]
const HEAD = ['id', 'offset', 'state', 'priority', 'attempts', 'bytes', 'put']

function cellsOf(info: MessageInfo): readonly string[] {
  const { id, offset, state, priority, attempts, bodyBytes, putMs } = info
  return [id, offset, state, priority, attempts, bodyBytes, formatTime(putMs)].map(String)
}

function lineOf(cells: readonly string[], words: string): string {
  const padded = cells.map((cell, column) => {
    const width = WIDTHS[column] ?? 0
    return width < 0 ? cell.padEnd(-width) : cell.padStart(width)
  })
  return `${[...padded, words].join('  ').trimEnd()}\n`
}

function wordsOf(info: MessageInfo): string {
  const { dueInMs, leaseLeftMs, reason, error, key } = info
  const words: string[] = []
  if (dueInMs > 0) words.push(`due in ${formatSpan(dueInMs)}`)
  if (leaseLeftMs > 0) words.push(`lease ends in ${formatSpan(leaseLeftMs)}`)
  if (reason) words.push(`reason: ${oneLine(reason)}`)
  if (error) words.push(`error: ${oneLine(error)}`)
  if (key != null) words.push(`key ${oneLine(key)}`)
  return words.join(', ')
}
