/**
 * One reader of a queue with a place of its own: where it begins, its limits, and the verbs over
 * its messages.
 */
import type {
  MessageInfo,
  MessagePlace,
  MessageRef,
  MessageState,
  StoredMessage,
} from './messages.ts'
import type { GroupStats } from './stats.ts'

/** The group that is meant where none is named. */
export const GROUP_DEFAULT = 'default'

/** One reader of a queue with a place of its own. */
export interface Group<T = unknown> {
  readonly queue: string
  readonly name: string
  /** The next message that is 'ready', 'delayed' or 'buried', in the order of that state. */
  peek(state?: 'ready' | 'delayed' | 'buried'): Promise<StoredMessage<T> | undefined>
  /** Messages by offset, without their bodies. */
  list(options?: ListOptions): Promise<readonly MessageInfo[]>
  /** How many ready messages have a lower number as their priority, those that are more urgent; 0 before the group has begun. */
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
  /** There is such a group now: it was made, and not removed. */
  readonly exists: boolean
  stats(): GroupStats
  /** The group is gone, and with it what it kept. Its sessions get nothing more, unless they watch it anew. */
  remove(): Promise<void>
}

/** Where a new group begins. */
export type GroupStart =
  | 'first'
  | 'next'
  | { readonly id: number }
  /** Milliseconds since 1970. */
  | { readonly timeMs: number }

/** Where a group is sent: where one may begin, or at an offset. */
export type SeekPlace = GroupStart | { readonly offset: number }

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

export interface ListOptions {
  /** Every state but 'finished' unless told. */
  readonly state?: MessageState
  /** From this offset on. */
  readonly from?: number
  /** At most so many, 1 to 10000; 100 unless told. */
  readonly limit?: number
}

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
