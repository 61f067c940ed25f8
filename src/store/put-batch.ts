/**
 * Messages that are put together, perhaps in several queues: those whose key is taken are left out, and
 * each gets its outcome in the order of the calls. Nothing happens before `build`, which makes the queues.
 */
import { Put, type PutPlan } from './put.ts'
import type { StoreCore } from './store-core.ts'
import type { PutResult } from './types.ts'

interface Item {
  readonly queue: string
  readonly bytes: Uint8Array
  readonly plan: PutPlan
}

/** An item's outcome: its own, that of an earlier item of this batch, or that of somebody else's message. */
type Source =
  | { readonly kind: 'own' | 'twin'; readonly row: number }
  | { readonly kind: 'other'; readonly first: Promise<PutResult> }

export class PutBatch {
  readonly #core: StoreCore
  readonly #items: Item[] = []
  readonly #sources: Source[] = []
  readonly #keys = new Map<string, number>()

  constructor(core: StoreCore) {
    this.#core = core
  }

  add(queue: string, bytes: Uint8Array, plan: PutPlan): void {
    const source = this.#sourceOf(queue, plan)
    this.#sources.push(source)
    if (source.kind === 'own') this.#items.push({ queue, bytes, plan })
  }

  /** The messages to append, in the order of the calls. */
  build(): Put[] {
    const { registry } = this.#core
    return this.#items.map(({ queue, bytes, plan }) => {
      return new Put(registry.queueNumber(queue), bytes, plan)
    })
  }

  /** An outcome for each call, from those of the messages that were appended. */
  async results(appended: readonly PutResult[]): Promise<PutResult[]> {
    const results: PutResult[] = []
    for (const source of this.#sources) {
      if (source.kind === 'other') results.push(asDuplicate(await source.first))
      else {
        const result = appended[source.row]
        if (!result) throw new Error('every message that was appended has an outcome')
        results.push(source.kind === 'own' ? result : asDuplicate(result))
      }
    }
    return results
  }

  #sourceOf(queue: string, { key }: PutPlan): Source {
    const row = this.#items.length
    if (key === undefined) return { kind: 'own', row }
    const name = `${queue}\n${key}`
    const twin = this.#keys.get(name)
    if (twin !== undefined) return { kind: 'twin', row: twin }
    const number = this.#core.registry.knownNumber(queue)
    const first =
      number === undefined
        ? undefined
        : this.#core.keys.first(number, key, this.#core.clock.nowMs())
    if (first === undefined) {
      this.#keys.set(name, row)
      return { kind: 'own', row }
    }
    first.catch(() => undefined)
    return { kind: 'other', first }
  }
}

export function asDuplicate({ id, offset }: PutResult): PutResult {
  return { id, offset, duplicate: true }
}
