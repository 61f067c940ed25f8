/** Connections and a clock of memory, for the door's tests. */
import type { Clock, Connection } from '../../../src/system/system.ts'

/** One end; what is written arrives at the other, unless that one was stopped. */
export class MemoryConnection implements Connection {
  other: MemoryConnection | undefined
  /** Takes nothing any more, as a peer does that reads nothing. */
  isStuck = false
  isClosed = false
  readonly #chunks: Uint8Array[] = []
  #wake: () => void = () => undefined

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk) return chunk
      if (this.isClosed || this.other?.isClosed) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.isClosed || this.other?.isClosed) throw new Error('EPIPE')
    if (this.isStuck) await new Promise(() => undefined)
    this.other?.arrive(bytes.slice())
  }

  arrive(bytes: Uint8Array): void {
    this.#chunks.push(bytes)
    this.#wake()
  }

  close(): void {
    this.isClosed = true
    this.#wake()
    this.other?.wake()
  }

  wake(): void {
    this.#wake()
  }
}

export function connectionPair(): { caller: MemoryConnection; owner: MemoryConnection } {
  const caller = new MemoryConnection()
  const owner = new MemoryConnection()
  caller.other = owner
  owner.other = caller
  return { caller, owner }
}

/** Time passes when a test says so. */
export class ManualClock implements Clock {
  readonly #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>()
  #nowMs = 1_000_000

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  sinceBootMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  soon(callback: () => void): void {
    queueMicrotask(callback)
  }

  afterEvents(callback: () => void): void {
    queueMicrotask(callback)
  }

  hold(): () => void {
    return () => undefined
  }

  get timers(): number {
    return this.#timers.size
  }

  pass(ms: number): void {
    this.#nowMs += ms
    for (const timer of [...this.#timers]) {
      if (timer.atMs > this.#nowMs || !this.#timers.delete(timer)) continue
      timer.callback()
    }
  }
}
