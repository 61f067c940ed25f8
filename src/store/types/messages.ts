/**
 * What is known of a message that a queue holds, what names one, and where it stands for a group.
 */

/** Where a message stands for one group. */
export type MessageState = 'ready' | 'delayed' | 'leased' | 'buried' | 'finished'

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

/** Names a message of a queue by its number or its place. */
export type MessagePlace = { readonly offset: number } | { readonly id: number }
