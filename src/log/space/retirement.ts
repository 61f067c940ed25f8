/**
 * Gives space back: which full segments may leave the log, because all their messages are discarded or
 * beyond what is retained, and when. They leave by a durable map; their files follow.
 */
import type { MapEntry } from '../../format/link.ts'
import type { CommitLoop } from '../commit-loop.ts'
import type { Lsn, Ticket } from '../seam.ts'
import { HeldBack } from './held-back.ts'
import { Liveness } from './liveness.ts'
import type { RetentionLimits } from './retention.ts'
import { countExpired } from './retention.ts'
import type { RetiredFiles } from './retired-files.ts'

/** Discards that wait for appends in front of them; more are dropped, which loses only space. */
const WAITING_DISCARDS_MAX = 1_000_000

/** A discard that waits until everything appended before it is durable. */
interface WaitingDiscard {
  readonly behind: Ticket
  readonly firstId: number
  endId: number
}

export interface RetirementOptions {
  readonly loop: CommitLoop
  readonly files: RetiredFiles
  readonly retention: RetentionLimits
  /** Only segments wholly below may go: nothing that stands there is needed for the owner's state. */
  readonly gcRoot: () => Lsn
  readonly nowMs: () => number
  readonly after: (delayMs: number, callback: () => void) => () => void
  /** Time of the first block of the segment behind this one; undefined where it cannot be read. */
  readonly endTimeOf: (entry: MapEntry) => Promise<number | undefined>
  /** Called once files are gone. */
  readonly onFreed: () => void
  /** Called where messages of full segments were discarded. */
  readonly onDiscarded: () => void
}

export class Retirement {
  readonly #options: RetirementOptions
  readonly #liveness = new Liveness()
  readonly #heldBack: HeldBack
  readonly #waiting: WaitingDiscard[] = []
  /** Oldest full segments, that many, are beyond what is retained. */
  #expired = 0
  readonly #endTimes = new Map<number, number | undefined>()
  #expiring: Promise<void> | undefined
  #cancelExpiry: (() => void) | undefined
  #isRetiring = false
  /** Segments that are being merged, or whose new entry no durable map has yet: they stay. */
  readonly #held = new Set<MapEntry>()
  #removing: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: RetirementOptions) {
    this.#options = options
    this.#heldBack = new HeldBack({ ...options, liveness: this.#liveness })
  }

  isDiscarded(id: number): boolean {
    return this.#liveness.isDiscarded(id)
  }

  deadIn(number: number): number {
    return this.#liveness.deadIn(number)
  }

  /** Bytes of full segments that only the root keeps from being given back. */
  get heldBackBytes(): number {
    return this.#heldBack.bytes
  }

  /** The counts by segment, for merging. */
  get liveness(): Liveness {
    return this.#liveness
  }

  /** Whether a map without segments that have left is still on its way. */
  get isRetiring(): boolean {
    return this.#isRetiring
  }

  /** Whether the segment stands wholly below the root, and may leave the log by itself or by merging. */
  mayLeave(entry: MapEntry): boolean {
    return entry.base + entry.cut <= this.#options.gcRoot() && !this.#held.has(entry)
  }

  /** Keeps segments in the log until they are let go of. */
  hold(entries: readonly MapEntry[]): void {
    for (const entry of entries) this.#held.add(entry)
  }

  /**
   * The same for one segment, of the map as it is now, that nobody holds and that stands wholly below the
   * root: who holds it already would let go of it for both. False where it is not such a one.
   */
  tryHold(entry: MapEntry): boolean {
    if (!this.mayLeave(entry) || !this.#options.loop.map.includes(entry)) return false
    this.hold([entry])
    return true
  }

  letGo(entries: readonly MapEntry[]): void {
    for (const entry of entries) this.#held.delete(entry)
    this.expire()
    this.#retire()
  }

  /**
   * Puts a merged segment, which holds so many messages, in the place of its victims, which are held;
   * `done` runs once that is durable. Their files follow.
   */
  merge(victims: readonly MapEntry[], merged: MapEntry, held: number, done: () => void): void {
    this.#liveness.merge(victims, merged, held)
    this.#replace(victims, merged, () => {
      this.#remove(victims)
      done()
    })
  }

  /** Puts another entry of the same segment, which is held, in its place. */
  mark(entry: MapEntry, marked: MapEntry, done: () => void): void {
    this.#replace([entry], marked, done)
  }

  /**
   * Puts a mended copy of a segment, which is held, in its place; `done` runs once that is durable. The
   * damaged file is set aside then, and not before: until then it is the log's.
   */
  mend(entry: MapEntry, mended: MapEntry, done: () => void): void {
    this.#replace([entry], mended, () => {
      this.#remove([{ ...entry, damaged: true }], false)
      done()
    })
  }

  /** Leftovers go with the next LINK. */
  clearLater(): void {
    const { loop, files } = this.#options
    if (files.hasLeftovers) loop.retireLater([], () => this.#removeBy(() => files.clear()))
  }

  /** They are cleared away before more of them are made. */
  get hasLeftovers(): boolean {
    return this.#options.files.hasLeftovers
  }

  /** Looks at everything that may leave by itself, now. */
  async retireNow(): Promise<void> {
    this.expire()
    await this.#expiring
    this.#retire()
    if (this.hasLeftovers) this.#askForMap([])
  }

  /** Resolves when no file of a segment that has left is on its way out. */
  removed(): Promise<void> {
    return this.#removing
  }

  #replace(gone: readonly MapEntry[], instead: MapEntry, done: () => void): void {
    const last = gone.at(-1)
    const endTime = last && this.#endTimes.get(last.number)
    for (const { number } of gone) this.#endTimes.delete(number)
    if (endTime !== undefined) this.#endTimes.set(instead.number, endTime)
    // Rows have moved: they are counted anew.
    this.#expired = 0
    this.hold([instead])
    const whenGone = (): void => {
      done()
      this.letGo([...gone, instead])
    }
    this.#options.loop.retire(gone, whenGone, instead)
  }

  /**
   * Takes effect once everything appended before is durable: the record by which an owner finished a
   * message must not be lost after the message.
   */
  discard(firstId: number, endId: number): void {
    const { loop } = this.#options
    // An id that has not resolved yet may still be given to another message.
    const end = Math.min(endId, loop.settlement.visibleNextId)
    if (end <= firstId) return
    const behind = loop.lastTicket
    if (behind > loop.settledTicket) this.#wait(behind, firstId, end)
    else if (this.#discardNow(firstId, end)) this.#retire()
  }

  /** Called after groups resolved. */
  settled(): void {
    const { settledTicket } = this.#options.loop
    let mayFinish = false
    let taken = 0
    for (const { behind, firstId, endId } of this.#waiting) {
      if (behind > settledTicket) break
      mayFinish = this.#discardNow(firstId, endId) || mayFinish
      taken++
    }
    this.#waiting.splice(0, taken)
    if (mayFinish) this.#retire()
  }

  /** Called when a segment is full and its successor durable. */
  sealed(entry: MapEntry): void {
    this.#endTimes.set(entry.number, this.#options.loop.timeMs)
    this.expire()
    this.#retire()
    this.#heldBack.count()
  }

  /** Looks which segments are beyond what is retained, now and whenever one comes of age. */
  expire(): void {
    const { retention } = this.#options
    if (Object.values(retention).every((limit) => limit === undefined)) return
    this.#expiring ??= this.#expire()
      // Space is given back later where a segment's age cannot be read now.
      .catch(() => undefined)
      .finally(() => {
        this.#expiring = undefined
      })
  }

  /** Called when the GC root may have moved. */
  rootMoved(): void {
    this.expire()
    this.#retire()
    this.#heldBack.count()
  }

  /** Ends timers and asks for no map any more, so that none stands behind CLEAN. */
  end(): void {
    this.#closed = true
    this.#cancelExpiry?.()
  }

  /** The same, and waits for files that are on their way out. */
  async close(): Promise<void> {
    this.end()
    await this.#expiring
    await this.#removing
  }

  #wait(behind: Ticket, firstId: number, endId: number): void {
    const last = this.#waiting.at(-1)
    if (last?.behind === behind && last.endId === firstId) last.endId = endId
    else if (this.#waiting.length < WAITING_DISCARDS_MAX) {
      this.#waiting.push({ behind, firstId, endId })
    }
  }

  /** True where a full segment may have become finished. */
  #discardNow(firstId: number, endId: number): boolean {
    const { segment, map } = this.#options.loop
    if (segment && endId > segment.firstId) {
      this.#liveness.discardIn(segment.number, Math.max(firstId, segment.firstId), endId)
    }
    const mayFinish = this.#liveness.discard(firstId, endId, map)
    this.#heldBack.discarded(mayFinish)
    this.#options.onDiscarded()
    return mayFinish
  }

  async #expire(): Promise<void> {
    const { loop, retention, nowMs, endTimeOf } = this.#options
    if (retention.ageMs !== undefined) {
      for (const entry of loop.map) {
        if (!this.#endTimes.has(entry.number)) {
          this.#endTimes.set(entry.number, await endTimeOf(entry))
        }
        const timeMs = this.#endTimes.get(entry.number)
        if (timeMs === undefined || timeMs + retention.ageMs > nowMs()) break
      }
    }
    if (this.#closed || loop.state !== 'open') return
    const kept = loop.map.map(({ cut, endId, number }) => ({
      dataBytes: cut,
      endId,
      endTimeMs: this.#endTimes.get(number),
    }))
    const end = {
      dataBytes: loop.settlement.visibleEnd,
      nextId: loop.settlement.visibleNextId,
      nowMs: nowMs(),
    }
    this.#expired = countExpired(kept, end, retention)
    this.#armExpiry()
    if (this.#expired > 0) this.#retire()
  }

  /** Waits for the oldest segment that stays to come of age. */
  #armExpiry(): void {
    const { loop, retention, nowMs, after } = this.#options
    this.#cancelExpiry?.()
    this.#cancelExpiry = undefined
    const oldest = loop.map[this.#expired]
    const timeMs = oldest && this.#endTimes.get(oldest.number)
    if (retention.ageMs === undefined || timeMs === undefined) return
    this.#cancelExpiry = after(Math.max(1, timeMs + retention.ageMs - nowMs()), () => this.expire())
  }

  /** Takes full segments out of the map that are finished or expired. */
  #retire(): void {
    const { loop } = this.#options
    if (loop.state !== 'open' || this.#closed || this.#isRetiring) return
    const expired = this.#expired
    const gone = loop.map.filter(
      (entry, row) => this.mayLeave(entry) && (row < expired || this.#liveness.isFinished(entry)),
    )
    if (gone.length === 0) return
    this.#expired = 0
    // A map that finds no room begins a segment, which leaves such a one behind again, and so forever. From
    // two on it gives back more than it takes.
    if (gone.length === 1 && gone.every(isBare) && !loop.fitsMap) {
      loop.retireLater(gone, () => this.#retired(gone))
      return
    }
    this.#askForMap(gone)
  }

  #askForMap(gone: readonly MapEntry[]): void {
    const { loop } = this.#options
    if (loop.state !== 'open' || this.#closed || this.#isRetiring) return
    this.#isRetiring = true
    loop.retire(gone, () => {
      this.#isRetiring = false
      if (gone.length > 0) this.#retired(gone)
      this.#retire()
    })
  }

  #retired(gone: readonly MapEntry[]): void {
    this.#liveness.forget(gone, this.#options.loop.firstId)
    for (const { number } of gone) this.#endTimes.delete(number)
    this.#remove(gone)
  }

  /** The files of segments that no durable map names any more. */
  #remove(gone: readonly MapEntry[], isTold = true): void {
    const { loop, files } = this.#options
    if (isTold) for (const entry of gone) loop.events.segment('retired', entry)
    this.#removeBy(() => files.remove(gone))
  }

  #removeBy(remove: () => Promise<void>): void {
    const { loop, onFreed } = this.#options
    this.#removing = this.#removing
      .then(() => loop.sealed())
      .then(remove)
      // A file that stays is named by no map: the next opening clears it away.
      .catch(() => undefined)
      .finally(onFreed)
  }
}

/** It holds nothing of the owner's: only a map, or a part of a snapshot, made it necessary. */
function isBare({ firstId, endId, hasControl }: MapEntry): boolean {
  return firstId === endId && !hasControl
}
