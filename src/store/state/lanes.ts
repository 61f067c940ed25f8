/**
 * The lanes of a queue: which one a priority has, and how entries of messages that are gone leave them,
 * once there are too many, a piece at a time. Pure memory.
 */
import { LANES_MAX, Lane, MIXED_SLOT } from './lane.ts'

/** Lanes may hold so many entries that are gone, beside as many as are not, before they are rewritten. */
const GONE_ENTRIES_MAX = 4096
/** Below this their memory is not worth it: a plain backlog takes next to nothing. */
const SWEPT_BYTES_MIN = 64 * 1024
/** Entries of lanes looked at by one change of the state, so that none takes long. */
const SWEEP_ENTRIES = 4_096

/** What a sweep asks of the queue. */
export interface GoneMessages {
  /** Every offset below is gone. */
  readonly goneFloor: number
  isGone(offset: number): boolean
}

export class Lanes {
  /** In the order in which they were made. */
  readonly all: Lane[] = []
  #entries = 0
  readonly #byPriority = new Map<number, Lane>()
  /** Where the sweep goes on: a lane, a chunk of it; and how many were gone and stayed after the last. */
  #sweepLane = 0
  #sweepChunk = 0
  #unsweepable = 0

  /** The lane for messages of this priority; undefined where `addFor` has still to make it. */
  of(priority: number): Lane | undefined {
    const own = this.#byPriority.get(priority)
    if (own || this.#byPriority.size < LANES_MAX) return own
    return this.all.find(({ slot }) => slot === MIXED_SLOT)
  }

  /** Makes it: one of its own as long as there are any. */
  addFor(priority: number): Lane {
    const own = this.#byPriority.size
    return own < LANES_MAX ? this.add(own, priority) : this.add(MIXED_SLOT, undefined)
  }

  /** A lane as it was saved, or as `addFor` makes it. */
  add(slot: number, priority: number | undefined): Lane {
    const lane = new Lane(slot, priority)
    this.all.push(lane)
    if (priority !== undefined) this.#byPriority.set(priority, lane)
    return lane
  }

  /** After loading: they are not saved. */
  countEntries(): void {
    this.#entries = this.all.reduce((sum, { postings }) => sum + postings.count, 0)
  }

  /** Entries of all of them, gone ones too. */
  get entries(): number {
    return this.#entries
  }

  /** One of them has an entry more. */
  noteAdded(): void {
    this.#entries++
  }

  /** Lets go of entries of messages that are gone, where there are too many; `kept` are not gone. */
  sweep(kept: number, messages: GoneMessages): void {
    this.#unsweepable = Math.min(this.#unsweepable, this.#entries - kept)
    if (this.#isTidy(kept)) return
    const floor = messages.goneFloor
    for (const { postings } of this.all) postings.dropBelow(floor)
    this.countEntries()
    if (this.#isTidy(kept)) return
    if (this.all.reduce((sum, { postings }) => sum + postings.byteLength, 0) < SWEPT_BYTES_MIN) {
      this.#unsweepable = this.#entries - kept
      return
    }
    this.#sweepSome(kept, messages)
    this.countEntries()
  }

  #isTidy(kept: number): boolean {
    const gone = this.#entries - kept
    return gone <= kept + GONE_ENTRIES_MAX || gone <= 2 * this.#unsweepable
  }

  /** A piece of a round through all lanes. */
  #sweepSome(kept: number, messages: GoneMessages): void {
    const lane = this.all[this.#sweepLane]
    if (lane) {
      const isGone = (offset: number): boolean => messages.isGone(offset)
      const next = lane.postings.rewriteSome(isGone, this.#sweepChunk, SWEEP_ENTRIES)
      this.#sweepChunk = Math.max(0, next)
      if (next < 0) this.#sweepLane++
      return
    }
    // The round is over. What it left is looked at again once there is much more.
    this.#sweepLane = 0
    this.#sweepChunk = 0
    this.#unsweepable = this.#entries - kept
  }
}
