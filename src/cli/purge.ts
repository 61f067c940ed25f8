/** `qlog purge`: empties a queue for every group, once its name was given twice. */
import type { Command } from 'commander'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { oneLine } from './output.ts'
import { DIR_WORDS, withStore } from './store-words.ts'
import { plural } from './text.ts'
import { UsageError } from './usage-error.ts'

export function registerPurge(program: Command, context: CommandContext): void {
  program
    .command('purge')
    .summary('empty a queue')
    .description(
      'Takes every message out of a queue for every group, whatever state it is in, leased ones too. They do not come back; `qlog export DIR QUEUE` keeps them first. Groups, settings and keys stay.',
    )
    .argument('<DIR>', DIR_WORDS)
    .argument('<QUEUE>', 'name of the queue')
    .option('--confirm <QUEUE>', 'the name once more; nothing is done without it')
    .addHelpText(
      'before',
      examples(['qlog purge ./data orders --confirm orders', 'everything in it is gone']),
    )
    .action(
      action(context, (directory: string, queue: string, options: { readonly confirm?: string }) =>
        runPurge(context, directory, queue, options.confirm),
      ),
    )
}

async function runPurge(
  context: CommandContext,
  directory: string,
  queue: string,
  confirm: string | undefined,
): Promise<ExitCode> {
  if (confirm !== queue) {
    const name = oneLine(queue)
    const given = confirm === undefined ? '' : `, and --confirm says ${oneLine(confirm)}`
    throw new UsageError(
      `purge takes every message out of ${name}, for every group${given}; nothing was done`,
      `If that is what you want, give its exact name once more: --confirm ${name}`,
    )
  }
  return withStore(context, directory, {}, async (store) => {
    const { purged } = await store.call('purge', { queue })
    context.output.words(`${plural(purged, 'message')} of ${oneLine(queue)} purged`)
    return EXIT.fine
  })
}
