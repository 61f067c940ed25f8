/**
 * The damage that a log knows of while it is open: what opening found, and what reading and scrubbing have
 * met since. Each place is told of once. Memory only.
 */
import type { Gap } from '../errors.ts'
import type { LogEvents } from './log-events.ts'

/** Damage that is remembered for `stats()`; more is only counted where it is met again. */
const GAPS_KEPT_MAX = 10_000

export class KnownDamage {
  readonly #events: LogEvents
  readonly #gaps: Gap[]

  constructor(found: readonly Gap[], events: LogEvents) {
    this.#events = events
    this.#gaps = [...found]
    for (const gap of this.#gaps) events.damage(gap)
  }

  get gaps(): readonly Gap[] {
    return this.#gaps
  }

  isIn(file: string): boolean {
    return this.#gaps.some((gap) => gap.file === file)
  }

  note(gap: Gap): void {
    const isKnown = this.#gaps.some(
      (one) => one.file === gap.file && one.offset === gap.offset && one.firstId === gap.firstId,
    )
    if (isKnown || this.#gaps.length >= GAPS_KEPT_MAX) return
    this.#gaps.push(gap)
    this.#events.damage(gap)
  }

  /** Called where another file stands in the place of this one. */
  forget(file: string): void {
    this.#gaps.splice(0, this.#gaps.length, ...this.#gaps.filter((gap) => gap.file !== file))
  }
}
