/**
 * The map of full segments while the log is open: what the next LINK or MAP will name, what a durable
 * one still names, and what to do once it no longer does. Memory only.
 */
import type { MapEntry, SnapshotPlaces } from '../format/link.ts'

export class LiveMap {
  /** Segments in front of the current one, by number: what the next LINK or MAP names. */
  entries: readonly MapEntry[]
  /** Ends of the newest complete snapshots that were read back whole: what the next LINK or MAP names. */
  snapshots: SnapshotPlaces
  /** A MAP is due: entries or snapshots differ from what any durable map names. */
  isDue = false
  /** Out of `entries`, and not yet out of every durable map. */
  #leaving: readonly MapEntry[] = []
  /** In `entries`, and not yet in a durable map. */
  #arriving: readonly MapEntry[] = []
  #whenGone: (() => void)[] = []
  /** Somebody waits for one of them. */
  #isAwaited = false
  #durable: readonly MapEntry[] | undefined

  constructor(entries: readonly MapEntry[], snapshots: SnapshotPlaces) {
    this.entries = entries
    this.snapshots = snapshots
  }

  /**
   * What a durable map names, and so what readers may be shown: a segment is gone only when that is
   * durable, or the log's start would move back after a crash.
   */
  get durable(): readonly MapEntry[] {
    if (this.#leaving.length === 0) return this.entries
    this.#durable ??= [...this.#leaving, ...this.#there()].sort((a, b) => a.number - b.number)
    return this.#durable
  }

  /** Takes the map that the LINK of a new segment names. */
  adopt(entries: readonly MapEntry[]): void {
    this.entries = entries
    this.#durable = undefined
  }

  /** Takes segments out, puts `instead` in their place; `whenGone` runs once that is durable. */
  retire(gone: readonly MapEntry[], whenGone: () => void, instead?: MapEntry): void {
    this.retireLater(gone, whenGone, instead)
    this.#isAwaited = true
    this.isDue = true
  }

  /** The same, by the next LINK or MAP that leaves for another reason. */
  retireLater(gone: readonly MapEntry[], whenGone: () => void, instead?: MapEntry): void {
    const set = new Set(gone)
    const kept = this.entries.filter((entry) => !set.has(entry))
    this.adopt(instead ? [...kept, instead].sort((a, b) => a.number - b.number) : kept)
    this.#leaving = [...this.#leaving, ...gone]
    if (instead) this.#arriving = [...this.#arriving, instead]
    this.#whenGone.push(whenGone)
  }

  /** Names other snapshots from now on; `whenNamed` runs once that is durable. */
  nameSnapshots(places: SnapshotPlaces, whenNamed: () => void): void {
    this.snapshots = places
    this.#whenGone.push(whenNamed)
    this.#isAwaited = true
    this.isDue = true
  }

  /** Somebody waits for a LINK or MAP to leave that says what they have changed. */
  get isWaiting(): boolean {
    return this.#isAwaited
  }

  /**
   * Called when a LINK or MAP leaves: returns what to do once it is durable, or undefined where it
   * changes nothing.
   */
  takeRetiring(): (() => void) | undefined {
    this.isDue = false
    this.#isAwaited = false
    if (this.#whenGone.length === 0) return undefined
    const whenGone = this.#whenGone
    const left = new Set(this.#leaving)
    const arrived = new Set(this.#arriving)
    this.#whenGone = []
    return () => {
      this.#leaving = this.#leaving.filter((entry) => !left.has(entry))
      this.#arriving = this.#arriving.filter((entry) => !arrived.has(entry))
      this.#durable = undefined
      for (const done of whenGone) done()
    }
  }

  #there(): readonly MapEntry[] {
    if (this.#arriving.length === 0) return this.entries
    return this.entries.filter((entry) => !this.#arriving.includes(entry))
  }
}
