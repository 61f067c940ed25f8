/**
 * Which segments readers of this process are in, by number: a file that somebody reads must not become
 * another segment's. Counts only.
 */
export class ReaderPins {
  readonly #counts = new Map<number, number>()

  /** A reader enters a segment; `leave` must follow once it will read nothing of it any more. */
  enter(number: number): void {
    this.#counts.set(number, (this.#counts.get(number) ?? 0) + 1)
  }

  leave(number: number): void {
    const count = this.#counts.get(number)
    if (count === undefined) throw new Error(`no reader is in segment ${number}`)
    if (count === 1) this.#counts.delete(number)
    else this.#counts.set(number, count - 1)
  }

  has(number: number): boolean {
    return this.#counts.has(number)
  }

  /** Numbers of the segments that somebody is in, in no order. */
  numbers(): Iterable<number> {
    return this.#counts.keys()
  }
}
