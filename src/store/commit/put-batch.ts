/**
 * Messages that are put together, perhaps in several queues: those whose key or number is taken are left out, and
 * each gets its outcome in the order of the calls. Nothing happens before `build`, which makes the queues.
 */

import { copyOf } from '../../format/bytes.ts'
import type { ControlOp } from '../records/control-ops.ts'
import type { StoreCore } from '../store-core.ts'
import type { PutResult } from '../types/puts.ts'
import { decideClaim } from './claim-decision.ts'
import type { PlainOperation } from './operation.ts'
import { claimName, isClaim } from './pending-claims.ts'
import { estimateBytes, Put, type PutPlan } from './put.ts'

interface Item {
  readonly queue: string
  bytes: Uint8Array
  readonly plan: PutPlan
  /** Nobody else changes the bytes. */
  isOurs: boolean
}

/** An item's outcome: its own, that of an earlier item of this batch, or that of somebody else's message. */
type Source =
  | { readonly kind: 'own' | 'twin'; readonly row: number }
  | { readonly kind: 'other'; readonly first: PutResult }

export class PutBatch {
  readonly #core: StoreCore
  readonly #items: Item[] = []
  /** Where no item has a key or number, each is put by itself and its outcome is that of its message. */
  #hasClaims = false
  /** Of a batch with claims. */
  #sources: Source[] = []
  /** Take out what messages of this batch replace; they leave with it, and nobody waits for them. */
  readonly #replaced: PlainOperation[] = []

  constructor(core: StoreCore) {
    this.#core = core
  }

  /** `isOurs`: nobody else changes the bytes, which are copied otherwise where the batch has to wait. */
  add(queue: string, bytes: Uint8Array, plan: PutPlan, isOurs: boolean): void {
    this.#items.push({ queue, bytes, plan, isOurs })
    this.#hasClaims ||= isClaim(plan)
  }

  /** A key or number is taken by a message on its way: what becomes of this batch depends on that one. */
  get mustWait(): boolean {
    return this.#hasClaims && this.#pendingFirsts().length > 0
  }

  /** Waits for those, and rejects where one of them was turned down, or with QLOG_BUSY where too much waits already. */
  async wait(): Promise<void> {
    const { waiting } = this.#core.journal
    waiting.assertRoom()
    this.#takeBytes()
    const bytes = this.#items.reduce((sum, one) => sum + estimateBytes(one.plan, one.bytes), 0)
    waiting.add(this.#items.length, bytes)
    try {
      for (let firsts = this.#pendingFirsts(); firsts.length > 0; firsts = this.#pendingFirsts()) {
        await Promise.all(firsts)
      }
    } finally {
      waiting.remove(this.#items.length, bytes)
    }
  }

  /** The caller has moved on, and may use its bytes again. */
  #takeBytes(): void {
    for (const item of this.#items) {
      if (!item.isOurs) item.bytes = copyOf(item.bytes)
      item.isOurs = true
    }
  }

  /**
   * The messages to append, in the order of the calls. No key or number of them is on its way. From now on what
   * they replace is about to leave, unless `undo` is called.
   */
  build(): Put[] {
    const { registry } = this.#core
    if (!this.#hasClaims) {
      return this.#items.map((item) =>
        this.#put(registry.queueNumber(item.queue), item.bytes, item.plan),
      )
    }
    const puts: Put[] = []
    const claims = new Map<string, number>()
    try {
      this.#sources = this.#items.map((item) => this.#place(item, puts, claims))
    } catch (error) {
      this.undo()
      throw error
    }
    return puts
  }

  /** What takes out the messages that others replace. */
  get ops(): readonly ControlOp[] {
    return this.#replaced.flatMap(({ ops }) => ops)
  }

  /** It is durable. */
  done(): void {
    for (const operation of this.#replaced) operation.committed()
  }

  /** It was turned down: what was to be replaced stays. */
  undo(): void {
    const cause = new Error('the messages in their place were turned down')
    for (const operation of this.#replaced) operation.refused(cause)
    this.#replaced.length = 0
  }

  /** An outcome for each call, from those of the messages that were appended. */
  results(appended: readonly PutResult[]): readonly PutResult[] {
    // Behind those of this batch stand the letters of a transaction.
    if (!this.#hasClaims) return appended.slice(0, this.#items.length)
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
      const first = this.#core.claims.pending(number, plan)
      if (first !== undefined) firsts.push(first)
    }
    return firsts
  }

  #place({ queue, bytes, plan }: Item, puts: Put[], claims: Map<string, number>): Source {
    const name = isClaim(plan) ? claimName(queue, plan) : undefined
    const twin = name === undefined ? undefined : claims.get(name)
    if (twin !== undefined) {
      const before = puts[twin]
      if (plan.onDuplicate === 'replace' && before) {
        puts[twin] = this.#put(before.queue, bytes, { ...plan, after: before.after })
      }
      return { kind: 'twin', row: twin }
    }
    const { first, replaced, after } = decideClaim(this.#core, queue, plan)
    if (first) return { kind: 'other', first }
    if (replaced) this.#replaced.push(replaced)
    const row = puts.length
    if (name !== undefined) claims.set(name, row)
    const number = this.#core.registry.queueNumber(queue)
    puts.push(this.#put(number, bytes, after === undefined ? plan : { ...plan, after }))
    return { kind: 'own', row }
  }

  #put(queue: number, bytes: Uint8Array, plan: PutPlan): Put {
    return new Put(queue, bytes, this.#core.settings.planFor(queue, plan))
  }
}

export function asDuplicate({ id, offset }: PutResult): PutResult {
  return { id, offset, duplicate: true }
}
