/**
 * How a reader waits at the tail for more, and how it is told to stop: one pair of signals for its
 * whole life, and its place at the tail, for which the log keeps its newest groups in memory.
 */
import type { LogView } from '../view.ts'
import { TailSeat } from './tail-cache.ts'

export class TailWait {
  readonly seat: TailSeat | undefined
  readonly #view: LogView
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal | undefined
  /** The caller's signal and ours, put together at the first wait. */
  #either: AbortSignal | undefined

  constructor(view: LogView, signal: AbortSignal | undefined) {
    this.#view = view
    this.#signal = signal
    this.seat = view.tail && new TailSeat(view.tail)
  }

  get isEnded(): boolean {
    return this.#stop.signal.aborted
  }

  /** Waits for more, until the caller aborts or `end` is called, which is no error. */
  async changed(): Promise<void> {
    // Before the wait begins: from here on every group that resolves is kept for this reader.
    this.seat?.take()
    const { signal } = this.#stop
    this.#either ??= this.#signal ? AbortSignal.any([this.#signal, signal]) : signal
    try {
      await this.#view.changed(this.#either)
    } catch (error) {
      if (!this.isEnded) throw error
    }
  }

  end(): void {
    this.#stop.abort()
    this.seat?.leave()
  }
}
