/** `qlog move`: messages of a group go to another queue. */
import type { Command } from 'commander'
import { Option } from 'commander'
import { wholeNumber } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { oneLine } from './output.ts'
import { DIR_WORDS, withStore } from './store-words.ts'
import { plural } from './text.ts'

interface MoveCommandOptions {
  readonly group?: string
  readonly state: 'ready' | 'delayed' | 'buried'
  readonly count?: number
}

export function registerMove(program: Command, context: CommandContext): void {
  program
    .command('move')
    .summary('put messages into another queue')
    .description(
      'Puts messages of a group into another queue, which begins with them where it is not there, and finishes them here for that group. Each has a new id there; body, headers, priority, due time and time to live stay, key and attempts do not. Cut off in the middle, every message is in one of the two.',
    )
    .argument('<DIR>', DIR_WORDS)
    .argument('<QUEUE>', 'name of the queue')
    .argument('<TARGET>', 'name of the queue that they go to')
    .option('--group <GROUP>', 'of this group; "default" unless told')
    .addOption(
      new Option('--state <STATE>', 'those in this state')
        .choices(['ready', 'delayed', 'buried'])
        .default('ready'),
    )
    .option(
      '--count <N>',
      'at most N messages, by offset; all unless told',
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .addHelpText(
      'before',
      examples(
        ['qlog move ./data orders broken --state buried', 'what failed goes out of the way'],
        ['qlog move ./data broken orders --count 10', 'ten of them once more'],
      ),
    )
    .action(
      action(
        context,
        (directory: string, queue: string, target: string, options: MoveCommandOptions) =>
          runMove(context, directory, queue, target, options),
      ),
    )
}

function runMove(
  context: CommandContext,
  directory: string,
  queue: string,
  target: string,
  { group, state, count }: MoveCommandOptions,
): Promise<ExitCode> {
  const place = { queue, ...(group !== undefined && { group }) }
  const args = { ...place, target, state, ...(count !== undefined && { count }) }
  return withStore(context, directory, {}, async (store, signal) => {
    const { moved, isNew } = await store.call('move', args, { signal })
    const where = `${oneLine(target)}${isNew ? ', which is new' : ''}`
    const words =
      moved === 0
        ? `There is no ${state} message to move: \`qlog list DIR QUEUE\` shows what there is.`
        : `${plural(moved, `${state} message`)} of ${oneLine(queue)} moved to ${where}`
    context.output.words(words)
    return EXIT.fine
  })
}
