/**
 * What makes one message a duplicate of another, and which of it is taken by messages on their way or by
 * durable ones. Pure memory.
 */
import type { StoreState } from '../state/store-state.ts'
import type { PutResult } from '../types/puts.ts'
import type { Put } from './put.ts'

/** What makes a message a duplicate of another: its key, or its producer's number. */
export interface Claim {
  readonly key: string | undefined
  readonly producer: string | undefined
  readonly sequence: number
}

export function isClaim({ key, producer }: Claim): boolean {
  return key !== undefined || producer !== undefined
}

/** Keys and numbers of producers that are taken. */
export class PendingClaims {
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
