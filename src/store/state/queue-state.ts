/**
 * A queue as the log records it: its messages in lanes, its groups, what was taken out of it. A message
 * is done once it was removed, or once every group that exists has finished it; it is gone with that,
 * unless the queue retains it. Pure memory.
 */
import type { OffsetSet } from '../containers/offset-set.ts'
import type { MessageFacts } from '../records/message-record.ts'
import { isSameSettings, NO_SETTINGS, type SettingValues } from '../records/queue-settings.ts'
import { unreadable } from '../records/unreadable.ts'
import { DoneOffsets } from './done-offsets.ts'
import { GroupState } from './group-state.ts'
import { KeyTable } from './key-table.ts'
import type { Lane } from './lane.ts'
import { Lanes } from './lanes.ts'
import { ProducerTable } from './producer-table.ts'
import { absentRanges, lengthOf } from './ranges.ts'
import { Retained } from './retained.ts'
import { SizeTable } from './size-table.ts'
import { GroupCounts, QueueCounts } from './totals.ts'
import { Trailing } from './trailing.ts'

/** More messages of a queue in a row are not lost to damage: whoever says so says anything. */
const LOST_OFFSETS_MAX = 2 ** 32

/** What a queue tells of its changes while the store is open. */
export interface QueueEvents {
  put(lane: Lane, facts: MessageFacts, id: number): void
  laneAdded(lane: Lane): void
  groupAdded(group: GroupState): void
  groupRemoved(group: GroupState): void
  /** It begins anew, wherever that is. */
  groupRestarted(group: GroupState): void
  pauseChanged(): void
  /** Everything has left; so many messages were there. */
  purged(count: number): void
}

export class QueueState {
  readonly number: number
  readonly name: string
  /** Offset of the next message that is put. */
  nextOffset = 0
  /** In the store's own time; 0 = not paused. */
  pausedUntilMs = 0
  readonly lanes = new Lanes()
  readonly groups = new Map<number, GroupState>()
  nextGroup = 1
  readonly done = new DoneOffsets(this.groups)
  readonly keys = new KeyTable()
  readonly producers = new ProducerTable()
  settings: SettingValues = NO_SETTINGS
  /** Grows with every change of the settings. */
  settingsVersion = 0
  /** Bytes of messages that are not gone; undefined as long as no limit needs them. */
  sizes: SizeTable | undefined
  readonly trailing = new Trailing()
  /** Messages that are done, and not gone. */
  readonly retained = new Retained()
  /** Their bytes, as far as they are counted. */
  retainedBytes = 0
  /** Messages that are not done: some group, or nobody yet, has still to finish them. */
  pending = 0
  /** Grows with every change of what is saved beside lanes and keys. */
  version = 0
  /** What happened since the store was opened, but for what its groups count. */
  counts = new QueueCounts()
  events: QueueEvents | undefined
  /** Records that were put since the store was opened, and their bytes. */
  #seenCount = 0
  #seenBytes = 0

  constructor(number: number, name: string) {
    this.number = number
    this.name = name
  }

  group(name: string): GroupState | undefined {
    for (const group of this.groups.values()) if (group.name === name) return group
    return undefined
  }

  /** `bytes` is what its record takes, `elapsedMs` the store's own time as far as the entries tell. */
  put(facts: MessageFacts, id: number, timeMs: number, elapsedMs: number, bytes: number): void {
    const { offset, key } = facts
    this.noteUsed(offset)
    const lane = this.#laneFor(facts.priority)
    lane.postings.append(
      id,
      offset,
      timeMs,
      facts.dueKind,
      facts.dueMs,
      facts.expiresMs === 0 ? 0 : 1,
      facts.expiresMs,
      lane.priority === undefined ? facts.priority : 0,
    )
    this.nextOffset = Math.max(this.nextOffset, offset + 1)
    this.version++
    this.pending++
    this.lanes.noteAdded()
    this.sizes?.add(offset, bytes)
    this.#seenCount++
    this.#seenBytes += bytes
    this.counts.put++
    if (key !== undefined) {
      const { keyUntilMs, keyWindowMs } = facts
      this.keys.set(key, { id, offset, untilMs: keyUntilMs }, keyUntilMs - keyWindowMs)
    } else this.keys.prune(elapsedMs)
    if (facts.producer !== undefined) this.producers.add(facts.producer, facts.sequence)
    // The one that it was to come after may have left in front of it.
    if (facts.after >= 0 && !this.done.has(facts.after)) this.trailing.add(offset, facts.after)
    this.events?.put(lane, facts, id)
  }

  /**
   * Offsets below were given. Messages that never came were lost to damage: their offsets are not given
   * again, and nobody waits for them.
   */
  noteUsed(end: number): void {
    if (end <= this.nextOffset) return
    this.checkNamed(end)
    this.done.add(this.nextOffset, end)
    this.nextOffset = end
  }

  /** Throws QLOG_NEWER_FORMAT where a record names offsets up to `end`, and so many cannot have been lost. */
  checkNamed(end: number): void {
    if (end - this.nextOffset <= LOST_OFFSETS_MAX) return
    throw unreadable(`names offset ${end - 1} of a queue that has given ${this.nextOffset}`)
  }

  addGroup(number: number, name: string, from: number): GroupState {
    // What is gone is gone for groups to come, too: nothing can fetch it any more.
    const finished = this.done.toSet(this.nextOffset)
    // A start behind the end means the end: offsets there may yet be given to somebody.
    const start = Math.min(from, this.nextOffset)
    // What no group that exists begins with is done: it is nobody's to finish.
    const before = this.groups.size > 0 ? [] : absentRanges(finished, 0, start)
    if (start > 0) finished.add(0, start)
    this.#revive(finished, start)
    // From now on the groups know what is done.
    this.done.removed.setFloor(0)
    const group = this.loadGroup(number, name, finished)
    this.#noteDone(before)
    return group
  }

  /** A group as it was saved, or as `addGroup` makes it. */
  loadGroup(number: number, name: string, finished: OffsetSet): GroupState {
    const group = new GroupState(number, name, finished)
    this.groups.set(number, group)
    this.nextGroup = Math.max(this.nextGroup, number + 1)
    this.events?.groupAdded(group)
    return group
  }

  removeGroup(group: GroupState): void {
    const isLast = this.groups.size === 1
    const { removed } = this.done
    const unfinished = absentRanges(group.finished, group.finished.floor, this.nextOffset)
    if (isLast)
      group.finished.forEachRange(0, this.nextOffset, (first, end) => removed.add(first, end))
    this.groups.delete(group.number)
    this.counts.add(group.counts)
    this.events?.groupRemoved(group)
    // Without any group the queue keeps everything.
    if (!isLast) this.#noteDone(this.done.within(unfinished))
  }

  /** The group begins anew at this offset; what is gone stays gone. */
  restart(group: GroupState, from: number): void {
    const finished = this.done.toSet(this.nextOffset)
    // As where a group begins: a place behind the end means the end.
    const start = Math.min(from, this.nextOffset)
    const passed = absentRanges(group.finished, 0, start)
    if (start > 0) finished.add(0, start)
    this.#revive(finished, start)
    group.restart(finished, this.nextOffset)
    this.#noteDone(this.groups.size === 1 ? passed : this.done.within(passed))
    this.events?.groupRestarted(group)
  }

  /** The group is done with these. */
  finish(group: GroupState, first: number, end: number): void {
    const unfinished = absentRanges(group.finished, first, end)
    group.counts.acked += group.finish(first, end)
    this.#noteDone(this.groups.size === 1 ? unfinished : this.done.within(unfinished))
  }

  /** Out of the queue, for every group; returns how many were there. To be followed by a sweep. */
  remove(first: number, end: number): number {
    const { done, nextOffset } = this
    // What is not done already, and was given to somebody.
    const gone = done.pendingWithin(Math.max(first, done.floor), Math.min(end, nextOffset))
    done.add(first, end)
    const retained = this.#takeRetained(first, end)
    this.pending -= lengthOf(gone)
    this.#noteEnded(gone)
    this.#noteGone(gone)
    this.#noteGone(retained)
    return lengthOf(gone) + lengthOf(retained)
  }

  /** What is retained below this offset is gone. */
  forget(below: number): void {
    this.version++
    this.#noteGone(this.#takeRetained(0, below))
    this.sweep()
  }

  /** Everything that is there leaves, for every group. */
  purge(): void {
    const { goneFloor, nextOffset } = this
    this.version++
    const count = goneFloor < nextOffset ? this.remove(goneFloor, nextOffset) : 0
    this.sweep()
    this.counts.noteDeleted(count)
    this.events?.purged(count)
  }

  /** It cannot be read any more, by anybody. */
  isGone(offset: number): boolean {
    return this.done.has(offset) && !this.retained.has(offset)
  }

  /** Bytes of messages that are not done and were put since bytes are counted. */
  get bytes(): number {
    return (this.sizes?.total ?? 0) - this.retainedBytes
  }

  /** What a record takes, as far as any is known: of those that are counted, else of those seen. */
  get meanBytes(): number | undefined {
    const { sizes } = this
    if (sizes && sizes.count > 0) return sizes.total / sizes.count
    return this.#seenCount === 0 ? undefined : this.#seenBytes / this.#seenCount
  }

  configure(settings: SettingValues): void {
    if (isSameSettings(settings, this.settings)) return
    this.settings = settings
    this.settingsVersion++
    if (settings.bytesMax > 0 || settings.retainBytes > 0) this.sizes ??= new SizeTable()
    if (settings.retains === 0 && this.retained.count > 0) this.forget(this.nextOffset)
  }

  /** Every offset below is gone. */
  get goneFloor(): number {
    return this.retained.next(0, this.done.floor)
  }

  /** Lets go of entries of messages that are gone, where there are too many of them. */
  sweep(): void {
    this.lanes.sweep(this.pending + this.retained.count, this)
  }

  /** What happened up to now is not counted any more. */
  beginCounting(): void {
    this.counts = new QueueCounts()
    for (const group of this.groups.values()) group.counts = new GroupCounts()
  }

  /** Counts of the queue and of all its groups, also of those that are removed. */
  allCounts(): QueueCounts {
    const all = new QueueCounts()
    all.addQueue(this.counts)
    for (const { counts } of this.groups.values()) all.add(counts)
    return all
  }

  /** After loading: what is counted and not saved. */
  countRetained(): void {
    this.retainedBytes = 0
    if (this.sizes && this.retained.count > 0) {
      this.retained.forEachRange(0, this.nextOffset, (first, end) => {
        this.retainedBytes += this.sizes?.bytesWithin(first, end) ?? 0
      })
    }
  }

  #laneFor(priority: number): Lane {
    const known = this.lanes.of(priority)
    if (known) return known
    const lane = this.lanes.addFor(priority)
    this.events?.laneAdded(lane)
    return lane
  }

  /** Every group has finished these: they are gone, unless the queue retains them. */
  #noteDone(done: readonly number[]): void {
    this.pending -= lengthOf(done)
    this.#noteEnded(done)
    if (this.settings.retains === 0) this.#noteGone(done)
    else {
      for (let i = 0; i < done.length; i += 2) {
        const [first = 0, end = 0] = [done[i], done[i + 1]]
        this.retained.add(first, end)
        this.retainedBytes += this.sizes?.bytesWithin(first, end) ?? 0
      }
    }
    this.sweep()
  }

  /** What comes after one of these need not wait for it any more. */
  #noteEnded(done: readonly number[]): void {
    if (this.trailing.size === 0) return
    for (let i = 0; i < done.length; i += 2) this.trailing.forget(done[i] ?? 0, done[i + 1] ?? 0)
  }

  #noteGone(gone: readonly number[]): void {
    if (!this.sizes) return
    for (let i = 0; i < gone.length; i += 2) this.sizes.remove(gone[i] ?? 0, gone[i + 1] ?? 0)
  }

  /** What is retained from this offset on is somebody's again to finish. */
  #revive(finished: OffsetSet, from: number): void {
    const revived = this.#takeRetained(from, this.nextOffset)
    for (let i = 0; i < revived.length; i += 2)
      finished.remove(revived[i] ?? 0, revived[i + 1] ?? 0)
    this.pending += lengthOf(revived)
  }

  /** Takes out of what is retained what stands there, and returns it. */
  #takeRetained(first: number, end: number): number[] {
    const ranges = this.retained.take(first, end)
    if (!this.sizes) return ranges
    for (let i = 0; i < ranges.length; i += 2) {
      this.retainedBytes -= this.sizes.bytesWithin(ranges[i] ?? 0, ranges[i + 1] ?? 0)
    }
    return ranges
  }
}
