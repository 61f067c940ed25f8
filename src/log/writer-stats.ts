/** Counters of the commit loop, the latencies of its last groups, and its rates. Memory only. */
const LATENCIES_KEPT = 1024
/** Rates are averages over so many seconds that have passed whole. */
const RATE_SECONDS = 10

export class WriterStats {
  messages = 0
  messageBytes = 0
  flushes = 0
  maxMs = 0
  readonly #latenciesMs = new Float64Array(LATENCIES_KEPT)
  /** Messages and bytes of each of the last seconds, and one more: the one that is passing. */
  readonly #secondMessages = new Float64Array(RATE_SECONDS + 1)
  readonly #secondBytes = new Float64Array(RATE_SECONDS + 1)
  #second = 0

  /** `nowMs` and `latencyMs` by the monotonic clock. */
  settled(messages: number, messageBytes: number, latencyMs: number, nowMs: number): void {
    this.#latenciesMs[this.flushes % LATENCIES_KEPT] = latencyMs
    this.flushes++
    this.messages += messages
    this.messageBytes += messageBytes
    if (latencyMs > this.maxMs) this.maxMs = latencyMs
    const row = this.#advance(nowMs)
    this.#secondMessages[row] = (this.#secondMessages[row] ?? 0) + messages
    this.#secondBytes[row] = (this.#secondBytes[row] ?? 0) + messageBytes
  }

  /** The latency that this share of the last groups stayed at or below; 0 where there is none. */
  percentileMs(share: number): number {
    const kept = this.#latenciesMs.slice(0, Math.min(this.flushes, LATENCIES_KEPT)).sort()
    return kept[Math.min(kept.length - 1, Math.floor(kept.length * share))] ?? 0
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
