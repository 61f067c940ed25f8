/**
 * Every channel of `node:diagnostics_channel` that qlog publishes on, once, with what its events hold:
 * the table of `docs/observability.md` is this one. Nothing is made for a channel that nobody hears.
 */
import { channel } from 'node:diagnostics_channel'
import { type Gap, QlogTypeError } from './errors.ts'

export interface FlushEvent {
  readonly directory: string
  readonly tookMs: number
  readonly messages: number
  readonly bytes: number
}

export interface SlowFlushEvent {
  readonly directory: string
  readonly tookMs: number
}

export interface SegmentEvent {
  readonly directory: string
  readonly change: 'full' | 'merged' | 'mended' | 'retired'
  readonly file: string
  readonly bytes: number
}

export interface DamageEvent {
  readonly directory: string
  readonly gap: Gap
}

export interface ScrubbedEvent {
  readonly directory: string
  readonly tookMs: number
  readonly segments: number
  readonly bytes: number
  readonly fromDisk: boolean
  readonly damages: number
  readonly findings: readonly Gap[]
  readonly mended: readonly {
    readonly file: string
    readonly mendedIn: string
    readonly byteOffset: number
    readonly bit: number
    readonly firstId: number
    readonly endId: number
  }[]
}

export interface SpaceEvent {
  readonly directory: string
  readonly state: 'ok' | 'full'
}

export interface LogFailedEvent {
  readonly directory: string
  readonly error: Error
}

export interface SnapshotEvent {
  readonly directory: string
  readonly tookMs: number
  readonly bytes: number
  readonly stateBytes: number
  readonly error: Error | undefined
}

export interface BuriedEvent {
  readonly directory: string
  readonly queue: string
  readonly group: string
  readonly id: number
  readonly reason: string
  readonly error: string | undefined
}

export interface ExpiredEvent {
  readonly directory: string
  readonly queue: string
  readonly ids: readonly number[]
}

export interface GroupIdleEvent {
  readonly directory: string
  readonly queue: string
  readonly group: string
  readonly idleMs: number
}

export interface StoreFailedEvent {
  readonly directory: string
  readonly error: Error
}

export interface LoopDelayEvent {
  readonly directory: string
  readonly delayMs: number
}

/** What is published on each channel. */
export interface ChannelEvents {
  'qlog:flush': FlushEvent
  'qlog:slow-flush': SlowFlushEvent
  'qlog:segment': SegmentEvent
  'qlog:damage': DamageEvent
  'qlog:scrubbed': ScrubbedEvent
  'qlog:space': SpaceEvent
  'qlog:log-failed': LogFailedEvent
  'qlog:snapshot': SnapshotEvent
  'qlog:buried': BuriedEvent
  'qlog:expired': ExpiredEvent
  'qlog:group-idle': GroupIdleEvent
  'qlog:store-failed': StoreFailedEvent
  'qlog:loop-delay': LoopDelayEvent
}

export type ChannelName = keyof ChannelEvents

export interface ChannelEntry<Event> {
  /** When something is published, in one sentence. */
  readonly when: string
  /** Each field of its events, in a few words. */
  readonly fields: { readonly [Field in keyof Event]: string }
}

/** The name by which a log or store was opened. */
const directory = 'of the log'

export const CHANNELS: {
  readonly [Name in ChannelName]: ChannelEntry<ChannelEvents[Name]>
} = {
  'qlog:flush': {
    when: 'A group has become durable (in the modes `interval` and `never`: is written).',
    fields: {
      directory,
      tookMs: 'from the start of its write until it was confirmed',
      messages: 'in the group',
      bytes: 'of the write',
    },
  },
  'qlog:slow-flush': {
    when: 'A flush, or a write with its flush, took over a second.',
    fields: { directory, tookMs: 'how long it took' },
  },
  'qlog:segment': {
    when: 'A segment is full, was made of others, was mended, or has left the log.',
    fields: {
      directory,
      change: "`'full'`, `'merged'`, `'mended'` or `'retired'`",
      file: 'its name',
      bytes: 'size of the file',
    },
  },
  'qlog:damage': {
    when: 'Opening, reading or scrubbing came upon damage that was not known.',
    fields: { directory, gap: 'file, offset, bytes, ids and why' },
  },
  'qlog:scrubbed': {
    when: 'A pass over all full segments has ended.',
    fields: {
      directory,
      tookMs: 'how long it took',
      segments: 'that were read',
      bytes: 'of them',
      fromDisk: 'whether all came from the disk itself, not perhaps from the page cache',
      damages: 'places with damage',
      findings: 'each of them, up to 10,000: file, offset, bytes, ids, why',
      mended:
        'blocks that were mended, up to 10,000: file, the file in its place, bit of which byte, ids',
    },
  },
  'qlog:space': {
    when: 'The disk is full, or takes messages again.',
    fields: { directory, state: "`'full'` or `'ok'`" },
  },
  'qlog:log-failed': {
    when: 'A log on files has stopped for good: a write or flush failed, or another process took over.',
    fields: { directory, error: 'with QLOG_FAILED or QLOG_FENCED' },
  },
  'qlog:snapshot': {
    when: 'The state of a store was saved, or could not be.',
    fields: {
      directory,
      tookMs: 'how long it took',
      bytes: 'of parts that had changed',
      stateBytes: 'of the whole state',
      error: 'why it could not be saved; the one before stays',
    },
  },
  'qlog:buried': {
    when: 'A message was buried for a group, and that is durable.',
    fields: {
      directory,
      queue: 'its name',
      group: 'its name',
      id: 'of the message',
      reason: 'what `bury` was told; `attempts` where these were used up',
      error: 'what the last `retry` was told, or that the lease ended without an answer',
    },
  },
  'qlog:expired': {
    when: 'Messages have outlived their time to live, and are gone for good.',
    fields: { directory, queue: 'its name', ids: 'of the messages' },
  },
  'qlog:group-idle': {
    when: 'A group that nobody used for the `groupIdleMs` of its queue was removed, and that is durable.',
    fields: {
      directory,
      queue: 'its name',
      group: 'its name',
      idleMs: 'since it was used, or the store was opened',
    },
  },
  'qlog:store-failed': {
    when: 'A store cannot go on: its log has stopped.',
    fields: { directory, error: 'why' },
  },
  'qlog:loop-delay': {
    when: 'The event loop was held up for over 100 ms; looked at every second.',
    fields: { directory, delayMs: 'the longest delay of that second' },
  },
}

/** Held for as long as the process lives: a channel that nobody refers to is forgotten. */
const channels = {
  'qlog:flush': channel('qlog:flush'),
  'qlog:slow-flush': channel('qlog:slow-flush'),
  'qlog:segment': channel('qlog:segment'),
  'qlog:damage': channel('qlog:damage'),
  'qlog:scrubbed': channel('qlog:scrubbed'),
  'qlog:space': channel('qlog:space'),
  'qlog:log-failed': channel('qlog:log-failed'),
  'qlog:snapshot': channel('qlog:snapshot'),
  'qlog:buried': channel('qlog:buried'),
  'qlog:expired': channel('qlog:expired'),
  'qlog:group-idle': channel('qlog:group-idle'),
  'qlog:store-failed': channel('qlog:store-failed'),
  'qlog:loop-delay': channel('qlog:loop-delay'),
} satisfies Record<ChannelName, unknown>

/**
 * Calls the listener with each event of the channel, from now on until what this returns is called: the
 * `subscribe` of `node:diagnostics_channel`, with the types of the events. Throws QLOG_INVALID_ARGUMENT.
 */
export function subscribe<Name extends ChannelName>(
  name: Name,
  listener: (event: ChannelEvents[Name]) => void,
): () => void {
  if (!Object.hasOwn(channels, name)) {
    const known = Object.keys(channels).join(', ')
    throw new QlogTypeError(`there is no channel ${String(name)}; known are ${known}`)
  }
  if (typeof listener !== 'function') throw new QlogTypeError('subscribe takes a function')
  // Of its own, so that a function that is given twice is called twice, and let go of one by one.
  const onMessage = (event: unknown): void => listener(event as ChannelEvents[Name])
  channels[name].subscribe(onMessage)
  return () => void channels[name].unsubscribe(onMessage)
}

/** Somebody listens: to be asked before an event is put together. */
export function isHeard(name: ChannelName): boolean {
  return channels[name].hasSubscribers
}

/**
 * Publishes behind the work that is under way, in the order of the calls: whoever listens may call the log
 * or the store, which would be no good in the middle of a commit.
 */
export function publish<Name extends ChannelName>(name: Name, event: ChannelEvents[Name]): void {
  queueMicrotask(() => channels[name].publish(event))
}
