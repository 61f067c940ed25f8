/** Operations that wait for room in the log, in order, with bodies of their own: whoever put these has moved on. */
import { Fifo } from '../../log/fifo.ts'
import { Slab } from '../../log/slab.ts'
import type { WaitingTally } from '../../log/waiting/waiting-bound.ts'
import type { Sendable } from './operation.ts'

export class Backlog {
  readonly #tally: WaitingTally
  readonly #operations = new Fifo<Sendable>()
  /** Of the messages of each. */
  readonly #sizes = new Fifo<number>()
  readonly #bodies = new Slab()

  constructor(tally: WaitingTally) {
    this.#tally = tally
  }

  get length(): number {
    return this.#operations.length
  }

  get first(): Sendable | undefined {
    return this.#operations.first
  }

  get last(): Sendable | undefined {
    return this.#operations.last
  }

  /**
   * Takes the bytes. Throws QLOG_BUSY where too many messages wait already. What puts none, or only what must not be
   * lost, is taken all the same: it is bounded by the deliveries that are out, and whoever is refused a burial tries
   * it again at once.
   */
  add(operation: Sendable): void {
    const { puts } = operation
    if (puts.some(({ mayExceed }) => !mayExceed)) this.#tally.assertRoom()
    let bytes = 0
    for (const put of puts) {
      put.body = this.#bodies.copy(put.body)
      bytes += put.estimateBytes()
    }
    this.#tally.add(puts.length, bytes)
    this.#sizes.push(bytes)
    this.#operations.push(operation)
  }

  dropFirst(): void {
    const first = this.#operations.take()
    if (first) this.#tally.remove(first.puts.length, this.#sizes.take() ?? 0)
  }

  takeAll(): readonly Sendable[] {
    const all = this.#operations.takeAll()
    for (const [row, bytes] of this.#sizes.takeAll().entries()) {
      this.#tally.remove(all[row]?.puts.length ?? 0, bytes)
    }
    return all
  }

  some(isWanted: (operation: Sendable) => boolean): boolean {
    return this.#operations.some(isWanted)
  }
}
