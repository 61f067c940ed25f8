/**
 * Which full segments merging may take, and how much of each is live as far as the map, the discards and
 * a look into the file tell. Memory only.
 */
import {
  BLOCK_HEADER_BYTES,
  LINK_FIXED_BYTES,
  PAGE_BYTES,
  SEGMENT_HEADER_BYTES,
  SPARSE_ENTRY_BYTES,
  segmentFileName,
} from '../../format/layout.ts'
import type { MapEntry } from '../../format/link.ts'
import type { CommitLoop } from '../commit-loop.ts'
import type { Candidate } from './merge-plan.ts'
import type { Retirement } from './retirement.ts'

/** LINK takes so much of a segment whose map is short. */
const LINK_BYTES_MIN = PAGE_BYTES + BLOCK_HEADER_BYTES + LINK_FIXED_BYTES
/** Segments up to this size may consist of LINK for the most part: it pays to look into them. */
const SMALL_SEGMENT_BYTES = 1024 * 1024

export interface CandidateOptions {
  readonly loop: CommitLoop
  readonly retirement: Retirement
  /** Whether damage is known in this file, or it cannot be read at all. */
  readonly isDamaged: (entry: MapEntry, file: string) => boolean
}

export class MergeCandidates {
  readonly #options: CandidateOptions
  /** What the messages of a segment take when merged, by file, where it was looked into. */
  readonly #messageBytes = new Map<string, number>()
  /** Segments that a merge is no use for, by file, while so many of their messages are discarded. */
  readonly #vain = new Map<string, number>()
  /** Files of segments that must stay what they are. */
  readonly #wounded = new Set<string>()

  constructor(options: CandidateOptions) {
    this.#options = options
  }

  /** All full segments, in order. */
  all(): Candidate[] {
    return this.#options.loop.map.map((entry) => ({
      entry,
      liveBytes: this.#liveBytesOf(entry),
      isFree: this.#isFree(entry),
    }))
  }

  /** Whether only reading the segment can tell what of it is live. `thoroughly`: at more cost. */
  needsLook(entry: MapEntry, thoroughly: boolean): boolean {
    const { loop, retirement } = this.#options
    const { liveness } = retirement
    const { number, dataOnly, hasControl, fileBytes } = entry
    if (this.#messageBytes.has(fileOf(entry)) || !this.#isFree(entry)) return false
    // Those before it took their time: it may have left meanwhile.
    if (!loop.map.includes(entry)) return false
    const isUnknown = dataOnly && !liveness.knowsHoles(number) && liveness.deadIn(number) > 0
    if (isUnknown) return true
    const isSmall = thoroughly && !dataOnly && fileBytes <= SMALL_SEGMENT_BYTES
    return (hasControl || isSmall) && this.#liveBytesOf(entry) * 2 > fileBytes
  }

  /** Notes what the messages of a segment take, discarded ones too. */
  noteLook(entry: MapEntry, messageBytes: number): void {
    this.#messageBytes.set(fileOf(entry), messageBytes)
  }

  /** Leaves a segment out for good. */
  leave(entry: MapEntry): void {
    this.#wounded.add(fileOf(entry))
  }

  /** Leaves segments out until more of their messages are discarded. */
  leaveForNow(entries: readonly MapEntry[]): void {
    for (const entry of entries) {
      this.#vain.set(fileOf(entry), this.#options.retirement.deadIn(entry.number))
    }
  }

  /** Forgets segments that have left. */
  forgetGone(): void {
    const { map } = this.#options.loop
    const remembered = Math.max(this.#messageBytes.size, this.#vain.size, this.#wounded.size)
    if (remembered <= map.length) return
    const there = new Set(map.map(fileOf))
    for (const kept of [this.#messageBytes, this.#vain, this.#wounded]) {
      for (const file of kept.keys()) if (!there.has(file)) kept.delete(file)
    }
  }

  #isFree(entry: MapEntry): boolean {
    const { retirement, isDamaged } = this.#options
    const file = fileOf(entry)
    return (
      !entry.damaged &&
      !this.#wounded.has(file) &&
      !isDamaged(entry, file) &&
      retirement.mayLeave(entry) &&
      this.#vain.get(file) !== retirement.deadIn(entry.number)
    )
  }

  /** An estimate, rather too high: framing counts as messages, and so do control records. */
  #liveBytesOf(entry: MapEntry): number {
    const { liveness } = this.#options.retirement
    const held = liveness.heldIn(entry)
    if (held === 0) return 0
    const live = Math.max(0, held - liveness.deadIn(entry.number))
    const measured = this.#messageBytes.get(fileOf(entry))
    if (measured !== undefined) return (measured * live) / held
    if (entry.dataOnly) return ((entry.cut - SEGMENT_HEADER_BYTES) * live) / held
    const blocks = Math.max(0, entry.cut - SEGMENT_HEADER_BYTES - LINK_BYTES_MIN)
    return (blocks * live) / held + live * SPARSE_ENTRY_BYTES
  }
}

export function fileOf({ number, generation }: MapEntry): string {
  return segmentFileName(number, generation)
}
