/**
 * How a reader waits at the tail for more, and how it is told to stop: one pair of signals for its
 * whole life, and its place at the tail, for which the log keeps its newest groups in memory.
 */
import type { LogView } from '../view.ts'
import { TailSeat } from './tail-cache.ts'

export class TailWait {
  readonly seat: TailSeat | undefined
  readonly #view: LogView
  readonly #signal: AbortSignal | undefined
  #isEnded = false
  /** Both are made at the first wait: most readers end before one. */
  #stop: AbortController | undefined
  #either: AbortSignal | undefined

  constructor(view: LogView, signal: AbortSignal | undefined) {
    this.#view = view
    this.#signal = signal
    this.seat = view.tail && new TailSeat(view.tail)
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Waits for more, until the caller aborts or `end` is called, which is no error. */
  async changed(): Promise<void> {
    // Before the wait begins: from here on every group that resolves is kept for this reader.
    this.seat?.take()
    try {
      await this.#view.changed(this.#eitherSignal())
    } catch (error) {
      if (!this.#isEnded) throw error
    }
  }

  end(): void {
    this.#isEnded = true
    this.#stop?.abort()
    this.seat?.leave()
  }

  /** The caller's signal and ours, put together. */
  #eitherSignal(): AbortSignal {
    if (this.#either) return this.#either
    this.#stop = new AbortController()
    if (this.#isEnded) this.#stop.abort()
    const { signal } = this.#stop
    this.#either = this.#signal ? AbortSignal.any([this.#signal, signal]) : signal
    return this.#either
  }
}
