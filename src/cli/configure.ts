/** `qlog configure`: what a queue keeps to, changed and shown. */
import { type Command, Option } from 'commander'
import type { QueueSettingsChange } from '../index.ts'
import { NONE, type None, nullOfNone, orNone, seconds, wholeNumber } from './argument-types.ts'
import type { CommandContext } from './context.ts'
import { action, examples } from './context.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import { JSON_VERSION } from './inspect-words.ts'
import { queueSettingRows } from './setting-words.ts'
import { DIR_WORDS, SECONDS_MAX, withStore } from './store-words.ts'
import { formatTable } from './text.ts'
import { UsageError } from './usage-error.ts'

interface ConfigureOptions {
  readonly messagesMax?: number | None
  readonly bytesMax?: number | None
  readonly whenFull?: 'refuse' | 'drop-oldest'
  readonly ttl?: number | None
  readonly deadLetter?: string
  readonly retention?: 'all' | 'none'
  readonly retainAge?: number
  readonly retainMessages?: number
  readonly retainBytes?: number
  readonly groupIdle?: number | None
  readonly attemptsMax?: number | None
  readonly createQueue?: true
  readonly json?: true
}

const COUNT = wholeNumber(1, Number.MAX_SAFE_INTEGER)
const SECONDS = seconds(SECONDS_MAX)

export function registerConfigure(program: Command, context: CommandContext): void {
  program
    .command('configure')
    .summary('what a queue keeps to: limits, attempts, dead letters, retention')
    .description(
      'Changes settings of a queue, durably, and prints all of them; without options it only prints. What is not named stays as it is, and "none" takes a setting away.',
    )
    .argument('<DIR>', DIR_WORDS)
    .argument('<QUEUE>', 'name of the queue')
    .option('--messages-max <N|none>', 'most messages that are not finished', orNone(COUNT))
    .option('--bytes-max <N|none>', 'most bytes of their records', orNone(COUNT))
    .addOption(
      new Option('--when-full <HOW>', 'what a put does that has no room').choices([
        'refuse',
        'drop-oldest',
      ]),
    )
    .option('--ttl <S|none>', 'time to live of puts that name none', orNone(SECONDS))
    .option(
      '--dead-letter <QUEUE|none>',
      'where what expires or has no attempt left goes; made where it is missing',
    )
    .addOption(
      new Option('--retention <WHAT>', 'finished messages: keep all, or none').choices([
        'all',
        'none',
      ]),
    )
    .option('--retain-age <S>', 'keep finished messages that were put at most so long ago', SECONDS)
    .option('--retain-messages <N>', 'keep the newest N finished messages', COUNT)
    .option('--retain-bytes <N>', 'keep the newest N bytes of finished messages', COUNT)
    .option(
      '--group-idle <S|none>',
      'remove groups that nobody reads for so long, but not the last one',
      orNone(SECONDS),
    )
    .option(
      '--attempts-max <N|none>',
      'bury a message, or send it to --dead-letter, after so many deliveries that count',
      orNone(COUNT),
    )
    .option('--create-queue', 'make the queue where it is missing')
    .option('--json', 'the settings as one JSON line')
    .addHelpText(
      'before',
      examples(
        ['qlog configure ./data orders', 'the settings as they are'],
        ['qlog configure ./data orders --messages-max 10000 --ttl 3600', 'limits for its puts'],
        ['qlog configure ./data orders --dead-letter orders.dead', 'what fails goes there'],
        ['qlog configure ./data prices --retain-age 86400 --retain-messages 1000', 'both count'],
      ),
    )
    .addHelpText(
      'after',
      '\nThe --retain options belong together: what is not named there limits nothing.',
    )
    .action(
      action(context, (directory: string, queue: string, options: ConfigureOptions) =>
        runConfigure(context, directory, queue, options),
      ),
    )
}

async function runConfigure(
  context: CommandContext,
  directory: string,
  queue: string,
  options: ConfigureOptions,
): Promise<ExitCode> {
  const change = changeOf(options)
  const args = {
    queue,
    ...(Object.keys(change).length > 0 && { settings: change }),
    ...(options.createQueue === true && { createQueue: true }),
  }
  return withStore(context, directory, {}, async (store) => {
    const { settings } = await store.call('configure', args)
    if (options.json) context.output.json({ v: JSON_VERSION, queue, settings })
    else {
      const rows = queueSettingRows(settings).map(([name, value]) => [name, value ?? unset(name)])
      context.output.data(formatTable(['setting', 'value'], rows, new Set()))
    }
    return EXIT.fine
  })
}

function unset(name: string): string {
  return name === 'when-full' ? 'refuse' : NONE
}

function changeOf(options: ConfigureOptions): QueueSettingsChange {
  const { messagesMax, bytesMax, whenFull, ttl, deadLetter, groupIdle, attemptsMax } = options
  const retention = retentionOf(options)
  return {
    ...(messagesMax !== undefined && { messagesMax: nullOfNone(messagesMax) }),
    ...(bytesMax !== undefined && { bytesMax: nullOfNone(bytesMax) }),
    ...(whenFull !== undefined && { whenFull }),
    ...(ttl !== undefined && { ttlMs: nullOfNone(ttl) }),
    ...(deadLetter !== undefined && {
      deadLetter: deadLetter === NONE ? null : { queue: deadLetter },
    }),
    ...(groupIdle !== undefined && { groupIdleMs: nullOfNone(groupIdle) }),
    ...(attemptsMax !== undefined && { attemptsMax: nullOfNone(attemptsMax) }),
    ...(retention !== undefined && { retention }),
  }
}

function retentionOf({
  retention,
  retainAge,
  retainMessages,
  retainBytes,
}: ConfigureOptions): QueueSettingsChange['retention'] {
  const limits = {
    ...(retainAge !== undefined && { ageMs: retainAge }),
    ...(retainMessages !== undefined && { messages: retainMessages }),
    ...(retainBytes !== undefined && { bytes: retainBytes }),
  }
  const isLimited = Object.keys(limits).length > 0
  if (retention === undefined) return isLimited ? limits : undefined
  if (!isLimited) return retention === 'none' ? null : retention
  throw new UsageError(
    'configure takes --retention or --retain-age, --retain-messages, --retain-bytes, not both',
    'Leave --retention out where finished messages are to be kept within limits.',
  )
}
