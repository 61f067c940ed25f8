/** Who reads a group now, and when somebody did last: by the store's own time. Pure memory. */

export class GroupUse {
  readonly #nowMs: () => number
  readonly #readers = new Set<object>()
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

  /** This one reads it until `end` is called with the same. */
  begin(reader: object): void {
    this.#readers.add(reader)
  }

  end(reader: object): void {
    if (this.#readers.delete(reader)) this.note()
  }

  /** It was used just now. */
  note(): void {
    // As long as somebody reads it, the time is not asked for: this is called for every message.
    if (this.#readers.size === 0) this.#lastMs = this.#nowMs()
  }
}
