/** What users of workers and of consuming loops touch. Types only. */
// Projects with an older library of types have no AsyncDisposable.
/// <reference lib="esnext.disposable" preserve="true" />
import type { Delivery } from '../types/deliveries.ts'
import type { GroupOptions } from '../types/groups.ts'

export interface ConsumeOptions extends GroupOptions {
  /** 'default' unless told. */
  readonly group?: string
  /** Bodies held ready, 1 to 65536; 64 unless told. Their leases begin when they leave. */
  readonly prefetch?: number
  /** How long each lease is, 1 ms at least; 30 s unless told. Nobody renews it. */
  readonly leaseMs?: number
  readonly signal?: AbortSignal
}

export interface WorkOptions extends GroupOptions {
  /** 'default' unless told. */
  readonly group?: string
  /** Handlers that run at once, 1 to 65536; 1 unless told. */
  readonly concurrency?: number
  /** Bodies held ready beside those, 0 to 65536; as many as `concurrency`, and at least 64, unless told. */
  readonly prefetch?: number
  /** How long each lease is, 100 ms at least; 30 s unless told. Renewed while the handler runs. */
  readonly leaseMs?: number
  /** Aborting it is `stop()`. */
  readonly signal?: AbortSignal
}

/** What a handler is told beside the value. */
export interface Job<T = unknown> {
  readonly id: number
  readonly offset: number
  readonly queue: string
  readonly group: string
  /** 1 at the first delivery that counts. */
  readonly attempt: number
  readonly priority: number
  readonly putMs: number
  readonly key: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /**
   * Aborted when what the handler does is in vain: its message was deleted, its lease or its group is
   * gone, the store has failed or closed, or the deadline of `stop` has passed. The reason is a QlogError.
   */
  readonly signal: AbortSignal
  /** For verbs of one's own: a handler that ended the lease itself may return or throw as it likes. */
  readonly delivery: Delivery<T>
}

/** Returning, or a promise that fulfils, acknowledges; throwing, or a promise that rejects, retries. */
export type Handler<T = unknown> = (value: T, job: Job<T>) => unknown

/**
 * Stopping: it takes nothing new and waits for its handlers. Failed: it has ended by itself, since the
 * store has failed, a body could not be read, or its group was removed.
 */
export type WorkerStatus = 'running' | 'stopping' | 'stopped' | 'failed'

export interface WorkerStats {
  /** Handlers that run now. */
  readonly running: number
  /** Messages held ready, their leases not begun. */
  readonly held: number
  /** Acknowledgements and failures that are not durable yet. */
  readonly settling: number
  /** Messages whose handler returned, durably. */
  readonly acked: number
  /** Failed attempts after which there is another. */
  readonly retried: number
  /** Failed attempts that were the last. */
  readonly buried: number
  /** Leases that ended while the handler ran, by anything but a verb. */
  readonly lost: number
}

export interface StopOptions {
  /** Handlers that have not ended by then are given up; they have all the time they need unless told. */
  readonly timeoutMs?: number
}

/** Runs a handler for each message of a group, until it is stopped. */
export interface Worker extends AsyncDisposable {
  readonly queue: string
  readonly group: string
  readonly status: WorkerStatus
  /**
   * Resolves once the worker has stopped, by `stop`, its signal, or the closing of its store. Rejects as
   * soon as it ends by itself: with QLOG_FAILED or QLOG_FENCED where the store has stopped, QLOG_IO where a
   * body could not be read, QLOG_CLOSED where its group was removed. Where nobody has asked for this by
   * then, a warning of the process tells it (`QLOG_WORKER_ENDED`).
   */
  readonly ended: Promise<void>
  stats(): WorkerStats
  /**
   * Takes nothing new, gives back what it held ready, waits until the running handlers have ended and
   * what they did is durable. After `timeoutMs` it aborts the signals of those that still run and gives
   * their messages back, without an attempt; what they do from then on is ignored. Resolves in any case.
   */
  stop(options?: StopOptions): Promise<void>
}
