/**
 * The readers that one connection uses: as long as any connection uses one it holds its queue, and a `delete`
 * by another one must not take its group away, which would miss what is put until it is read again. With the
 * last one it lets go, so that the queue may be removed. Bounded.
 */
import { OWN_READERS_MAX } from './limits.ts'
import type { Reader } from './readers.ts'

export class OwnReaders {
  /** The one that was used last at the end. */
  readonly #readers = new Set<Reader>()
  /** Most connections use one queue: it is not looked up for each command. */
  #last: Reader | undefined

  /** The one that was used longest ago makes room; a command that is under way keeps what it needs. */
  note(reader: Reader): void {
    if (reader === this.#last) return
    this.#last = reader
    const isKnown = this.#readers.delete(reader)
    this.#readers.add(reader)
    if (isKnown) return
    reader.enter()
    if (this.#readers.size <= OWN_READERS_MAX) return
    for (const oldest of this.#readers) {
      this.forget(oldest)
      return
    }
  }

  /** It is used no more, until it is noted again. */
  forget(reader: Reader): void {
    if (this.#last === reader) this.#last = undefined
    if (this.#readers.delete(reader)) reader.leave()
  }

  leaveAll(): void {
    for (const reader of this.#readers) reader.leave()
    this.#readers.clear()
    this.#last = undefined
  }
}
