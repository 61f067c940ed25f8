/**
 * Which messages of a queue are done: those that every group that exists has finished, or, where there is
 * none, those that were removed. Worked out of the groups whenever it is asked for. Pure memory.
 */
import { OffsetSet } from '../containers/offset-set.ts'
import type { GroupState } from './group-state.ts'
import { absentRanges, nextPresentOr } from './ranges.ts'

export class DoneOffsets {
  /** Taken out while there was no group, whose business that is otherwise. */
  readonly removed = new OffsetSet()
  readonly #groups: ReadonlyMap<number, GroupState>

  /** `groups` are those of the queue, whichever it has by then. */
  constructor(groups: ReadonlyMap<number, GroupState>) {
    this.#groups = groups
  }

  /** Every offset below is done. */
  get floor(): number {
    if (this.#groups.size === 0) return this.removed.floor
    let floor = Number.POSITIVE_INFINITY
    for (const group of this.#groups.values()) floor = Math.min(floor, group.finished.floor)
    return floor
  }

  has(offset: number): boolean {
    if (this.#groups.size === 0) return this.removed.has(offset)
    for (const group of this.#groups.values()) if (!group.finished.has(offset)) return false
    return true
  }

  /** Done once this group has finished it, too. */
  hasBut(offset: number, group: number): boolean {
    for (const { number, finished } of this.#groups.values()) {
      if (finished.has(offset) !== (number !== group)) return false
    }
    return this.#groups.has(group)
  }

  /** Whoever has not finished these has nothing to finish there any more. */
  add(first: number, end: number): void {
    if (this.#groups.size === 0) this.removed.add(first, end)
    for (const group of this.#groups.values()) group.finish(first, end)
  }

  /** The first offset from `from` on that is not done; `end` where all are. */
  nextPending(from: number, end: number): number {
    if (this.#groups.size === 0) return Math.min(end, this.removed.nextAbsent(from))
    let next = end
    for (const { finished } of this.#groups.values()) {
      next = Math.min(next, finished.nextAbsent(from))
    }
    return next
  }

  /** What of these ranges is done. */
  within(ranges: readonly number[]): number[] {
    const done: number[] = []
    for (let i = 0; i < ranges.length; i += 2) {
      const end = ranges[i + 1] ?? 0
      for (let from = ranges[i] ?? 0; from < end; ) {
        const pending = this.nextPending(from, end)
        if (pending > from) done.push(from, pending)
        from = this.#next(pending, end)
      }
    }
    return done
  }

  /** What of [first, end) is not done. */
  pendingWithin(first: number, end: number): number[] {
    const pending: number[] = []
    for (let from = this.nextPending(first, end); from < end; ) {
      const done = this.#next(from, end)
      pending.push(from, done)
      from = this.nextPending(done, end)
    }
    return pending
  }

  /** A set of its own of all that are done; the queue has given the offsets below `end`. */
  toSet(end: number): OffsetSet {
    const [first, ...others] = this.#groups.values()
    if (!first) return this.removed.clone()
    const done = first.finished.clone()
    for (const { finished } of others) {
      const pending = absentRanges(finished, finished.floor, end)
      for (let i = 0; i < pending.length; i += 2) done.remove(pending[i] ?? 0, pending[i + 1] ?? 0)
    }
    return done
  }

  /** The first offset from `from` on that is done; `end` where none is. */
  #next(from: number, end: number): number {
    if (from >= end) return end
    if (this.#groups.size === 0) return nextPresentOr(this.removed, from, end)
    for (let at = from; ; ) {
      let next = at
      for (const { finished } of this.#groups.values()) next = nextPresentOr(finished, next, end)
      // It is in every set where none of them went on.
      if (next === at || next >= end) return next
      at = next
    }
  }
}
