/** A queue as its users hold it: a handle with its own codec, context and back-off. */
import type { Codec } from '../codec.ts'
import type { ConsumeOptions, Handler, Worker, WorkOptions } from '../work/types.ts'
import type { Delivery, RetryOptions } from './deliveries.ts'
import type { Group, GroupOptions } from './groups.ts'
import type { MessageRef, StoredMessage } from './messages.ts'
import type { BareItem, PutItem, PutOptions, PutResult, PutValue } from './puts.ts'
import type { QueueSettingsChange } from './settings.ts'
import type { QueueStats } from './stats.ts'

/** A queue whose messages carry a T: bytes, or what the codec of this handle makes of them. */
export interface Queue<T = Uint8Array, In = PutValue<T>> {
  readonly name: string
  /**
   * Resolves once the message is durable; its bytes are taken before this returns. Waits where too much
   * is in flight. Rejects with QLOG_INVALID_ARGUMENT, QLOG_CODEC, QLOG_TOO_LARGE, QLOG_QUEUE_FULL,
   * QLOG_BUSY, QLOG_DISK_FULL, QLOG_REJECTED, QLOG_INDETERMINATE, QLOG_FAILED, QLOG_FENCED, QLOG_CLOSED.
   */
  put(value: In, options?: PutOptions): Promise<PutResult>
  /** All or none, as one atomic batch. What is an object stands in an item: `{ body: value }`. */
  putMany(items: readonly (PutItem<In> | BareItem<In>)[]): Promise<readonly PutResult[]>
  /**
   * Calls `handler` with each message of a group, `concurrency` of them at a time: returning acknowledges,
   * throwing retries with the queue's back-off and buries after the last attempt, with the error. Leases
   * are renewed meanwhile. Begins at once, and goes on until it is stopped, or the store closes or fails.
   * Throws QLOG_INVALID_ARGUMENT, QLOG_FAILED, QLOG_CLOSED.
   */
  work(handler: Handler<T>, options?: WorkOptions): Worker
  /**
   * The deliveries of a group, one after the other, in a session of their own: it begins with the first
   * one that is asked for, and whatever ends the loop gives back all that has not been settled. Throws
   * QLOG_INVALID_ARGUMENT, QLOG_FAILED, QLOG_CLOSED; the loop ends with these, QLOG_ABORTED, QLOG_DAMAGED.
   */
  consume(options?: ConsumeOptions): AsyncIterableIterator<Delivery<T>>
  /** Makes a group, or changes the settings of one that exists. */
  createGroup(name: string, options?: GroupOptions): Promise<Group<T>>
  /** A handle; the group itself begins with its first use. */
  group(name?: string): Group<T>
  /** The message with this id, for the group; undefined where it is gone or stands in another queue. */
  get(id: number, group?: string): Promise<StoredMessage<T> | undefined>
  /** The message that has this key now, for the group; undefined where none has, or that one is gone. */
  findByKey(key: string, group?: string): Promise<StoredMessage<T> | undefined>
  /** Messages that are not gone, by offset, finished or not. */
  read(options?: RangeOptions): Promise<readonly StoredMessage<T>[]>
  /** Takes messages out of the queue, for every group; tells how many were there. */
  delete(messages: readonly (MessageRef | number)[], options?: DeleteOptions): Promise<number>
  /**
   * Empties the queue: everything put before this call is gone for every group, leased or not, as one
   * record whatever the number. Tells how many messages there were.
   */
  purge(): Promise<number>
  /** Nothing is delivered for so long, across restarts too; 0 goes on at once. */
  pause(pauseMs: number): Promise<void>
  /** Changes settings, durably, for every put from this call on; what is there already stays. */
  configure(settings: QueueSettingsChange): Promise<void>
  stats(): QueueStats
  /**
   * Takes the queue away, with its groups, settings, pause and figures. Resolves with true once that is
   * durable, with false where there was none. What is put to its name later makes a new queue, whose
   * offsets begin at 0; ids go on, and handles go on to work. Rejects with QLOG_QUEUE_IN_USE as long as
   * anybody may miss it: a message is not finished or retained, a session or worker reads it, something of
   * it is on its way, another queue sends its dead letters there, or its keys and producers are remembered.
   */
  remove(options?: RemoveQueueOptions): Promise<boolean>
}

export interface RemoveQueueOptions {
  /** Where the queue is in use, resolves with false instead of rejecting. */
  readonly ifUnused?: boolean
  /** Removes it also where keys are still taken, or producers remembered: what is put again is new then. */
  readonly forgetKeys?: boolean
}

export interface QueueOptions {
  /**
   * Of the queue, while the store is open: handles without it keep to it as well, and one with other values
   * than those that were named first throws QLOG_INVALID_ARGUMENT.
   */
  readonly retry?: RetryOptions
  /**
   * Called at each put through this handle; what it returns are headers of the message, unless the put has
   * its own of that name. For the trace that the caller is in: `traceparent` and `tracestate`.
   */
  readonly context?: () => Readonly<Record<string, string>> | undefined
}

/** The same for a queue of values. The codec belongs to the handle: the log knows only bytes. */
export interface TypedQueueOptions<T> extends QueueOptions {
  readonly codec: Codec<T>
}

export interface DeleteOptions {
  /** Those that are leased, in whatever group, stay. */
  readonly unlessLeased?: boolean
}

export interface RangeOptions {
  /** First offset, or first id, or first time (milliseconds since 1970); the oldest unless told. */
  readonly from?:
    | { readonly offset: number }
    | { readonly id: number }
    | { readonly timeMs: number }
  /** At most so many messages, 1 to 10000; 100 unless told. */
  readonly limit?: number
  readonly bytesMax?: number
}
