/**
 * How much space full segments take for messages that nobody wants any more, only because the owner's
 * state may still be replayed from them. Memory only.
 */
import type { CommitLoop } from '../commit-loop.ts'
import type { Lsn } from '../seam.ts'
import type { Liveness } from './liveness.ts'

/** Discards that are taken together: counting is for every segment, not for every message. */
const DISCARDS_COUNTED = 1024

export interface HeldBackOptions {
  readonly loop: CommitLoop
  readonly liveness: Liveness
  readonly gcRoot: () => Lsn
}

export class HeldBack {
  readonly #options: HeldBackOptions
  #bytes = 0
  #discards = 0

  constructor(options: HeldBackOptions) {
    this.#options = options
  }

  /** As of the last count. */
  get bytes(): number {
    return this.#bytes
  }

  /** Called with each discard; a segment that may have become finished is counted at once. */
  discarded(mayFinish: boolean): void {
    this.#discards++
    if (mayFinish || this.#discards >= DISCARDS_COUNTED) this.count()
  }

  /** Called also when segments come or the root moves. */
  count(): void {
    const { loop, liveness, gcRoot } = this.#options
    const root = gcRoot()
    this.#discards = 0
    this.#bytes = 0
    for (const entry of loop.map) {
      if (entry.base + entry.cut <= root) continue
      const held = liveness.heldIn(entry)
      // What holds no message holds control records, which another snapshot would stand for.
      const share = held === 0 ? 1 : Math.min(1, liveness.deadIn(entry.number) / held)
      this.#bytes += entry.fileBytes * share
    }
  }
}
