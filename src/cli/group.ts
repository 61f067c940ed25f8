/** `qlog group`: one group of a queue, made, changed, shown or removed. */
import type { Command } from 'commander'
import type { GroupSettings, GroupStart } from '../index.ts'
import {
  groupStart,
  type None,
  nullOfNone,
  orNone,
  seconds,
  wholeNumber,
} from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { groupTable } from './groups.ts'
import { JSON_VERSION } from './inspect-words.ts'
import { oneLine } from './output.ts'
import { DIR_WORDS, SECONDS_MAX, withStore } from './store-words.ts'
import { plural } from './text.ts'
import { UsageError } from './usage-error.ts'

interface GroupCommandOptions {
  readonly from?: GroupStart
  readonly leasedMax?: number | None
  readonly promoteAfter?: number | None
  readonly remove?: true
  readonly confirm?: string
  readonly json?: true
}

export function registerGroup(program: Command, context: CommandContext): void {
  program
    .command('group')
    .summary('make, change or remove a group')
    .description(
      'Makes a group with --from, changes its settings, or removes it, durably, and prints it as `qlog groups` does; without options it only prints. A group that nobody reads on holds every message of its queue back until it is removed. The first group of a queue lets go of what stands in front of its place.',
    )
    .argument('<DIR>', DIR_WORDS)
    .argument('<QUEUE>', 'name of the queue, which has to be there')
    .argument('<GROUP>', 'name of the group')
    .option(
      '--from <PLACE>',
      'make it: at the first message there is, the next one that is put, an ID or a TIME',
      groupStart,
    )
    .option(
      '--leased-max <N|none>',
      'most messages leased at once',
      orNone(wholeNumber(1, 1_000_000_000)),
    )
    .option(
      '--promote-after <S|none>',
      'what has waited so long goes before all of better priority',
      orNone(seconds(SECONDS_MAX)),
    )
    .option('--remove', 'remove it, and let go of what it had not finished')
    .option('--confirm <GROUP>', 'the name once more; nothing is removed without it')
    .option('--json', 'one JSON line, as `qlog groups --json` prints it')
    .addHelpText(
      'before',
      examples(
        ['qlog group ./data orders audit --from next', 'a group that gets what comes from now on'],
        ['qlog group ./data orders billing --leased-max 16', 'no more than 16 at once'],
        ['qlog group ./data orders typo --remove --confirm typo', 'it holds nothing back any more'],
      ),
    )
    .action(
      action(
        context,
        (directory: string, queue: string, group: string, options: GroupCommandOptions) =>
          options.remove
            ? removeGroup(context, directory, { queue, group }, options)
            : runGroup(context, directory, { queue, group }, options),
      ),
    )
}

interface Place {
  readonly queue: string
  readonly group: string
}

async function runGroup(
  context: CommandContext,
  directory: string,
  place: Place,
  { from, leasedMax, promoteAfter, confirm, json }: GroupCommandOptions,
): Promise<ExitCode> {
  if (confirm !== undefined) {
    throw new UsageError('--confirm belongs to --remove', 'Leave it out, or add --remove.')
  }
  const settings: GroupSettings = {
    ...(leasedMax !== undefined && { leasedMax: nullOfNone(leasedMax) }),
    ...(promoteAfter !== undefined && { promoteAfterMs: nullOfNone(promoteAfter) }),
  }
  const args = {
    ...place,
    ...(Object.keys(settings).length > 0 && { settings }),
    ...(from !== undefined && { from }),
  }
  return withStore(context, directory, {}, async (store) => {
    const { stats } = await store.call('group', args)
    if (json) context.output.json({ v: JSON_VERSION, ...stats })
    else context.output.data(groupTable([stats]))
    return EXIT.fine
  })
}

async function removeGroup(
  context: CommandContext,
  directory: string,
  place: Place,
  { confirm, ...options }: GroupCommandOptions,
): Promise<ExitCode> {
  const { from, leasedMax, promoteAfter } = options
  if (from !== undefined || leasedMax !== undefined || promoteAfter !== undefined) {
    throw new UsageError(
      '--remove takes the group away, and the other options are about one that stays',
      'Leave one or the other out.',
    )
  }
  const name = oneLine(place.group)
  const queue = oneLine(place.queue)
  if (confirm !== place.group) {
    const given = confirm === undefined ? '' : `, and --confirm says ${oneLine(confirm)}`
    throw new UsageError(
      `--remove takes group ${name} of ${queue} away, and its place in the queue${given}; nothing was done`,
      `If that is what you want, give its exact name once more: --confirm ${name}`,
    )
  }
  return withStore(context, directory, {}, async (store) => {
    const { left } = await store.call('removeGroup', place)
    const words = `group ${name} of ${queue} is removed; ${plural(left, 'message')} it had not finished`
    if (options.json) context.output.json({ v: JSON_VERSION, ...place, removed: true, left })
    else context.output.words(words)
    return EXIT.fine
  })
}
