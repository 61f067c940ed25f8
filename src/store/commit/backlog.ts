/** Operations that wait for room in the log, in order, with bodies of their own: whoever put these has moved on. */
import { Fifo } from '../../log/fifo.ts'
import { Slab } from '../../log/slab.ts'
import { assertMayWait } from '../../log/waiting/bounds.ts'
import type { Sendable } from './operation.ts'

export class Backlog {
  readonly #operations = new Fifo<Sendable>()
  readonly #bodies = new Slab()
  #bodyBytes = 0

  get length(): number {
    return this.#operations.length
  }

  get first(): Sendable | undefined {
    return this.#operations.first
  }

  get last(): Sendable | undefined {
    return this.#operations.last
  }

  /** Takes the bytes. Throws QLOG_BUSY where too much waits already. */
  add(operation: Sendable): void {
    assertMayWait(this.length, this.#bodyBytes)
    for (const put of operation.puts) put.body = this.#bodies.copy(put.body)
    this.#bodyBytes += bodyBytesOf(operation)
    this.#operations.push(operation)
  }

  dropFirst(): void {
    const first = this.#operations.take()
    if (first) this.#bodyBytes -= bodyBytesOf(first)
  }

  takeAll(): readonly Sendable[] {
    this.#bodyBytes = 0
    return this.#operations.takeAll()
  }

  some(isWanted: (operation: Sendable) => boolean): boolean {
    return this.#operations.some(isWanted)
  }
}

function bodyBytesOf({ puts }: Sendable): number {
  let bytes = 0
  for (const put of puts) bytes += put.body.length
  return bytes
}
