/** A warning that is told at once, and then no more than once a minute, however often there is cause. */
import type { System } from '../system/system.ts'

const AGAIN_MS = 60_000

export class RareWarning {
  readonly #system: Pick<System, 'clock' | 'warn'>
  readonly #code: string
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(system: Pick<System, 'clock' | 'warn'>, code: string) {
    this.#system = system
    this.#code = code
  }

  tell(message: string): void {
    const nowMs = this.#system.clock.monotonicMs()
    if (nowMs - this.#toldMs < AGAIN_MS) return
    this.#toldMs = nowMs
    this.#system.warn(this.#code, message)
  }
}
