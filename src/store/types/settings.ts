/** What a queue keeps to, durably, and how that is changed. */

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
  /**
   * A group that nobody has used for so long is removed, unless it is the only one; counted while the
   * store is open. undefined = never.
   */
  readonly groupIdleMs: number | undefined
}

/** What is left out stays; `null` takes a setting away. */
export interface QueueSettingsChange {
  readonly messagesMax?: number | null
  readonly bytesMax?: number | null
  readonly whenFull?: 'refuse' | 'drop-oldest'
  readonly ttlMs?: number | null
  readonly deadLetter?: { readonly queue: string } | null
  /** At least a second. */
  readonly groupIdleMs?: number | null
}
