/** The holder of leases, and the ways in which it takes messages. */
import type {
  BuryOptions,
  Delivery,
  ReleaseOptions,
  ReleaseOutcome,
  RetryOutcome,
} from './deliveries.ts'
import type { GroupOptions } from './groups.ts'

/** What a session may be told. */
export interface SessionOptions {
  /**
   * Told of each group that the session watched and that was removed by somebody; it may be watched again,
   * also while a `reserve` waits. Must not throw.
   */
  readonly onRemoved?: (queue: string, group: string) => void
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
  release(
    deliveries: readonly Delivery[],
    options?: ReleaseOptions,
  ): Promise<readonly ReleaseOutcome[]>
  retry(deliveries: readonly Delivery[], error?: unknown): Promise<readonly RetryOutcome[]>
  bury(deliveries: readonly Delivery[], options?: BuryOptions): Promise<void>
  extend(deliveries: readonly Delivery[], leaseMs?: number): void
  /** Gives everything back at once; what waits rejects with QLOG_CLOSED. */
  close(): Promise<void>
}

export interface ReserveOptions {
  /** Most deliveries; 1 unless told. */
  readonly count?: number
  /** Most bytes of bodies together; the first one comes whatever its size. */
  readonly bytesMax?: number
  /** How long to wait for a first message, or for a watch; for ever unless told. 0 does not wait. */
  readonly timeoutMs?: number
  /**
   * How long each lease is, 1 ms at least; unless told what the put of each message says, else 30 s.
   * Nobody renews it.
   */
  readonly leaseMs?: number
  readonly signal?: AbortSignal
}

export interface DeliveriesOptions {
  /** Bodies held ready, 1 to 65536; 64 unless told. Their leases begin when they leave. */
  readonly prefetch?: number
  readonly leaseMs?: number
  readonly signal?: AbortSignal
}
