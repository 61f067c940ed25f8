/** `qlog peek`: the next message of a queue, with its body, looked at and not taken. */
import type { Command } from 'commander'
import { Option } from 'commander'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { DIR_WORDS, messageJson, withStore } from './store-words.ts'

interface PeekCommandOptions {
  readonly group?: string
  readonly state: 'ready' | 'delayed' | 'buried'
  readonly json?: true
}

export function registerPeek(program: Command, context: CommandContext): void {
  program
    .command('peek')
    .summary('the next message of a queue, not taken')
    .description(
      'Prints the message that would be taken next, or the next delayed or buried one. In a queue that no group has read yet, the first by offset.',
    )
    .argument('<DIR>', DIR_WORDS)
    .argument('<QUEUE>', 'name of the queue')
    .option('--group <GROUP>', 'as this group sees it; "default" unless told')
    .addOption(
      new Option('--state <STATE>', 'which state')
        .choices(['ready', 'delayed', 'buried'])
        .default('ready'),
    )
    .option('--json', 'one JSON line with what is known of it')
    .addHelpText(
      'before',
      examples(
        ['qlog peek ./data orders', 'its body'],
        ['qlog peek ./data orders --state buried --json | jq .reason', 'why it was buried'],
      ),
    )
    .action(
      action(context, (directory: string, queue: string, options: PeekCommandOptions) =>
        runPeek(context, directory, queue, options),
      ),
    )
}

function runPeek(
  context: CommandContext,
  directory: string,
  queue: string,
  { group, state, json }: PeekCommandOptions,
): Promise<ExitCode> {
  return withStore(context, directory, {}, async (store) => {
    const { output } = context
    let found = false
    const args = { queue, state, ...(group !== undefined && { group }) }
    await store.call('peek', args, {
      onItem: (info, body) => {
        found = true
        if (json) {
          const { reason, error, dueInMs } = info
          const more = { reason, error, ...(dueInMs > 0 && { dueInMs }) }
          output.json({ ...messageJson(info, body), ...more })
          return
        }
        output.data(body)
        output.data('\n')
      },
    })
    if (!found) output.words(`There is no ${state} message.`)
    return EXIT.fine
  })
}
