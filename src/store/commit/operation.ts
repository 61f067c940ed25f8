/**
 * Something that was decided and is on its way into the log: one atomic entry, and what happens when it
 * is durable, was turned down, or nobody knows. Pure memory.
 */

import type { ControlOp } from '../records/control-record.ts'
import type { Put } from './put.ts'

const NO_PUTS: readonly Put[] = []
const NO_OPS: readonly ControlOp[] = []

/** An operation as the journal sees it. */
export interface Sendable {
  readonly puts: readonly Put[]
  readonly ops: readonly ControlOp[]
  ticket: number
  readonly promise: Promise<unknown>
  committed(): void
  refused(cause: Error): void
  failed(error: Error): void
}

export abstract class Operation<T = void> implements Sendable {
  readonly puts: readonly Put[]
  readonly ops: readonly ControlOp[]
  /** Of the append; 0 before it, and again once it was turned down. */
  ticket = 0
  /** Settles with the outcome. Nobody has to wait for it. */
  readonly promise: Promise<T>
  #resolve: (value: T) => void = () => undefined
  #reject: (error: Error) => void = () => undefined

  constructor(puts: readonly Put[] = NO_PUTS, ops: readonly ControlOp[] = NO_OPS) {
    this.puts = puts
    this.ops = ops
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** What the promise resolves with; asked once the state has the operation. */
  protected abstract result(): T

  /** The state has it. */
  committed(): void {
    this.#resolve(this.result())
  }

  /** It was not written, and what was decided is void. */
  refused(cause: Error): void {
    this.failed(cause)
  }

  /** The log has stopped. */
  failed(error: Error): void {
    this.#reject(error)
  }
}

/** An operation that has nothing to tell but that it is done. */
export class PlainOperation extends Operation {
  readonly #whenDone: (() => void) | undefined
  readonly #whenVoid: (() => void) | undefined

  /** `whenVoid` is called where it was turned down, and undoes what was decided. */
  constructor(ops: readonly ControlOp[], whenDone?: () => void, whenVoid?: () => void) {
    super(NO_PUTS, ops)
    this.#whenDone = whenDone
    this.#whenVoid = whenVoid
    // A record that rides along is awaited by nobody.
    this.promise.catch(() => undefined)
  }

  protected override result(): void {
    this.#whenDone?.()
  }

  override refused(cause: Error): void {
    this.#whenVoid?.()
    super.refused(cause)
  }
}
