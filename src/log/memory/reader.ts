/** Entries of a log in memory in order, up to what is durable; waits at the end where it is asked to. */

import { throwIfAborted } from '../../errors.ts'
import { Turns } from '../read/message-iterators.ts'
import type { Entry, EntryRange, Lsn } from '../seam.ts'
import type { StoredEntry } from './bodies.ts'
import type { MemoryMedium } from './medium.ts'
import type { MemoryLog } from './memory-log.ts'

const BYTES_MAX_DEFAULT = 256 * 1024

export class MemoryReader implements AsyncIterableIterator<readonly Entry[]> {
  readonly #medium: MemoryMedium
  readonly #log: MemoryLog
  readonly #range: EntryRange
  readonly #turns = new Turns()
  readonly #end = new AbortController()
  /** The caller's signal and ours. */
  readonly #either: AbortSignal
  #after: Lsn

  constructor(medium: MemoryMedium, log: MemoryLog, range: EntryRange) {
    this.#medium = medium
    this.#log = log
    this.#range = range
    this.#after = range.after
    const { signal } = this.#end
    this.#either = range.signal ? AbortSignal.any([range.signal, signal]) : signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<readonly Entry[]>> {
    return this.#turns.run(async () => {
      let entries: readonly Entry[] | undefined
      try {
        entries = await this.#nextEntries()
      } finally {
        if (!entries) this.#end.abort()
      }
      return entries ? { done: false, value: entries } : { done: true, value: undefined }
    })
  }

  async return(): Promise<IteratorResult<readonly Entry[]>> {
    this.#end.abort()
    return this.#turns.run(async () => ({ done: true, value: undefined }))
  }

  async #nextEntries(): Promise<readonly Entry[] | undefined> {
    while (!this.#end.signal.aborted) {
      throwIfAborted(this.#range.signal)
      this.#log.assertReadable()
      const entries = this.#take()
      if (entries.length > 0) return entries
      if (!this.#range.follow) return undefined
      this.#log.assertUsable()
      try {
        await this.#log.changed(this.#either)
      } catch (error) {
        if (!this.#end.signal.aborted) throw error
      }
    }
    return undefined
  }

  #take(): Entry[] {
    const { durableLsn } = this.#log
    const bytesMax = this.#range.bytesMax ?? BYTES_MAX_DEFAULT
    const entries: Entry[] = []
    let bytes = 0
    for (let index = this.#medium.indexAfter(this.#after); bytes < bytesMax; index++) {
      const entry = this.#medium.entryAt(index)
      if (!entry || entry.lsn > durableLsn) break
      this.#after = entry.lsn
      if (this.#medium.isOver(entry)) continue
      entries.push(entry)
      bytes += bytesOf(entry)
    }
    return entries
  }
}

function bytesOf(entry: StoredEntry): number {
  let bytes = 0
  for (const { length } of entry.messages) bytes += length
  for (const { length } of entry.control) bytes += length
  return bytes
}
