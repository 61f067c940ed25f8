/**
 * Bodies by id for whoever asks, a few readers for all of them: each goes on where a call before ended,
 * since most calls ask for what follows the last one, so that its file and what it read ahead serve them
 * too. Reads only.
 */
import { type Gap, throwIfAborted } from '../../errors.ts'
import type { FetchOptions } from '../seam.ts'
import { type FetchRules, fetchBodies, type Hand } from './fetch-bodies.ts'
import type { MessageReader } from './message-reader.ts'

/** Readers that are kept for the next calls: as many as there are likely to be places to read at. */
const LINES_MAX = 4
/** A call goes on with a reader that stands no further away: what lies between belongs to others. */
const NEAR_IDS = 4096
/** A reader that nobody uses is kept for so long, or twice: it pins its segment. */
const IDLE_MS = 250

export interface FetcherParts extends FetchRules {
  readonly open: (onGap: (gap: Gap) => void) => MessageReader
  /** Calls back once; returns the way to cancel. */
  readonly after: (delayMs: number, callback: () => void) => () => void
}

/** A reader, and the calls that use it one after the other. */
interface Line extends Hand {
  /** Behind the last id that was asked for. */
  endId: number
  calls: number
  /** Settles with the last call; never rejects. */
  turn: Promise<unknown>
  /** A call failed: nobody knows where the reader stands. */
  isBroken: boolean
  wasUsed: boolean
}

export class Fetcher {
  readonly #parts: FetcherParts
  readonly #lines = new Set<Line>()
  #cancelTidying: (() => void) | undefined
  /** Readers that are being closed with nobody to wait for it; `close` does. */
  #closing: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(parts: FetcherParts) {
    this.#parts = parts
  }

  /** As the seam has it. */
  async fetch(
    ids: ArrayLike<number>,
    options: FetchOptions,
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const { signal } = options
    if (ids.length === 0) return []
    for (;;) {
      throwIfAborted(signal)
      const line = this.#lineFor(ids[0] ?? 0)
      line.endId = (ids[ids.length - 1] ?? 0) + 1
      line.calls++
      const call = line.turn.then(() =>
        line.isBroken ? undefined : fetchBodies(line, this.#parts, ids, options),
      )
      line.turn = call.catch(() => {
        line.isBroken = true
      })
      try {
        const bodies = await call
        if (bodies) return bodies
      } finally {
        line.calls--
        await this.#leave(line)
      }
    }
  }

  /** Lets go of what is kept for the next call. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelTidying?.()
    await Promise.all([this.#closing, ...[...this.#lines].map((line) => this.#drop(line))])
  }

  /** The reader that stands nearest to the id, where it is near or no more are to be had; else a new one. */
  #lineFor(id: number): Line {
    let nearest: Line | undefined
    let nearestIds = this.#lines.size < LINES_MAX ? NEAR_IDS : Number.POSITIVE_INFINITY
    for (const one of this.#lines) {
      const ids = Math.abs(id - one.endId)
      // Who waits for its turn waits for what stands right in front of it, and for nothing else.
      const isFit = one.calls === 0 || (one.endId <= id && ids <= NEAR_IDS)
      if (!isFit || one.isBroken || ids > nearestIds) continue
      nearest = one
      nearestIds = ids
    }
    const line = nearest ?? this.#open()
    line.wasUsed = true
    return line
  }

  #open(): Line {
    const gaps: Gap[] = []
    const reader = this.#parts.open((gap) => gaps.push(gap))
    const more = { endId: 0, calls: 0, isBroken: false, wasUsed: true }
    const line = { reader, gaps, turn: Promise.resolve(), ...more }
    this.#lines.add(line)
    this.#tidyLater()
    return line
  }

  /** A call has ended: the reader is kept where somebody may go on with it. */
  async #leave(line: Line): Promise<void> {
    if (line.calls > 0) return
    if (line.isBroken || this.#isClosed || this.#lines.size > LINES_MAX) await this.#drop(line)
  }

  async #drop(line: Line): Promise<void> {
    this.#lines.delete(line)
    await line.turn
    await line.reader.close()
  }

  #tidyLater(): void {
    this.#cancelTidying ??= this.#parts.after(IDLE_MS, () => {
      this.#cancelTidying = undefined
      for (const line of this.#lines) {
        if (line.calls === 0 && !line.wasUsed) {
          this.#closing = Promise.all([this.#closing, this.#drop(line)])
          this.#closing.catch(() => undefined)
        }
        line.wasUsed = false
      }
      if (this.#lines.size > 0) this.#tidyLater()
    })
  }
}
