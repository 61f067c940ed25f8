/**
 * Messages that are put together, perhaps in several queues: those whose key or number is taken are left out, and
 * each gets its outcome in the order of the calls. Nothing happens before `build`, which makes the queues.
 */

import type { StoreCore } from '../store-core.ts'
import type { PutResult } from '../types.ts'
import { Put, type PutPlan } from './put.ts'
import { claimName, isClaim } from './puts.ts'

interface Item {
  readonly queue: string
  bytes: Uint8Array
  readonly plan: PutPlan
}

/** An item's outcome: its own, that of an earlier item of this batch, or that of somebody else's message. */
type Source =
  | { readonly kind: 'own' | 'twin'; readonly row: number }
  | { readonly kind: 'other'; readonly first: PutResult }

export class PutBatch {
  readonly #core: StoreCore
  readonly #items: Item[] = []
  #sources: Source[] = []

  constructor(core: StoreCore) {
    this.#core = core
  }

  add(queue: string, bytes: Uint8Array, plan: PutPlan): void {
    this.#items.push({ queue, bytes, plan })
  }

  /** A key or number is taken by a message on its way: what becomes of this batch depends on that one. */
  get mustWait(): boolean {
    return this.#pendingFirsts().length > 0
  }

  /** Waits for those, and rejects where one of them was turned down. */
  async wait(): Promise<void> {
    // The caller has moved on, and may use its bytes again.
    for (const item of this.#items) item.bytes = item.bytes.slice()
    for (let firsts = this.#pendingFirsts(); firsts.length > 0; firsts = this.#pendingFirsts()) {
      await Promise.all(firsts)
    }
  }

  /** The messages to append, in the order of the calls. No key of them is on its way. */
  build(): Put[] {
    const puts: Put[] = []
    const keys = new Map<string, number>()
    this.#sources = this.#items.map(({ queue, bytes, plan }) => {
      const name = isClaim(plan) ? claimName(queue, plan) : undefined
      const twin = name === undefined ? undefined : keys.get(name)
      if (twin !== undefined) return { kind: 'twin', row: twin }
      const first = name === undefined ? undefined : this.#takenBy(queue, plan)
      if (first) return { kind: 'other', first }
      const row = puts.length
      if (name !== undefined) keys.set(name, row)
      const number = this.#core.registry.queueNumber(queue)
      puts.push(new Put(number, bytes, this.#core.settings.planFor(number, plan)))
      return { kind: 'own', row }
    })
    return puts
  }

  /** An outcome for each call, from those of the messages that were appended. */
  results(appended: readonly PutResult[]): PutResult[] {
    return this.#sources.map((source) => {
      if (source.kind === 'other') return asDuplicate(source.first)
      const result = appended[source.row]
      if (!result) throw new Error('every message that was appended has an outcome')
      return source.kind === 'own' ? result : asDuplicate(result)
    })
  }

  #pendingFirsts(): Promise<PutResult>[] {
    const firsts: Promise<PutResult>[] = []
    for (const { queue, plan } of this.#items) {
      const number = isClaim(plan) ? this.#core.registry.knownNumber(queue) : undefined
      if (number === undefined) continue
      const first = this.#core.keys.pending(number, plan)
      if (first !== undefined) firsts.push(first)
    }
    return firsts
  }

  #takenBy(queue: string, plan: PutPlan): PutResult | undefined {
    const number = this.#core.registry.knownNumber(queue)
    if (number === undefined) return undefined
    return this.#core.keys.durable(number, plan, this.#core.clock.nowMs())
  }
}

export function asDuplicate({ id, offset }: PutResult): PutResult {
  return { id, offset, duplicate: true }
}
