/** Operations that wait for room in the log, in order, with bodies of their own: whoever put these has moved on. */
import { Fifo } from '../../log/fifo.ts'
import { Slab } from '../../log/slab.ts'
import type { WaitingTally } from '../../log/waiting/waiting-bound.ts'
import type { ControlOp } from '../records/control-ops.ts'
import type { Sendable } from './operation.ts'
import { estimateBytes } from './put.ts'

/**
 * What becomes of deliveries, of which there are no more than are out. Whoever is refused a burial tries it again at
 * once, and nobody could finish what it has taken.
 */
const OF_DELIVERIES: ReadonlySet<ControlOp['kind']> = new Set([
  'lease',
  'lease-again',
  'finish',
  'give-back',
  'return',
  'bury',
])

export class Backlog {
  readonly #tally: WaitingTally
  readonly #operations = new Fifo<Sendable>()
  /** What each counts: messages and records, and bytes of the messages. */
  readonly #counts = new Fifo<number>()
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
   * Takes the bytes. Throws QLOG_BUSY where too much waits already, unless it is only what becomes of deliveries, with
   * letters that must not be lost.
   */
  add(operation: Sendable): void {
    if (!isOfDeliveries(operation)) this.#tally.assertRoom()
    const { puts, ops } = operation
    let bytes = 0
    for (const put of puts) {
      put.body = this.#bodies.copy(put.body)
      bytes += estimateBytes(put.plan, put.body)
    }
    this.#tally.add(puts.length + ops.length, bytes)
    this.#counts.push(puts.length + ops.length)
    this.#sizes.push(bytes)
    this.#operations.push(operation)
  }

  dropFirst(): void {
    this.#operations.take()
    this.#tally.remove(this.#counts.take() ?? 0, this.#sizes.take() ?? 0)
  }

  takeAll(): readonly Sendable[] {
    while (this.#sizes.length > 0) {
      this.#tally.remove(this.#counts.take() ?? 0, this.#sizes.take() ?? 0)
    }
    return this.#operations.takeAll()
  }

  some(isWanted: (operation: Sendable) => boolean): boolean {
    return this.#operations.some(isWanted)
  }
}

function isOfDeliveries({ puts, ops }: Sendable): boolean {
  return (
    puts.every(({ mayExceed }) => mayExceed) && ops.every(({ kind }) => OF_DELIVERIES.has(kind))
  )
}
