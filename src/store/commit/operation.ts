/**
 * Something that was decided and is on its way into the log: one atomic entry, and what happens when it
 * is durable, was turned down, or nobody knows. Pure memory.
 */

import type { ControlOp } from '../records/control-ops.ts'
import type { Put } from './put.ts'

export const NO_PUTS: readonly Put[] = []
const NO_OPS: readonly ControlOp[] = []
const ignore = (): void => undefined

/** An operation as the journal sees it. */
export interface Sendable {
  readonly puts: readonly Put[]
  readonly ops: readonly ControlOp[]
  ticket: number
  readonly promise: Promise<unknown>
  committed(): void
  refused(cause: Error): void
  failed(error: Error): void
  /** `other` leaves in the same entry, and has the same outcome. */
  join(other: Sendable): void
  /** What has joined was turned down, and this may be sent again without it. */
  part(cause: Error): void
}

export abstract class Operation<T = void> implements Sendable {
  abstract readonly puts: readonly Put[]
  ops: readonly ControlOp[]
  /** Of the append; 0 before it, and again once it was turned down. */
  ticket = 0
  /** Settles with the outcome. Nobody has to wait for it. */
  readonly promise: Promise<T>
  #resolve: (value: T) => void = ignore
  #reject: (error: Error) => void = ignore
  #joined: Sendable[] | undefined

  constructor(ops: readonly ControlOp[] = NO_OPS) {
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
    if (this.#joined) for (const other of this.#joined) other.committed()
    this.#resolve(this.result())
  }

  join(other: Sendable): void {
    this.#joined ??= []
    this.#joined.push(other)
    this.ops = [...other.ops, ...this.ops]
  }

  part(cause: Error): void {
    const joined = this.#joined
    if (!joined) return
    this.#joined = undefined
    const ops = new Set(joined.flatMap((other) => other.ops))
    this.ops = this.ops.filter((op) => !ops.has(op))
    for (const other of joined) other.refused(cause)
  }

  /** It was not written, and what was decided is void. */
  refused(cause: Error): void {
    this.part(cause)
    this.failed(cause)
  }

  /** The log has stopped. */
  failed(error: Error): void {
    this.#reject(error)
  }
}

/** An operation that has nothing to tell but that it is done. */
export class PlainOperation extends Operation {
  readonly puts: readonly Put[]
  readonly #whenDone: (() => void) | undefined
  readonly #whenVoid: (() => void) | undefined

  /** `whenVoid` is called where it was turned down, and undoes what was decided. */
  constructor(
    ops: readonly ControlOp[],
    whenDone?: () => void,
    whenVoid?: () => void,
    puts: readonly Put[] = NO_PUTS,
  ) {
    super(ops)
    this.puts = puts
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
