/**
 * What the store's users touch: store, queue, group, session, delivery. Types and defaults; the terms
 * are those of docs/concepts/.
 */
// Projects with an older library of types have no AsyncDisposable.
/// <reference lib="esnext.disposable" preserve="true" />
import type { LogFigures, OpenLog } from '../log/seam.ts'
import type { LogOptions } from '../log/types.ts'
import type { Codec } from './codec.ts'
import type { ConsumeOptions, Handler, Worker, WorkOptions } from './work/types.ts'

/** The group that is meant where none is named. */
export const GROUP_DEFAULT = 'default'
/** Lower goes first. 1024 is what beanstalkd's clients use, so that both sides of it are free. */
export const PRIORITY_DEFAULT = 1024
export const PRIORITY_MAX = 0xffff_ffff
export const LEASE_MS_DEFAULT = 30_000
export const ATTEMPTS_MAX_DEFAULT = 10

/** Where a message stands for one group. */
export type MessageState = 'ready' | 'delayed' | 'leased' | 'buried' | 'finished'

/**
 * What a put does whose key is taken. drop: nothing. replace: it comes in the place of the message that
 * has the key, where nobody has begun that one; else like trailing. trailing: it comes once more after the
 * one that is in work; where that only waits, nothing.
 */
export type OnDuplicate = 'drop' | 'replace' | 'trailing'

export interface PutOptions {
  /** 0 to 4294967295, lowest first; 1024 unless told. */
  readonly priority?: number
  /** Not before so many milliseconds have passed, whatever happens to the wall clock. */
  readonly delayMs?: number
  /** Not before this time of the wall clock: a Date, or milliseconds since 1970. Not with `delayMs`. */
  readonly at?: Date | number
  /** The message is gone, delivered or not, once so many milliseconds have passed. */
  readonly ttlMs?: number
  /** At most one message of this key: a second put resolves with the id of the first. */
  readonly key?: string
  /** How long after its put a key is taken, in milliseconds; 10 minutes unless told. */
  readonly keyWindowMs?: number
  /**
   * Who sends it, with `sequence`: a message that is sent again is put once. 1 to 200 bytes; not with
   * `key`. A queue remembers the 1024 producers that put last.
   */
  readonly producer?: string
  /** The number that the producer gave it, from 0 on, in any order. */
  readonly sequence?: number
  /** What becomes of this put where the key is taken; 'drop' unless told. */
  readonly onDuplicate?: OnDuplicate
  /** How long a lease of it is, in milliseconds, where a session reserves it without a word of that. */
  readonly leaseMs?: number
  /** Short texts that travel with the body. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface PutItem<In = Uint8Array | string> extends PutOptions {
  readonly body: In
}

/** What `putMany` takes without an object around it: a value that is no object itself, or bytes. */
export type BareItem<In> = Exclude<In, object> | Extract<In, Uint8Array>

export interface PutResult {
  /**
   * Number of the message in the store; of the first one where this is a duplicate. 0 where a producer
   * sent it again and the first is durable already: its number is not remembered.
   */
  readonly id: number
  /** Its place in the queue: 0, 1, 2 ...; -1 where `id` is 0. */
  readonly offset: number
  /** The key was taken, or the producer has put this number: nothing was put. */
  readonly duplicate: boolean
}

/** Names a message for the verbs that take one; a delivery and what `peek` returns are such names. */
export interface MessageRef {
  readonly queue: string
  readonly id: number
  readonly offset: number
}

/** What is known of a message without its body. */
export interface MessageInfo extends MessageRef {
  readonly group: string
  readonly state: MessageState
  readonly priority: number
  /** When it was put, milliseconds since 1970. */
  readonly putMs: number
  /** Milliseconds until it is due; 0 where it is not delayed. */
  readonly dueInMs: number
  /** Milliseconds until its lease ends; 0 where it is not leased. */
  readonly leaseLeftMs: number
  /** Deliveries that count towards `attemptsMax`. */
  readonly attempts: number
  readonly counters: DeliveryCounters
  /** Why it was buried; undefined elsewhere. */
  readonly reason: string | undefined
  /** What the last `retry` was told; undefined where there was none. */
  readonly error: string | undefined
  /** What its put asked its leases to be; undefined where it did not. */
  readonly leaseMs: number | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly key: string | undefined
  readonly bodyBytes: number
}

/** What happened to a message in a group, over all its deliveries. */
export interface DeliveryCounters {
  readonly leases: number
  readonly timeouts: number
  readonly releases: number
  readonly buries: number
  readonly kicks: number
}

/** A message with its body, looked at and not taken. */
export interface StoredMessage<T = unknown> extends MessageInfo {
  readonly body: Uint8Array
  /** The body, or what the queue's codec makes of it. Throws QLOG_CODEC where it is none of the codec's. */
  readonly value: T
}

export interface RetryOptions {
  /** A message that was delivered so often is buried instead of delivered again; 10 unless told. */
  readonly attemptsMax?: number
  /** Delay after the first failed attempt, doubled with each further one; 1 s unless told. */
  readonly backoffMs?: number
  /** Longest delay; 1 h unless told. */
  readonly backoffMaxMs?: number
}

/** What a queue keeps to, durably. */
export interface QueueSettings {
  /** Most messages that are not gone; undefined = no limit. */
  readonly messagesMax: number | undefined
  /**
   * Most bytes that their records take: bodies, headers and what is known of them. Counted from the change
   * on that sets it first; undefined = no limit.
   */
  readonly bytesMax: number | undefined
  /** What a put does that has no room: 'refuse', QLOG_QUEUE_FULL; 'drop-oldest', messages that nobody has leased go. */
  readonly whenFull: 'refuse' | 'drop-oldest'
  /** Time to live of puts that name none; undefined = for ever. */
  readonly ttlMs: number | undefined
  /**
   * Where messages go that expire or have no attempt left; undefined: what expires is gone, and what has
   * no attempt left is buried.
   */
  readonly deadLetter: { readonly queue: string } | undefined
}

/** What is left out stays; `null` takes a setting away. */
export interface QueueSettingsChange {
  readonly messagesMax?: number | null
  readonly bytesMax?: number | null
  readonly whenFull?: 'refuse' | 'drop-oldest'
  readonly ttlMs?: number | null
  readonly deadLetter?: { readonly queue: string } | null
}

export interface QueueOptions {
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

/** Where a new group begins. */
export type GroupStart =
  | 'first'
  | 'next'
  | { readonly id: number }
  /** Milliseconds since 1970. */
  | { readonly timeMs: number }

export interface GroupOptions {
  /** 'first' unless told: with what the queue holds. A group that exists keeps its place. */
  readonly from?: GroupStart
  /** Most messages of the group leased at once; no limit unless told. */
  readonly leasedMax?: number
  /** A message that has waited so long goes before all of better priority; never unless told. */
  readonly promoteAfterMs?: number
}

/** As in {@link GroupOptions}; `null` takes a limit away, what is not told stays. */
export interface GroupSettings {
  readonly leasedMax?: number | null
  readonly promoteAfterMs?: number | null
}

export interface ReleaseOptions {
  readonly delayMs?: number
  readonly at?: Date | number
  /** What it had before unless told. */
  readonly priority?: number
}

export interface BuryOptions {
  readonly reason?: string
  readonly priority?: number
}

/** What `retry` decided. */
export type RetryOutcome =
  | { readonly buried: false; readonly delayMs: number }
  /** No attempt is left: buried, or moved to the queue of this name. */
  | { readonly buried: true; readonly deadLetter?: string }

/**
 * A message leased to a session. Each verb ends the lease, once; a second one, or one after the lease
 * has ended, rejects with QLOG_STALE_LEASE. They resolve once what they changed is durable.
 */
export interface Delivery<T = unknown> extends MessageRef {
  readonly group: string
  /** It stays what it is for as long as it is referenced. */
  readonly body: Uint8Array
  /**
   * What the codec of the queue that it was asked through makes of the body, the same each time; the body
   * itself without one, as in a session. Throws QLOG_CODEC where it is none of the codec's.
   */
  readonly value: T
  readonly headers: Readonly<Record<string, string>>
  readonly key: string | undefined
  readonly priority: number
  readonly putMs: number
  /** 1 at the first delivery that counts. */
  readonly attempt: number
  /** Milliseconds until the lease ends; 0 once it has, or was ended. */
  readonly leaseLeftMs: number
  text(): string
  json(): unknown
  ack(): Promise<void>
  /** Gives it back; does not count as an attempt. */
  release(options?: ReleaseOptions): Promise<void>
  /** Gives it back after a failure: counts, backs off, and buries after the last attempt. */
  retry(error?: unknown): Promise<RetryOutcome>
  bury(options?: BuryOptions): Promise<void>
  /** The lease ends so many milliseconds from now; as long as it was given for unless told. */
  extend(leaseMs?: number): void
}

export interface ReserveOptions {
  /** Most deliveries; 1 unless told. */
  readonly count?: number
  /** Most bytes of bodies together; the first one comes whatever its size. */
  readonly bytesMax?: number
  /** How long to wait for a first message; for ever unless told. 0 does not wait. */
  readonly timeoutMs?: number
  /** How long each lease is; unless told what the put of each message says, else 30 s. */
  readonly leaseMs?: number
  readonly signal?: AbortSignal
}

export interface DeliveriesOptions {
  /** Bodies held ready, 1 to 65536; 64 unless told. Their leases begin when they leave. */
  readonly prefetch?: number
  readonly leaseMs?: number
  readonly signal?: AbortSignal
}

/** The holder of leases: a connection, a loop, a job runner. */
export interface Session {
  /** Takes messages of this queue from now on; may be called while a `reserve` waits. */
  watch(queue: string, options?: GroupOptions & { readonly group?: string }): Promise<void>
  /** Takes no more of them. Leases stay. */
  ignore(queue: string, group?: string): void
  /** Queues it takes messages of. */
  readonly watched: readonly { readonly queue: string; readonly group: string }[]
  /** Deliveries that have not ended. */
  readonly leased: number
  /** Milliseconds until its nearest lease ends; undefined where it has none. */
  readonly nearestEndMs: number | undefined
  /**
   * The best messages of all watched queues: lowest (priority, id) first. An empty array where
   * `timeoutMs` passed first. Rejects with QLOG_ABORTED, QLOG_CLOSED, QLOG_FAILED, QLOG_DAMAGED.
   */
  reserve(options?: ReserveOptions): Promise<readonly Delivery[]>
  /**
   * This very message, whatever its place in the order; undefined where it is not ready or delayed.
   * `buried`: also where it is buried.
   */
  reserveById(
    id: number,
    options?: { group?: string; leaseMs?: number; buried?: boolean },
  ): Promise<Delivery | undefined>
  /** One delivery after the other. Leaving the loop gives back what was held ready. */
  deliveries(options?: DeliveriesOptions): AsyncIterableIterator<Delivery>
  /** The verbs for many deliveries at once, each as one atomic entry. */
  ack(deliveries: readonly Delivery[]): Promise<void>
  release(deliveries: readonly Delivery[], options?: ReleaseOptions): Promise<void>
  retry(deliveries: readonly Delivery[], error?: unknown): Promise<readonly RetryOutcome[]>
  bury(deliveries: readonly Delivery[], options?: BuryOptions): Promise<void>
  extend(deliveries: readonly Delivery[], leaseMs?: number): void
  /** Gives everything back at once; what waits rejects with QLOG_CLOSED. */
  close(): Promise<void>
}

export interface ListOptions {
  /** Every state but 'finished' unless told. */
  readonly state?: MessageState
  /** From this offset on. */
  readonly from?: number
  /** At most so many, 1 to 10000; 100 unless told. */
  readonly limit?: number
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

export interface DeleteOptions {
  /** Those that are leased, in whatever group, stay. */
  readonly unlessLeased?: boolean
}

/** Names a message of a queue by its number or its place. */
export type MessagePlace = { readonly offset: number } | { readonly id: number }

/** Where a group is sent: where one may begin, or at an offset. */
export type SeekPlace = GroupStart | { readonly offset: number }

/** Which buried messages; all of them unless told. */
export interface RedriveOptions {
  /** At most so many, those that were buried first. */
  readonly count?: number
  /** Messages from this one on. */
  readonly from?: MessagePlace
  /** Messages in front of this one. */
  readonly to?: MessagePlace
  /** Those that were buried with this very reason; 'attempts' are those whose attempts were used up. */
  readonly reason?: string
}

/** Which messages move; those of the state that are there at the call. */
export interface MoveOptions {
  readonly state: 'ready' | 'delayed' | 'buried'
  /** At most so many, in order of offset. */
  readonly count?: number
  /** Messages from this one on. */
  readonly from?: MessagePlace
  /** Messages in front of this one. */
  readonly to?: MessagePlace
  /** Those that were buried with this very reason. */
  readonly reason?: string
  /** Stops between two pieces. */
  readonly signal?: AbortSignal
}

/**
 * What happened since the store was opened. Totals never fall while it is open: the difference of two
 * looks is what happened between them.
 */
export interface DeliveryTotals {
  /** Leases that began. */
  readonly delivered: number
  /** Messages that an `ack` finished. */
  readonly acked: number
  /** Given back by `release`. */
  readonly released: number
  /** Given back by `retry`, and not buried by it. */
  readonly retried: number
  /** Leases whose time passed. */
  readonly timedOut: number
  /** Burials: by `bury`, or because attempts were used up. */
  readonly buried: number
  readonly kicked: number
}

/** The same for all groups together, also those that are removed, and what concerns no group. */
export interface QueueTotals extends DeliveryTotals {
  readonly put: number
  /** Taken out by `delete`. */
  readonly deleted: number
  /** Gone because their time to live had passed. */
  readonly expired: number
}

export interface GroupStats {
  readonly queue: string
  readonly group: string
  readonly ready: number
  readonly delayed: number
  readonly leased: number
  /** Dead letters, as others call them. */
  readonly buried: number
  /** Messages that it has not finished: those of all four states. */
  readonly lag: number
  /**
   * Milliseconds since the oldest ready message was put; undefined where none is. Where over 4,096 older
   * ones are leased, delayed or buried, that of the next message.
   */
  readonly oldestMs: number | undefined
  readonly totals: DeliveryTotals
  /** Every offset below it is finished. */
  readonly floor: number
  readonly leasedMax: number | undefined
  readonly promoteAfterMs: number | undefined
  /** Sessions that wait for a message. */
  readonly waiting: number
}

/** One reader of a queue with a place of its own. */
export interface Group<T = unknown> {
  readonly queue: string
  readonly name: string
  /** The next message that is 'ready', 'delayed' or 'buried', in the order of that state. */
  peek(state?: 'ready' | 'delayed' | 'buried'): Promise<StoredMessage<T> | undefined>
  /** Messages by offset, without their bodies. */
  list(options?: ListOptions): Promise<readonly MessageInfo[]>
  /** How many ready messages have a lower number as their priority: those that are more urgent. */
  countReady(belowPriority: number): Promise<number>
  /** Makes up to `count` messages ready: buried ones where there are any, else delayed ones. */
  kick(count: number): Promise<number>
  /** Makes these ready; tells how many of them were buried or delayed. */
  kick(messages: readonly (MessageRef | number)[]): Promise<number>
  /**
   * Makes buried messages ready, each in its place, attempts counted anew; tells how many. One record
   * where they lie together, several where there are many that are scattered.
   */
  redrive(options?: RedriveOptions): Promise<number>
  /**
   * Puts messages into another queue, each with a new id, and finishes them for this group; tells how
   * many. In pieces of one entry each: after a crash a message is in one of the two. Body, headers,
   * priority, time to live and due time stay; keys and attempts do not. Rejects with QLOG_DISK_FULL,
   * QLOG_QUEUE_FULL where the other queue has no room for a whole piece, QLOG_ABORTED; what was moved by
   * then stays moved.
   */
  move(target: string, options: MoveOptions): Promise<number>
  /**
   * The group begins anew there, back or forward: what stands in front is finished for it, and what the
   * queue still holds from there on comes as if it had never been delivered. Its leases end; settings and
   * sessions stay.
   */
  seek(from: SeekPlace): Promise<void>
  /** Changes settings, durably; the others stay. `null` takes a limit away. */
  configure(settings: GroupSettings): Promise<void>
  stats(): GroupStats
  /** The group is gone, and with it what it kept. Its sessions get nothing more. */
  remove(): Promise<void>
}

export interface QueueStats {
  readonly queue: string
  /** Next offset: messages put so far. */
  readonly nextOffset: number
  /** Messages that some group, or nobody yet, has still to finish. */
  readonly messages: number
  /** Bytes of their records; undefined where they are not counted, as no limit ever needed them. */
  readonly bytes: number | undefined
  readonly settings: QueueSettings
  /** The longest of its groups; where there are none, of the oldest message. */
  readonly oldestMs: number | undefined
  readonly pausedMs: number
  readonly totals: QueueTotals
  readonly groups: readonly GroupStats[]
}

/** What may be put where values of type T come out: also texts, in a queue without a codec. */
export type PutValue<T> = [T] extends [Uint8Array] ? Uint8Array | string : T

/** A queue whose messages carry a T: bytes, or what the codec of this handle makes of them. */
export interface Queue<T = Uint8Array, In = PutValue<T>> {
  readonly name: string
  /**
   * Resolves once the message is durable; its bytes are taken before this returns. Waits where too much
   * is in flight. Rejects with QLOG_INVALID_ARGUMENT, QLOG_CODEC, QLOG_TOO_LARGE, QLOG_QUEUE_FULL,
   * QLOG_DISK_FULL, QLOG_REJECTED, QLOG_INDETERMINATE, QLOG_FAILED, QLOG_FENCED, QLOG_CLOSED.
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
}

/** Verbs that take effect together. Each is checked when it is called, and may throw. */
export interface Transaction {
  put(queue: string, body: Uint8Array | string, options?: PutOptions): void
  /** Through a handle: with its codec and its context. */
  put<T, In>(queue: Queue<T, In>, value: NoInfer<In>, options?: PutOptions): void
  ack(delivery: Delivery): void
  release(delivery: Delivery, options?: ReleaseOptions): void
  retry(delivery: Delivery, error?: unknown): void
  bury(delivery: Delivery, options?: BuryOptions): void
  /** A buried or delayed message of the group. */
  kick(group: Group<unknown>, message: MessageRef): void
  /** Buried messages of the group; tells how many. */
  redrive(group: Group<unknown>, options?: RedriveOptions): number
  /** Settings of a group that exists. */
  configure(group: Group<unknown>, settings: GroupSettings): void
  /** A group that exists begins anew there. */
  seek(group: Group<unknown>, from: SeekPlace): void
  delete(message: MessageRef): void
  pause(queue: string, pauseMs: number): void
  /** Everything put before; what this transaction puts stays, wherever its put stands. */
  purge(queue: string): void
}

export interface TransactionResult {
  /** In the order of the puts. */
  readonly puts: readonly PutResult[]
}

export type StoreStatus = 'open' | 'closing' | 'closed' | 'failed'

export interface StoreStats {
  readonly status: StoreStatus
  /** Milliseconds since the store was opened: the difference of two looks is the time between them. */
  readonly openMs: number
  readonly queues: readonly QueueStats[]
  /** Sums over the queues. */
  readonly totals: QueueTotals
  /** Messages that are not gone. */
  readonly messages: number
  /** Sums over the groups of all queues: a message counts in each. */
  readonly ready: number
  readonly delayed: number
  readonly leased: number
  readonly buried: number
  readonly waitingSessions: number
  /** Bytes that the state takes when it is saved. */
  readonly stateBytes: number
  readonly appendedBytes: number
  readonly snapshotBytes: number
  /** How often this opening has saved the state. */
  readonly snapshots: number
  /** Milliseconds since it did so last; undefined where it has not yet. */
  readonly snapshotAgeMs: number | undefined
  /** `full`: puts are refused until there is space. */
  readonly space: 'ok' | 'full'
  /** What the log says of itself: flushes, bytes in flight, disk. */
  readonly log: LogFigures
  /** Ids that deliveries met and could not be read: never delivered, never finished. At most 10000. */
  readonly damaged: readonly number[]
  /** The clock was set back by over an hour before this opening: times of then are not adopted. */
  readonly clockWasAhead: boolean
}

export interface StoreOptions {
  /** Options of the log, where the store is a directory. */
  readonly log?: LogOptions
  readonly signal?: AbortSignal
}

/** A directory, ':memory:', or a log of another kind. */
export type StoreTarget = string | OpenLog

/** Many queues over one log. */
export interface Store extends AsyncDisposable {
  readonly status: StoreStatus
  /** A handle; the queue itself begins with its first message or group. */
  queue<T>(name: string, options: TypedQueueOptions<T>): Queue<T, T>
  queue(name: string, options?: QueueOptions): Queue
  /** Names of the queues that exist. */
  queues(): readonly string[]
  /** The message with this id, in whatever queue, for the group; undefined where it is gone. */
  get(id: number, group?: string): Promise<StoredMessage | undefined>
  session(): Session
  /** Runs `body` at once and appends what it asked for as one atomic entry, durable when this resolves. */
  transaction(body: (transaction: Transaction) => void): Promise<TransactionResult>
  stats(): StoreStats
  /** Saves the state and gives back all space that can be given back. */
  compact(): Promise<void>
  /** Finishes what is in flight, gives leases back. */
  close(options?: { timeoutMs?: number }): Promise<void>
}
