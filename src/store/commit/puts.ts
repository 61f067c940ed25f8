/** Messages on their way in, with the keys they take. */

import type { ControlOp } from '../records/control-record.ts'
import type { StoreState } from '../state/store-state.ts'
import type { PutResult } from '../types.ts'
import { Operation } from './operation.ts'
import type { Put } from './put.ts'

/** One message by itself: the promise is what its caller gets. */
export class PutOne extends Operation<PutResult> {
  readonly #put: Put
  readonly #keys: PendingKeys | undefined

  constructor(put: Put, keys: PendingKeys) {
    super([put])
    this.#put = put
    this.#keys = isClaim(put) ? keys : undefined
    this.#keys?.take(put, this.promise)
  }

  protected override result(): PutResult {
    this.#keys?.leave(this.#put)
    return resultOf(this.#put)
  }

  override failed(error: Error): void {
    this.#keys?.leave(this.#put)
    super.failed(error)
  }
}

/** Messages and records that take effect together. */
export class PutMany extends Operation<readonly PutResult[]> {
  readonly #keys: PendingKeys
  readonly #whenDone: (() => void) | undefined

  constructor(
    puts: readonly Put[],
    keys: PendingKeys,
    ops: readonly ControlOp[] = [],
    whenDone?: () => void,
  ) {
    super(puts, ops)
    this.#keys = keys
    this.#whenDone = whenDone
    puts.forEach((put, row) => {
      if (!isClaim(put)) return
      const one = this.promise.then((results) => results[row] as PutResult)
      one.catch(() => undefined)
      keys.take(put, one)
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
    for (const put of this.puts) this.#keys.leave(put)
  }
}

function resultOf({ id, offset }: Put): PutResult {
  return { id, offset, duplicate: false }
}

/** What makes a message a duplicate of another: its key, or its producer's number. */
export interface Claim {
  readonly key: string | undefined
  readonly producer: string | undefined
  readonly sequence: number
}

export function isClaim({ key, producer }: Claim): boolean {
  return key !== undefined || producer !== undefined
}

/** Keys and numbers of producers that are taken by messages on their way. */
export class PendingKeys {
  readonly #state: StoreState
  readonly #pending = new Map<string, { readonly put: Put; readonly first: Promise<PutResult> }>()

  constructor(state: StoreState) {
    this.#state = state
  }

  /** The outcome of the first message of this claim, where that is on its way. */
  pending(queue: number, claim: Claim): Promise<PutResult> | undefined {
    return this.#pending.get(claimName(queue, claim))?.first
  }

  /** The first message of this claim, where it is durable and the claim not free again. */
  durable(queue: number, claim: Claim, elapsedMs: number): PutResult | undefined {
    const { key, producer, sequence } = claim
    const state = this.#state.queues.get(queue)
    if (producer !== undefined) {
      return state?.producers.has(producer, sequence) ? NOT_REMEMBERED : undefined
    }
    const entry = key === undefined ? undefined : state?.keys.get(key, elapsedMs)
    return entry && { id: entry.id, offset: entry.offset, duplicate: false }
  }

  take(put: Put, first: Promise<PutResult>): void {
    if (isClaim(put)) this.#pending.set(claimName(put.queue, put), { put, first })
  }

  leave(put: Put): void {
    if (!isClaim(put)) return
    const name = claimName(put.queue, put)
    if (this.#pending.get(name)?.put === put) this.#pending.delete(name)
  }
}

/** What a producer has put is known by its number alone. */
const NOT_REMEMBERED: PutResult = { id: 0, offset: -1, duplicate: false }

/** Names a claim among those of all queues; the queue by its number or its name. */
export function claimName(queue: number | string, { key, producer, sequence }: Claim): string {
  const claim = producer === undefined ? `key\n${key}` : `${sequence}\n${producer}`
  return `${queue}\n${claim}`
}
