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
    this.#keys = put.key === undefined ? undefined : keys
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
      if (put.key === undefined) return
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

/** Keys that are taken by messages on their way. */
export class PendingKeys {
  readonly #state: StoreState
  readonly #pending = new Map<string, { readonly put: Put; readonly first: Promise<PutResult> }>()

  constructor(state: StoreState) {
    this.#state = state
  }

  /** The outcome of the first message of this key, where that is on its way. */
  pending(queue: number, key: string): Promise<PutResult> | undefined {
    return this.#pending.get(nameOf(queue, key))?.first
  }

  /** The first message of this key, where it is durable and the key not free again. */
  durable(queue: number, key: string, elapsedMs: number): PutResult | undefined {
    const entry = this.#state.queues.get(queue)?.keys.get(key, elapsedMs)
    return entry && { id: entry.id, offset: entry.offset, duplicate: false }
  }

  take(put: Put, first: Promise<PutResult>): void {
    if (put.key !== undefined) this.#pending.set(nameOf(put.queue, put.key), { put, first })
  }

  leave(put: Put): void {
    if (put.key === undefined) return
    const name = nameOf(put.queue, put.key)
    if (this.#pending.get(name)?.put === put) this.#pending.delete(name)
  }
}

function nameOf(queue: number, key: string): string {
  return `${queue} ${key}`
}
