/** A message leased to a session, the verbs that end its lease, and what they take. */
import type { MessageRef } from './messages.ts'

export const LEASE_MS_DEFAULT = 30_000
export const ATTEMPTS_MAX_DEFAULT = 10

/**
 * A message leased to a session. Each verb ends the lease, once; a second one, or one after the lease
 * has ended, rejects with QLOG_STALE_LEASE. They resolve once what they changed is durable.
 */
export interface Delivery<T = unknown> extends MessageRef {
  readonly group: string
  /** It stays what it is for as long as it is referenced, and is its holder's: others get bytes of their own. */
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
  /** Gives it back; does not count as an attempt unless told. Buries what has none left. */
  release(options?: ReleaseOptions): Promise<ReleaseOutcome>
  /** Gives it back after a failure: counts, backs off, and buries after the last attempt. */
  retry(error?: unknown): Promise<RetryOutcome>
  bury(options?: BuryOptions): Promise<void>
  /** The lease ends so many milliseconds from now; as long as it was given for unless told. */
  extend(leaseMs?: number): void
}

export interface ReleaseOptions {
  readonly delayMs?: number
  readonly at?: Date | number
  /** What it had before unless told. */
  readonly priority?: number
  /**
   * 'if-limited': the delivery counts as an attempt where the queue is set to `attemptsMax`. For whoever cannot
   * tell what failed from what was given back for another reason; never unless told.
   */
  readonly counts?: 'never' | 'if-limited'
}

/** What `release` decided. */
export type ReleaseOutcome =
  | { readonly buried: false }
  /** No attempt is left: buried, or moved to the queue of this name. */
  | { readonly buried: true; readonly deadLetter?: string }

export interface RetryOptions {
  /**
   * A message that was delivered so often is buried instead of delivered again; 10 unless told, or unless the
   * queue is set to another number. Where both are told, the smaller counts.
   */
  readonly attemptsMax?: number
  /** Delay after the first failed attempt, doubled with each further one; 1 s unless told. */
  readonly backoffMs?: number
  /** Longest delay; 1 h unless told. */
  readonly backoffMaxMs?: number
}

/** What `retry` decided. */
export type RetryOutcome =
  | { readonly buried: false; readonly delayMs: number }
  /** No attempt is left: buried, or moved to the queue of this name. */
  | { readonly buried: true; readonly deadLetter?: string }

export interface BuryOptions {
  readonly reason?: string
  readonly priority?: number
}
