/**
 * What a log in memory keeps beyond one opening: durable entries, bodies by id, snapshots, and who writes
 * at present. It plays the disk; touches nothing outside.
 */

import type { Lsn, MessageId } from '../seam.ts'
import { BodyTable, type StoredEntry } from './bodies.ts'

/** Fewer dead entries than this are not worth a walk over all of them. */
const DEAD_ENTRIES_MIN = 256

/** A part as it is kept; its bytes are never changed. */
export interface KeptPart {
  readonly at: Lsn
  readonly bytes: Uint8Array
}

/** The log that writes to a medium at present. */
export interface MediumWriter {
  /** Somebody else opens: from now on nothing of this writer's may become durable. */
  fence(): void
  /** The process of this writer is gone: it says nothing any more, and nobody can ask it anything. */
  vanish(): void
}

/**
 * Holds a log in memory from one opening to the next. Give one to `openMemoryLog()`, close or
 * {@link crash} the log, and open the same medium again.
 */
export class MemoryMedium {
  /** @internal */
  readonly bodies = new BodyTable()
  #entries: StoredEntry[] = []
  #deadEntries = 0
  /**
   * The owner has state: it needs every entry that no snapshot covers, also one whose messages are all
   * discarded, to come to the same state again.
   */
  #hasControl = false
  #epoch = 0
  #nextId: MessageId = 1
  #lastLsn: Lsn = 0
  #timeMs = 0
  #parts: ReadonlyMap<string, KeptPart> | undefined
  /** Entries up to this LSN are covered by the newest snapshot, whatever part one looks at. */
  #covered: Lsn = 0
  #writer: MediumWriter | undefined

  /** Epoch of the newest opening; 0 before the first. */
  get epoch(): number {
    return this.#epoch
  }

  /** Id of the first message that is not durable. */
  get nextId(): MessageId {
    return this.#nextId
  }

  /** LSN of the newest durable entry; 0 before the first. */
  get lastLsn(): Lsn {
    return this.#lastLsn
  }

  /** Time of the newest durable entry. */
  get timeMs(): number {
    return this.#timeMs
  }

  /** Bodies that are kept: messages that were not discarded. */
  get liveMessages(): number {
    return this.bodies.live
  }

  /** Entries that are kept for readers and replay. */
  get keptEntries(): number {
    return this.#entries.length
  }

  /**
   * The process that writes at present ends here: what it had not committed is lost (a `SlowLog` lets some
   * of it survive, as a disk would), and its owner hears nothing more.
   */
  crash(): void {
    const writer = this.#writer
    this.#writer = undefined
    writer?.vanish()
  }

  /** @internal Takes over from whoever writes at present, and tells the new writer's epoch. */
  enter(writer: MediumWriter): number {
    const before = this.#writer
    this.#writer = writer
    before?.fence()
    // An LSN that an earlier writer gave to something that was lost is not given again.
    this.#lastLsn += 1
    this.#epoch += 1
    return this.#epoch
  }

  /** @internal */
  leave(writer: MediumWriter): void {
    if (this.#writer === writer) this.#writer = undefined
  }

  /** @internal Makes an entry durable. */
  add(entry: StoredEntry): void {
    if (entry.lsn <= this.#lastLsn) throw new Error(`LSN ${entry.lsn} after ${this.#lastLsn}`)
    const { ids } = entry
    if (ids.length > 0 && ids[0] !== this.#nextId) {
      throw new Error(`id ${ids[0]} where ${this.#nextId} is next`)
    }
    this.#entries.push(entry)
    if (entry.control.length > 0) this.#hasControl = true
    this.#lastLsn = entry.lsn
    this.#timeMs = entry.timeMs
    this.#nextId += ids.length
    for (let i = 0; i < ids.length; i++) this.bodies.add(this.#nextId - ids.length + i, entry)
  }

  /** @internal The entries from `index` on are those behind `after`. */
  indexAfter(after: Lsn): number {
    const entries = this.#entries
    let low = 0
    let high = entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((entries[middle] as StoredEntry).lsn <= after) low = middle + 1
      else high = middle
    }
    return low
  }

  /** @internal */
  entryAt(index: number): StoredEntry | undefined {
    return this.#entries[index]
  }

  /** @internal Frees the bodies from `first` to `last`, as far as they are there. */
  discard(first: MessageId, last: MessageId): void {
    this.#deadEntries += this.bodies.discard(first, Math.min(last, this.#nextId - 1))
    if (this.#hasControl) return
    if (this.#deadEntries >= Math.max(DEAD_ENTRIES_MIN, this.#entries.length / 2)) this.trim()
  }

  /** @internal An entry that readers need not see. */
  isOver(entry: StoredEntry): boolean {
    return entry.isDead && !this.#hasControl
  }

  /** @internal Forgets entries of which nothing is left. */
  trim(): void {
    if (this.#hasControl) return
    this.#entries = this.#entries.filter((entry) => !entry.isDead)
    this.#deadEntries = 0
  }

  /** @internal */
  get parts(): ReadonlyMap<string, KeptPart> | undefined {
    return this.#parts
  }

  /**
   * @internal Replaces the snapshot. Entries that the one before covers too leave the way of readers;
   * messages in them that live stay where `fetch` finds them.
   */
  save(parts: ReadonlyMap<string, KeptPart>): void {
    const root = this.#covered
    this.#parts = parts
    this.#covered = parts.size === 0 ? 0 : lowestAt(parts)
    const end = this.indexAfter(Math.min(root, this.#covered))
    if (end === 0) return
    const covered = this.#entries.slice(0, end)
    this.#entries = this.#entries.slice(end)
    this.#deadEntries = 0
    for (const entry of this.#entries) if (entry.isDead) this.#deadEntries++
    for (const entry of covered) this.bodies.detach(entry)
  }
}

function lowestAt(parts: ReadonlyMap<string, KeptPart>): Lsn {
  let lowest = Number.POSITIVE_INFINITY
  for (const { at } of parts.values()) lowest = Math.min(lowest, at)
  return lowest
}
