/** `qlog queues`: the queues of a store as a table, and the removal of one of them. */

import type { Command } from 'commander'
import type { QueueStats } from '../index.ts'
import { addRow } from '../server/index.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { JSON_VERSION } from './inspect-words.ts'
import { oneLine } from './output.ts'
import { queueSettingRows, setWords } from './setting-words.ts'
import { DIR_WORDS, formatSpan, SECONDS_MAX, withStore } from './store-words.ts'
import { formatCount, formatTable, wrapWords } from './text.ts'
import { UsageError } from './usage-error.ts'

interface QueuesCommandOptions {
  readonly remove?: string
  readonly confirm?: string
  readonly forgetKeys?: true
  readonly json?: true
}

export function registerQueues(program: Command, context: CommandContext): void {
  program
    .command('queues')
    .summary('the queues of a store')
    .description(
      'Lists the queues: messages that are not finished, those put so far, how many are ready, delayed, leased and buried, summed over the groups: a message counts once in each, so that these may exceed the messages, and `qlog groups` has them apart; before the first group there is none to count for (-). And how many finished ones are retained, where any are. With --remove it takes a queue away that nobody may miss.',
    )
    .argument('<DIR>', DIR_WORDS)
    .option(
      '--remove <QUEUE>',
      'take it away with its groups and settings, where nothing undone is in it and nobody reads it',
    )
    .option('--confirm <QUEUE>', 'the name once more; nothing is removed without it')
    .option('--forget-keys', 'remove it though keys of its messages are taken')
    .option('--json', 'one JSON line a queue, its groups included')
    .addHelpText(
      'before',
      examples(
        ['qlog queues ./data', 'a table'],
        ['qlog queues ./data --json | jq -c "select(.messages > 1000)"', 'for a script'],
        ['qlog queues ./data --remove typo --confirm typo', 'it was never meant to be'],
      ),
    )
    .action(
      action(context, async (directory: string, options: QueuesCommandOptions) =>
        isRemoval(options)
          ? removeQueue(context, directory, options)
          : listQueues(context, directory, options.json),
      ),
    )
}

function listQueues(
  context: CommandContext,
  directory: string,
  isJson: true | undefined,
): Promise<ExitCode> {
  return withStore(context, directory, {}, async (store) => {
    const { output } = context
    const queues: QueueStats[] = []
    await store.call('queues', {}, { onItem: (row) => addRow(queues, row) })
    if (isJson) for (const queue of queues) output.json({ v: JSON_VERSION, ...queue })
    else if (queues.length > 0)
      output.data(queueTable(queues) + settingLines(queues, output.columns))
    else output.words('There is no queue yet.')
    return EXIT.fine
  })
}

function isRemoval({ remove, confirm, forgetKeys }: QueuesCommandOptions): boolean {
  if (remove !== undefined) return true
  if (confirm === undefined && forgetKeys === undefined) return false
  throw new UsageError(
    '--confirm and --forget-keys belong to --remove',
    'Leave them out, or add --remove QUEUE.',
  )
}

async function removeQueue(
  context: CommandContext,
  directory: string,
  { remove: queue = '', confirm, forgetKeys, json }: QueuesCommandOptions,
): Promise<ExitCode> {
  const name = oneLine(queue)
  if (confirm !== queue) {
    const given = confirm === undefined ? '' : `, and --confirm says ${oneLine(confirm)}`
    throw new UsageError(
      `--remove takes queue ${name} away, with its groups and settings${given}; nothing was done`,
      `If that is what you want, give its exact name once more: --confirm ${name}`,
    )
  }
  const args = { queue, ...(forgetKeys && { forgetKeys }) }
  return withStore(context, directory, {}, async (store) => {
    const { removed } = await store.call('removeQueue', args)
    if (json) context.output.json({ v: JSON_VERSION, queue, removed })
    else context.output.words(`queue ${name} is removed`)
    return EXIT.fine
  })
}

/** What the queues keep to, where any of them keeps to something. */
export function settingLines(queues: readonly QueueStats[], columns: number): string {
  const lines = queues.flatMap(({ queue, settings }) => {
    const words = setWords(queueSettingRows(settings))
    return words === '' ? [] : wrapWords(`${oneLine(queue)}: ${words}`, columns, INDENT)
  })
  return lines.length === 0 ? '' : `\n${lines.join('\n')}\n`
}

const INDENT = 4
const HEAD = ['queue', 'messages', 'put', 'groups', 'ready', 'delayed', 'leased', 'buried']
const FIGURES = new Set([...HEAD.slice(1), 'retained'])

export function queueTable(queues: readonly QueueStats[]): string {
  const isRetaining = queues.some(({ retained }) => retained > 0)
  const rows = queues.map(({ queue, messages, nextOffset, retained, pausedMs, groups }) => {
    const sum = (state: 'ready' | 'delayed' | 'leased' | 'buried'): string =>
      groups.length === 0 ? '-' : formatCount(groups.reduce((all, one) => all + one[state], 0))
    return [
      oneLine(queue),
      formatCount(messages),
      formatCount(nextOffset),
      formatCount(groups.length),
      sum('ready'),
      sum('delayed'),
      sum('leased'),
      sum('buried'),
      ...(isRetaining ? [formatCount(retained)] : []),
      pausedWords(pausedMs),
    ]
  })
  return formatTable([...HEAD, ...(isRetaining ? ['retained'] : []), ''], rows, FIGURES)
}

export function pausedWords(pausedMs: number): string {
  if (pausedMs === 0) return ''
  // What was paused without a time is paused for a hundred years.
  if (pausedMs > (SECONDS_MAX * 1000) / 2) return 'paused'
  return `paused, ${formatSpan(pausedMs)} left`
}
