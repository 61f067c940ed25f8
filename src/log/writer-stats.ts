/** Counters of the commit loop, and the latencies of its last groups. Memory only. */
const LATENCIES_KEPT = 1024

export class WriterStats {
  messages = 0
  messageBytes = 0
  flushes = 0
  maxMs = 0
  readonly #latenciesMs = new Float64Array(LATENCIES_KEPT)

  settled(messages: number, messageBytes: number, latencyMs: number): void {
    this.#latenciesMs[this.flushes % LATENCIES_KEPT] = latencyMs
    this.flushes++
    this.messages += messages
    this.messageBytes += messageBytes
    if (latencyMs > this.maxMs) this.maxMs = latencyMs
  }

  /** The latency that this share of the last groups stayed at or below; 0 where there is none. */
  percentileMs(share: number): number {
    const kept = this.#latenciesMs.slice(0, Math.min(this.flushes, LATENCIES_KEPT)).sort()
    return kept[Math.min(kept.length - 1, Math.floor(kept.length * share))] ?? 0
  }
}
