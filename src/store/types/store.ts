/** Many queues over one log: what opens it, and what it offers. */
// Projects with an older library of types have no AsyncDisposable.
/// <reference lib="esnext.disposable" preserve="true" />
import type { OpenLog } from '../../log/seam.ts'
import type { LogOptions } from '../../log/types.ts'
import type { StoredMessage } from './messages.ts'
import type { Queue, QueueOptions, TypedQueueOptions } from './queues.ts'
import type { Session, SessionOptions } from './sessions.ts'
import type { StoreStats, StoreStatus } from './stats.ts'
import type { Transaction, TransactionResult } from './transactions.ts'

export interface StoreOptions {
  /** Options of the log, where the store is a directory. What is kept is a matter of its queues. */
  readonly log?: Omit<LogOptions, 'retention' | 'signal'>
  readonly signal?: AbortSignal
}

/** A directory, by its path or a `file:` URL; ':memory:'; or a log of another kind. */
export type StoreTarget = string | URL | OpenLog

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
  /** A new one. */
  session(options?: SessionOptions): Session
  /** Runs `body` at once and appends what it asked for as one atomic entry, durable when this resolves. */
  transaction(body: (transaction: Transaction) => void): Promise<TransactionResult>
  stats(): StoreStats
  /** Saves the state and gives back all space that can be given back. */
  compact(): Promise<void>
  /** Finishes what is in flight, gives leases back. */
  close(options?: { timeoutMs?: number }): Promise<void>
}
