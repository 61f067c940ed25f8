/** What a queue keeps to, durably, and how that is changed. */

/** What a queue keeps to, durably. */
export interface QueueSettings {
  /** Most messages that some group, or nobody yet, has still to finish; undefined = no limit. */
  readonly messagesMax: number | undefined
  /**
   * Most bytes that the records of these take: bodies, headers and what is known of them. Counted from the change
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
  /** What stays of messages that every group has finished; undefined: they are gone at once. */
  readonly retention: 'all' | QueueRetention | undefined
  /**
   * A message whose deliveries that count were so many is buried instead of delivered again, whoever takes
   * from the queue. Where a handle was told another `retry.attemptsMax`, the smaller counts; undefined = that
   * of the handle alone.
   */
  readonly attemptsMax: number | undefined
}

/**
 * Finished messages stay within all of the limits that are given, the newest of them. What is beyond goes
 * about a second later.
 */
export interface QueueRetention {
  /** They go once they were put so long ago, by the wall clock. */
  readonly ageMs?: number
  /** Most of them. */
  readonly messages?: number
  /** Most bytes of their records, counted from the change on that first needs bytes. */
  readonly bytes?: number
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
  /** All of it at once; with `null` what is retained goes. */
  readonly retention?: 'all' | QueueRetention | null
  readonly attemptsMax?: number | null
}
