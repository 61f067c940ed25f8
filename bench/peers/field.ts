/**
 * Contenders that are open at the same time. One that fails is killed and left out from then on, which is said
 * aloud and is a line of the results: a run of hours does not end for it, and nobody looks better by failing.
 */

import { Contestant } from './contestant.ts'
import type { PeersBench } from './measure.ts'
import type { FailedLine } from './result.ts'

export class Field {
  readonly failures: FailedLine[] = []
  /** Is measured now, in words: whoever fails has failed at that. */
  what: string
  readonly #bench: Pick<PeersBench, 'place' | 'say'>
  readonly #open = new Set<Contestant>()

  constructor(bench: Pick<PeersBench, 'place' | 'say'>, what: string) {
    this.#bench = bench
    this.what = what
  }

  /** A few at a time: most of them wait for their server meanwhile. */
  async open(ids: readonly string[]): Promise<void> {
    const those = ids.map((id) => new Contestant(this.#bench.place, id))
    for (const one of those) this.#open.add(one)
    await sideBySide(those, (one) => this.attempt(one, () => one.open()))
  }

  those(which: (one: Contestant) => boolean): Contestant[] {
    return [...this.#open].filter(which)
  }

  /** False once it has failed. */
  has(one: Contestant): boolean {
    return this.#open.has(one)
  }

  /** Does nothing where it has failed before. */
  async attempt(one: Contestant, act: () => Promise<unknown>): Promise<void> {
    if (!this.#open.has(one)) return
    try {
      await act()
    } catch (error) {
      this.#open.delete(one)
      const failure = failureOf(one, this.what, error)
      this.failures.push(failure)
      this.#bench.say(`${one.id} FAILED, ${this.what}: ${failure.reason}`)
      await one.abandon().catch((error: unknown) => {
        this.#bench.say(`${one.id} leaves something behind: ${error}`)
      })
    }
  }

  /** All that are left are closed, and what they wrote goes. */
  async close(): Promise<void> {
    await sideBySide([...this.#open], (one) =>
      one.end().catch((error: unknown) => {
        this.#bench.say(`${one.id} does not end in order: ${error}`)
      }),
    )
    this.#open.clear()
  }
}

export function failureOf({ id }: Contestant, what: string, error: unknown): FailedLine {
  return { kind: 'failed', contender: id, what, reason: reasonOf(error) }
}

/** In one line. */
export function reasonOf(error: unknown): string {
  const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return reason
}

const SIDE_BY_SIDE = 4

/** `act` of the next begins when that of one of those before is over; it never rejects. */
async function sideBySide<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items]
  const work = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await act(item)
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work))
}
