/**
 * Messages that a client is given ahead of being asked, as its maintainers recommend for speed; a take cuts off
 * how many it wants. Which server and which client: whoever makes one says.
 */

/** One reader at a time. What is held is as much as the client was told to be given ahead. */
export class Prefetched<T> {
  readonly #stillToCome: () => Promise<number>
  #held: T[] = []
  #arrivals = 0
  /** So many more are known to be on their way, or to follow without being asked for. */
  #certain = 0
  #failure: Error | undefined
  #wake: () => void = () => undefined

  /** `stillToCome` asks the server how many it has yet to deliver: one answer may miss what is on its way. */
  constructor(stillToCome: () => Promise<number>) {
    this.#stillToCome = stillToCome
  }

  add(message: T): void {
    this.#held.push(message)
    this.#arrivals++
    if (this.#certain > 0) this.#certain--
    this.#wake()
  }

  /** Whoever waits, or takes later, is told. */
  fail(error: Error): void {
    this.#failure ??= error
    this.#wake()
  }

  /**
   * The next ones in their order: so many, or fewer where there are no more. The client has to be ready to be
   * given so many beside what was taken before and is not acknowledged yet. `areThere`: the server need not be
   * asked, they come.
   */
  async next(wanted: number, areThere = false): Promise<T[]> {
    let hadNone = false
    while (this.#held.length < wanted) {
      if (this.#failure !== undefined) throw this.#failure
      if (areThere || this.#certain > 0) {
        await this.#arrival()
        continue
      }
      const before = this.#arrivals
      const isNone = (await this.ask()) === 0 && this.#arrivals === before
      // The answer may have overtaken deliveries within the server; a second one hardly can.
      if (isNone && hadNone) break
      hadNone = isNone
    }
    return this.#held.splice(0, wanted)
  }

  /** Asks the server, and knows from then on what it said. */
  async ask(): Promise<number> {
    const before = this.#arrivals
    const count = await this.#stillToCome()
    // What came meanwhile may be among these.
    this.#certain = Math.max(0, count - (this.#arrivals - before))
    return count
  }

  get held(): number {
    return this.#held.length
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
