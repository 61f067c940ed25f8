/** Who reads a group now, and when somebody did last: by the store's own time. Pure memory. */
import type { GroupDispatch } from './group-dispatch.ts'

export class GroupUse {
  readonly #nowMs: () => number
  readonly #readers = new Map<object, ((group: GroupDispatch) => void) | undefined>()
  #lastMs: number

  /** Its beginning, or the opening of the store, counts as use. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
    this.#lastMs = nowMs()
  }

  /** Somebody watches it, or is about to. */
  get isRead(): boolean {
    return this.#readers.size > 0
  }

  /** When it was used last; for one that nobody reads. */
  get lastMs(): number {
    return this.#lastMs
  }

  /** This one reads it until `end` is called with the same, or it is told that the group is gone. */
  begin(reader: object, removed?: (group: GroupDispatch) => void): void {
    this.#readers.set(reader, removed)
  }

  end(reader: object): void {
    if (this.#readers.delete(reader)) this.note()
  }

  /** The group is gone. */
  removed(group: GroupDispatch): void {
    for (const tell of this.#readers.values()) tell?.(group)
    this.#readers.clear()
  }

  /** It was used just now. */
  note(): void {
    // As long as somebody reads it, the time is not asked for: this is called for every message.
    if (this.#readers.size === 0) this.#lastMs = this.#nowMs()
  }
}
