/**
 * Reading at a limited rate: each read waits until those before it have taken the time that they are
 * given. Bytes are counted by the system's clock; nothing is saved up while nobody reads.
 */
import { throwIfAborted } from '../../errors.ts'
import type { Clock, ReadHandle } from '../../system/system.ts'

/** What is read at once. Small beside a second's worth, and not so small that calls are what costs. */
export const SCRUB_READ_BYTES = 256 * 1024

export interface PaceOptions {
  /** Unlimited where it is absent. */
  readonly bytesPerSecond?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Waiting keeps the process alive: for somebody who awaits the end. */
  readonly keepsAlive?: boolean
}

export class ReadPace {
  readonly #clock: Clock
  readonly #options: PaceOptions
  #freeMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, options: PaceOptions) {
    this.#clock = clock
    this.#options = options
  }

  /** The same file, read in pieces and in turn. Reads reject with QLOG_ABORTED. */
  slow(handle: ReadHandle): ReadHandle {
    return { read: (target, position) => this.#read(handle, target, position) }
  }

  async #read(handle: ReadHandle, target: Uint8Array, position: number): Promise<number> {
    let filled = 0
    while (filled < target.length) {
      const piece = target.subarray(filled, filled + SCRUB_READ_BYTES)
      await this.#turn()
      const read = await handle.read(piece, position + filled)
      this.#count(read)
      filled += read
      if (read < piece.length) break
    }
    return filled
  }

  async #turn(): Promise<void> {
    const { signal } = this.#options
    throwIfAborted(signal)
    const waitMs = this.#freeMs - this.#clock.monotonicMs()
    if (waitMs > 0) await this.#pause(waitMs)
    throwIfAborted(signal)
  }

  #count(byteLength: number): void {
    const { bytesPerSecond } = this.#options
    if (bytesPerSecond === undefined) return
    const fromMs = Math.max(this.#freeMs, this.#clock.monotonicMs())
    this.#freeMs = fromMs + (byteLength * 1000) / bytesPerSecond
  }

  /** Ends early where it is aborted. */
  #pause(delayMs: number): Promise<void> {
    const { signal, keepsAlive = false } = this.#options
    return new Promise((resolve) => {
      const done = (): void => {
        cancel()
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const cancel = this.#clock.after(delayMs, done, keepsAlive)
      signal?.addEventListener('abort', done, { once: true })
    })
  }
}
