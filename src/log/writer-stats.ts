/** Counters of the commit loop, how long its groups took, and its rates. Memory only. */
import { FlushTimes } from './flush-times.ts'

/** Rates are averages over so many seconds that have passed whole. */
const RATE_SECONDS = 10

export class WriterStats {
  messages = 0
  messageBytes = 0
  readonly flushTimes = new FlushTimes()
  /** Messages and bytes of each of the last seconds, and one more: the one that is passing. */
  readonly #secondMessages = new Float64Array(RATE_SECONDS + 1)
  readonly #secondBytes = new Float64Array(RATE_SECONDS + 1)
  #second = 0

  /** `nowMs` and `latencyMs` by the monotonic clock. */
  settled(messages: number, messageBytes: number, latencyMs: number, nowMs: number): void {
    this.flushTimes.record(latencyMs)
    this.messages += messages
    this.messageBytes += messageBytes
    const row = this.#advance(nowMs)
    this.#secondMessages[row] = (this.#secondMessages[row] ?? 0) + messages
    this.#secondBytes[row] = (this.#secondBytes[row] ?? 0) + messageBytes
  }

  /** Averages over the last whole seconds. */
  ratesAt(nowMs: number): { readonly messagesPerSecond: number; readonly bytesPerSecond: number } {
    const passing = this.#advance(nowMs)
    let messages = 0
    let bytes = 0
    for (let row = 0; row <= RATE_SECONDS; row++) {
      if (row === passing) continue
      messages += this.#secondMessages[row] ?? 0
      bytes += this.#secondBytes[row] ?? 0
    }
    return { messagesPerSecond: messages / RATE_SECONDS, bytesPerSecond: bytes / RATE_SECONDS }
  }

  /** The row of the second that is passing; rows of seconds in which nothing happened are cleared. */
  #advance(nowMs: number): number {
    const second = Math.floor(nowMs / 1000)
    const from = Math.max(this.#second + 1, second - RATE_SECONDS)
    for (let passed = from; passed <= second; passed++) {
      this.#secondMessages[passed % (RATE_SECONDS + 1)] = 0
      this.#secondBytes[passed % (RATE_SECONDS + 1)] = 0
    }
    this.#second = Math.max(this.#second, second)
    return this.#second % (RATE_SECONDS + 1)
  }
}
