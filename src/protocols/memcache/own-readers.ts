/**
 * The readers that one connection uses: as long as any connection uses one it holds its queue, and with the
 * last one it lets go, so that the queue may be removed. Bounded.
 */
import { OWN_READERS_MAX } from './limits.ts'
import type { Reader } from './readers.ts'

export class OwnReaders {
  readonly #readers = new Set<Reader>()
  /** Most connections use one queue: it is not looked up for each command. */
  #last: Reader | undefined

  /** The one that came first makes room; a command that is under way keeps what it needs. */
  note(reader: Reader): void {
    if (reader === this.#last) return
    this.#last = reader
    if (this.#readers.has(reader)) return
    this.#readers.add(reader)
    reader.enter()
    if (this.#readers.size <= OWN_READERS_MAX) return
    for (const oldest of this.#readers) {
      this.#readers.delete(oldest)
      oldest.leave()
      return
    }
  }

  leaveAll(): void {
    for (const reader of this.#readers) reader.leave()
    this.#readers.clear()
    this.#last = undefined
  }
}
