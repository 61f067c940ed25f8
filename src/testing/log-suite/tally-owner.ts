/** A small owner whose state is derived from its entries: totals by name, one snapshot part for each. */
import { strict as assert } from 'node:assert'
import type { Batch, Lsn, OwnedLog, PartToSave } from '../../log/seam.ts'
import { batchOf, textOf } from './numbered.ts'

const NAMES = ['red', 'green', 'blue', 'rare'] as const

type Amounts = readonly (readonly [name: string, amount: number])[]

export class TallyOwner {
  readonly totals: Record<string, number> = {}
  /** The LSN up to which each total stands, as far as it differs from `#lsn`. */
  readonly #savedTotals = new Map<string, { readonly at: Lsn; readonly total: number }>()
  #lsn: Lsn = 0
  #count = 0

  /** Replays what the log has: the snapshot, and the entries behind each part. */
  static async restore(log: OwnedLog): Promise<TallyOwner> {
    const owner = new TallyOwner()
    const at = new Map<string, Lsn>()
    const snapshot = await log.snapshot()
    let lowest = snapshot ? Number.POSITIVE_INFINITY : 0
    for (const [name, part] of snapshot?.parts ?? []) {
      const [total = Number.NaN, count = Number.NaN] = textOf(await part.read())
        .split(' ')
        .map(Number)
      owner.totals[name] = total
      owner.#savedTotals.set(name, { at: part.at, total })
      owner.#count = Math.max(owner.#count, count)
      at.set(name, part.at)
      owner.#lsn = Math.max(owner.#lsn, part.at)
      lowest = Math.min(lowest, part.at)
    }
    for await (const step of log.read({ after: lowest })) {
      for (const { lsn, control } of step) {
        for (const record of control) owner.#apply(lsn, textOf(record), at)
        owner.#lsn = lsn
      }
    }
    return owner
  }

  /** The next entry: one message, and what it adds to which totals. */
  next(): { readonly amounts: Amounts; readonly batch: Batch } {
    const count = this.#count + 1
    const amounts: [string, number][] = [[NAMES[count % 3] as string, count]]
    if (count % 40 === 0) amounts.push(['rare', 1])
    const control = amounts.map(([name, amount]) => `${count} ${name} ${amount}`)
    return { amounts, batch: batchOf([`${count}`.padEnd(300, 'm')], control) }
  }

  /** The entry is durable. */
  committed(amounts: Amounts, lsn: Lsn): void {
    this.#count += 1
    this.#lsn = lsn
    for (const [name, amount] of amounts) this.totals[name] = (this.totals[name] ?? 0) + amount
  }

  /** The state in parts. One that did not change is named, at its old LSN or at the one of now. */
  async *parts(movesOn: boolean): AsyncGenerator<PartToSave> {
    for (const [name, total] of Object.entries(this.totals)) {
      const last = this.#savedTotals.get(name)
      if (last?.total === total && name === 'rare') {
        const at = movesOn ? this.#lsn : last.at
        this.#savedTotals.set(name, { at, total })
        yield [name, at, 'unchanged']
        continue
      }
      this.#savedTotals.set(name, { at: this.#lsn, total })
      yield [name, this.#lsn, new TextEncoder().encode(`${total} ${this.#count}`)]
    }
  }

  #apply(lsn: Lsn, record: string, at: ReadonlyMap<string, Lsn>): void {
    const [count, name = '', amount] = record.split(' ')
    assert.ok(Number(count) > 0 && Number(amount) > 0, `a control record says "${record}"`)
    this.#count = Math.max(this.#count, Number(count))
    // An entry at or below a part's LSN is in it already.
    if (lsn <= (at.get(name) ?? 0)) return
    this.totals[name] = (this.totals[name] ?? 0) + Number(amount)
  }
}
