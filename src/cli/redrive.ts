/** `qlog redrive`: buried messages of a group come back. */
import type { Command } from 'commander'
import type { MessageInfo } from '../index.ts'
import type { StoreAccess } from '../server/index.ts'
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
      'Makes buried messages of a group ready again, each in its old place and with all its attempts: all of them unless told. `qlog list DIR QUEUE --state buried` shows them and their reasons. Dead letters that a queue sends to another one (`qlog configure --dead-letter`) are not buried there: `qlog move` puts them back.',
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
        ? ((await letterWords(store, directory, args)) ?? NOTHING)
        : `${plural(redriven, 'message')} of ${oneLine(queue)} made ready`
    context.output.words(words)
    return EXIT.fine
  })
}

const NOTHING = 'There is no such buried message: `qlog list DIR QUEUE --state buried` shows them.'
/** So many messages are looked at for one that came as a dead letter. */
const LOOKED_AT_MAX = 100

/** Words for whoever looks for dead letters of the other kind; undefined where the queue has none. */
async function letterWords(
  store: StoreAccess,
  directory: string,
  { queue, group }: { readonly queue: string; readonly group?: string },
): Promise<string | undefined> {
  let from: string | undefined
  const onItem = ({ headers }: MessageInfo): void => {
    from ??= headers['dead-from']
  }
  const args = { queue, limit: LOOKED_AT_MAX, ...(group !== undefined && { group }) }
  await store.call('list', args, { onItem })
  if (from === undefined) return undefined
  const move = ['qlog move', directory, queue, from].map(oneLine).join(' ')
  return `Nothing of the kind is buried, but there are dead letters of ${oneLine(from)}, which are ordinary messages here: \`${move}\` puts them back.`
}
