/** `qlog kick`, `pause`, `resume`, `delete`, `compact`: short commands that change what is there. */
import type { Command } from 'commander'
import { idsOf, seconds, wholeNumber } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { oneLine } from './output.ts'
import { DIR_WORDS, formatSpan, SECONDS_MAX, withStore } from './store-words.ts'
import { formatCount, plural } from './text.ts'
import { UsageError } from './usage-error.ts'

export function registerKick(program: Command, context: CommandContext): void {
  interface KickOptions {
    readonly group?: string
    readonly count?: number
    readonly id?: readonly number[]
  }
  const run = (directory: string, queue: string, options: KickOptions): Promise<ExitCode> => {
    const { group, count = 1, id: ids } = options
    if (ids && options.count !== undefined) {
      throw new UsageError('kick takes --count or --id, not both', 'Leave one of them out.')
    }
    const place = { queue, ...(group !== undefined && { group }) }
    return withStore(context, directory, {}, async (store) => {
      const { kicked } = await store.call('kick', { ...place, ...(ids ? { ids } : { count }) })
      const rest = ids ? restWords(ids, kicked, 'neither buried nor delayed') : ''
      context.output.words(`${plural(kicked, 'message')} of ${oneLine(queue)} made ready${rest}`)
      return EXIT.fine
    })
  }
  program
    .command('kick')
    .summary('make buried or delayed messages ready')
    .description(
      'Makes messages of a group ready: buried ones where there are any, else delayed ones; or those named by id. Says how many it were; none is no error.',
    )
    .argument('<DIR>', DIR_WORDS)
    .argument('<QUEUE>', 'name of the queue')
    .option('--group <GROUP>', 'of this group; "default" unless told')
    .option('--count <N>', 'at most N messages; 1 unless told', wholeNumber(1, 1_000_000))
    .option('--id <ID>', 'this message; may be repeated', idsOf)
    .addHelpText(
      'before',
      examples(
        ['qlog kick ./data orders --count 100', 'up to a hundred, the longest buried first'],
        ['qlog kick ./data orders --id 17 --id 20', 'these two'],
      ),
    )
    .action(action(context, run))
}

export function registerPause(program: Command, context: CommandContext): void {
  const run = (
    directory: string,
    queue: string,
    options: { readonly for?: number },
  ): Promise<ExitCode> =>
    withStore(context, directory, {}, async (store) => {
      // There is no pause without an end; a hundred years are as good.
      const pauseMs = options.for ?? SECONDS_MAX * 1000
      await store.call('pause', { queue, pauseMs })
      const until = options.for === undefined ? 'until `qlog resume`' : `for ${formatSpan(pauseMs)}`
      context.output.words(`${oneLine(queue)} is paused ${until}`)
      return EXIT.fine
    })
  program
    .command('pause')
    .summary('deliver nothing of a queue for a while')
    .description(
      'Nothing of the queue is delivered until the time is over or `qlog resume`, across restarts too. Messages can be put, and what is leased can be finished.',
    )
    .argument('<DIR>', DIR_WORDS)
    .argument('<QUEUE>', 'name of the queue')
    .option('--for <S>', 'so many seconds; until `qlog resume` unless told', seconds(SECONDS_MAX))
    .addHelpText(
      'before',
      examples(
        ['qlog pause ./data orders', 'until it is resumed'],
        ['qlog pause ./data orders --for 600', 'ten minutes'],
      ),
    )
    .action(action(context, run))
}

export function registerResume(program: Command, context: CommandContext): void {
  const run = (directory: string, queue: string): Promise<ExitCode> =>
    withStore(context, directory, {}, async (store) => {
      await store.call('pause', { queue, pauseMs: 0 })
      context.output.words(`${oneLine(queue)} goes on`)
      return EXIT.fine
    })
  program
    .command('resume')
    .summary('end the pause of a queue')
    .description('Ends the pause of a queue at once.')
    .argument('<DIR>', DIR_WORDS)
    .argument('<QUEUE>', 'name of the queue')
    .addHelpText('before', examples(['qlog resume ./data orders', 'it is delivered again']))
    .action(action(context, run))
}

export function registerDelete(program: Command, context: CommandContext): void {
  const run = (directory: string, queue: string, ids: readonly number[]): Promise<ExitCode> =>
    withStore(context, directory, {}, async (store) => {
      const { deleted } = await store.call('delete', { queue, ids })
      const rest = restWords(ids, deleted, 'not there')
      context.output.words(`${plural(deleted, 'message')} of ${oneLine(queue)} deleted${rest}`)
      return EXIT.fine
    })
  program
    .command('delete')
    .summary('delete messages by id')
    .description(
      'Takes messages out of a queue for every group, whatever state they are in. Says how many were there; ids that are not are no error.',
    )
    .argument('<DIR>', DIR_WORDS)
    .argument('<QUEUE>', 'name of the queue')
    .argument('<ID...>', 'their ids, as `qlog list` shows them', idsOf)
    .addHelpText('before', examples(['qlog delete ./data orders 17 20', 'these two are gone']))
    .action(action(context, run))
}

export function registerCompact(program: Command, context: CommandContext): void {
  const run = (directory: string): Promise<ExitCode> =>
    withStore(context, directory, {}, async (store) => {
      await store.call('compact', {})
      context.output.words('All space that can be given back was given back: see `qlog segments`.')
      return EXIT.fine
    })
  program
    .command('compact')
    .summary('give back disk space now')
    .description(
      'Saves the state and gives back what finished messages took: what would come back by itself in time.',
    )
    .argument('<DIR>', DIR_WORDS)
    .addHelpText('before', examples(['qlog compact ./data', 'beside the service that holds it']))
    .action(action(context, run))
}

/** What became of the other ids: nothing. That is no failure, but may be a mistake. */
function restWords(ids: readonly number[], done: number, why: string): string {
  const rest = new Set(ids).size - done
  if (rest <= 0) return ''
  return `; ${formatCount(rest)} of the ids ${rest === 1 ? 'is' : 'are'} ${why}`
}
