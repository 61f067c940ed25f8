/** `qlog redrive`: buried messages of a group come back. */
import type { Command } from 'commander'
import { wholeNumber } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { oneLine } from './output.ts'
import { DIR_WORDS, withStore } from './store-words.ts'
import { plural } from './text.ts'

interface RedriveCommandOptions {
  readonly group?: string
  readonly count?: number
  readonly reason?: string
}

export function registerRedrive(program: Command, context: CommandContext): void {
  program
    .command('redrive')
    .summary('bring buried messages back')
    .description(
      'Makes buried messages of a group ready again, each in its old place and with all its attempts: all of them unless told. `qlog list DIR QUEUE --state buried` shows them and their reasons.',
    )
    .argument('<DIR>', DIR_WORDS)
    .argument('<QUEUE>', 'name of the queue')
    .option('--group <GROUP>', 'of this group; "default" unless told')
    .option(
      '--count <N>',
      'at most N messages, the longest buried first',
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .option('--reason <TEXT>', 'only those buried with this very reason')
    .addHelpText(
      'before',
      examples(
        ['qlog redrive ./data orders', 'all that are buried'],
        ['qlog redrive ./data orders --reason attempts', 'those that used up their attempts'],
      ),
    )
    .action(
      action(context, (directory: string, queue: string, options: RedriveCommandOptions) =>
        runRedrive(context, directory, queue, options),
      ),
    )
}

function runRedrive(
  context: CommandContext,
  directory: string,
  queue: string,
  { group, count, reason }: RedriveCommandOptions,
): Promise<ExitCode> {
  const args = {
    queue,
    ...(group !== undefined && { group }),
    ...(count !== undefined && { count }),
    ...(reason !== undefined && { reason }),
  }
  return withStore(context, directory, {}, async (store) => {
    const { redriven } = await store.call('redrive', args)
    const words =
      redriven === 0
        ? 'There is no such buried message: `qlog list DIR QUEUE --state buried` shows them.'
        : `${plural(redriven, 'message')} of ${oneLine(queue)} made ready`
    context.output.words(words)
    return EXIT.fine
  })
}
