/** Messages on their way in, with the claims they take. */

import type { ControlOp } from '../records/control-ops.ts'
import type { PutResult } from '../types/puts.ts'
import { Operation } from './operation.ts'
import { isClaim, type PendingClaims } from './pending-claims.ts'
import type { Put } from './put.ts'

/** One message by itself: the promise is what its caller gets. */
export class PutOne extends Operation<PutResult> {
  readonly #put: Put
  readonly #claims: PendingClaims | undefined

  constructor(put: Put, claims: PendingClaims) {
    super()
    this.#put = put
    this.#claims = isClaim(put) ? claims : undefined
    this.#claims?.take(put, this.promise)
  }

  /** Made for whoever asks: an array of each would live as long as its put is under way. */
  get puts(): readonly Put[] {
    return [this.#put]
  }

  protected override result(): PutResult {
    this.#claims?.leave(this.#put)
    return resultOf(this.#put)
  }

  override failed(error: Error): void {
    this.#claims?.leave(this.#put)
    super.failed(error)
  }
}

/** Messages and records that take effect together. */
export class PutMany extends Operation<readonly PutResult[]> {
  readonly puts: readonly Put[]
  /** Where any of them has a key or number. */
  readonly #claims: PendingClaims | undefined
  readonly #whenDone: (() => void) | undefined

  constructor(
    puts: readonly Put[],
    claims: PendingClaims,
    ops: readonly ControlOp[] = [],
    whenDone?: () => void,
  ) {
    super(ops)
    this.puts = puts
    this.#whenDone = whenDone
    if (!puts.some(isClaim)) return
    this.#claims = claims
    puts.forEach((put, row) => {
      if (!isClaim(put)) return
      const one = this.promise.then((results) => results[row] as PutResult)
      one.catch(() => undefined)
      claims.take(put, one)
    })
  }

  protected override result(): readonly PutResult[] {
    this.#leave()
    this.#whenDone?.()
    return this.puts.map(resultOf)
  }

  override failed(error: Error): void {
    this.#leave()
    super.failed(error)
  }

  #leave(): void {
    if (this.#claims) for (const put of this.puts) this.#claims.leave(put)
  }
}

function resultOf({ id, offset }: Put): PutResult {
  return { id, offset, duplicate: false }
}
