/** `qlog seek`: a group begins anew at another place of its queue. */
import type { Command } from 'commander'
import type { SeekPlace } from '../index.ts'
import { timeMs, wholeNumber } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { oneLine } from './output.ts'
import { DIR_WORDS, withStore } from './store-words.ts'
import { plural } from './text.ts'
import { UsageError } from './usage-error.ts'

interface SeekCommandOptions {
  readonly group: string
  readonly first?: true
  readonly next?: true
  readonly offset?: number
  readonly id?: number
  readonly time?: number
}

export function registerSeek(program: Command, context: CommandContext): void {
  const { MAX_SAFE_INTEGER } = Number
  program
    .command('seek')
    .summary('send a group back or forward')
    .description(
      'A group begins anew at a place: what stands in front is finished for it, and what the queue still holds from there on comes as if it had never been delivered. Its leases end. What every group has finished is gone and does not come back: with one group, that is also what it skips.',
    )
    .argument('<DIR>', DIR_WORDS)
    .argument('<QUEUE>', 'name of the queue')
    .requiredOption('--group <GROUP>', 'this group, which has to be there')
    .option('--first', 'to the oldest message that is there')
    .option('--next', 'to the next one that is put: everything there is skipped')
    .option('--offset <N>', 'to this offset', wholeNumber(0, MAX_SAFE_INTEGER))
    .option(
      '--id <N>',
      'to the message with this id or a higher one',
      wholeNumber(1, MAX_SAFE_INTEGER),
    )
    .option('--time <T>', 'to what was put at this time or later, as 2026-01-05T10:00Z', timeMs)
    .addHelpText(
      'before',
      examples(
        ['qlog seek ./data orders --group audit --first', 'everything once more'],
        ['qlog seek ./data orders --group audit --time 2026-01-05T10:00Z', 'from then on'],
      ),
    )
    .action(
      action(context, (directory: string, queue: string, options: SeekCommandOptions) =>
        runSeek(context, directory, queue, options),
      ),
    )
}

async function runSeek(
  context: CommandContext,
  directory: string,
  queue: string,
  options: SeekCommandOptions,
): Promise<ExitCode> {
  const { group } = options
  const from = placeOf(options)
  return withStore(context, directory, {}, async (store) => {
    const { left } = await store.call('seek', { queue, group, from })
    const who = `group ${oneLine(group)} of ${oneLine(queue)}`
    context.output.words(`${who} begins anew: ${plural(left, 'message')} to come`)
    return EXIT.fine
  })
}

function placeOf({ first, next, offset, id, time }: SeekCommandOptions): SeekPlace {
  const places: SeekPlace[] = []
  if (first) places.push('first')
  if (next) places.push('next')
  if (offset !== undefined) places.push({ offset })
  if (id !== undefined) places.push({ id })
  if (time !== undefined) places.push({ timeMs: time })
  const [place, ...more] = places
  if (place !== undefined && more.length === 0) return place
  throw new UsageError(
    `seek goes to one place, and ${place === undefined ? 'none is' : 'several are'} named`,
    'Name one of --first, --next, --offset N, --id N, --time T.',
  )
}
