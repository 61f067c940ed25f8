/**
 * Bodies by id for whoever asks, a few readers for all of them: each goes on where a call before ended,
 * since most calls ask for what follows the last one, so that its file and what it read ahead serve them
 * too. Reads only.
 */
import { type Gap, QlogError, throwIfAborted } from '../../errors.ts'
import { orAborted } from '../or-aborted.ts'
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
  /** Behind the last id that is there. */
  readonly endId: () => number
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
  #closing: Promise<void> = Promise.resolve()
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
      if (this.#isClosed) throw new QlogError('QLOG_CLOSED', 'the log is closed')
      const line = this.#lineFor(ids[0] ?? 0)
      line.endId = (ids[ids.length - 1] ?? 0) + 1
      line.calls++
      const call = line.turn.then(() => this.#read(line, ids, options))
      line.turn = call.catch(() => undefined)
      try {
        const bodies = await (signal ? orAborted(call, signal) : call)
        if (bodies) return bodies
      } finally {
        line.calls--
        this.#leave(line)
      }
    }
  }

  /** Undefined where nobody reads with this line any more. */
  async #read(
    line: Line,
    ids: ArrayLike<number>,
    options: FetchOptions,
  ): Promise<readonly (Uint8Array | undefined)[] | undefined> {
    throwIfAborted(options.signal)
    if (line.isBroken) return undefined
    try {
      const bodies = await fetchBodies(line, this.#parts, ids, options)
      // Who takes the newest takes what comes next as well, and it need not be read back from the disk.
      if (this.#parts.endId() - line.endId <= NEAR_IDS) line.reader.stayAtTail()
      return bodies
    } catch (error) {
      // Its file is free again once the caller hears of it; those that wait go elsewhere.
      line.isBroken = true
      this.#lines.delete(line)
      await this.#close(line)
      throw error
    }
  }

  /** Lets go of what is kept for the next call. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelTidying?.()
    for (const line of this.#lines) this.#drop(line)
    await this.#closing
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
  #leave(line: Line): void {
    if (line.calls > 0) return
    if (line.isBroken || this.#lines.size > LINES_MAX) this.#drop(line)
  }

  /** Closes its reader once nothing reads with it. */
  #drop(line: Line): void {
    if (!this.#lines.delete(line)) return
    void this.#close(line, line.turn)
  }

  /** Never rejects: closing what was only read tells nothing. Whoever closes all of this waits for it too. */
  #close(line: Line, turn: Promise<unknown> = Promise.resolve()): Promise<void> {
    const closed = turn.then(() => line.reader.close()).catch(() => undefined)
    this.#closing = Promise.all([this.#closing, closed]).then(() => undefined)
    return closed
  }

  #tidyLater(): void {
    if (this.#isClosed) return
    this.#cancelTidying ??= this.#parts.after(IDLE_MS, () => {
      this.#cancelTidying = undefined
      for (const line of this.#lines) {
        if (line.calls === 0 && !line.wasUsed) this.#drop(line)
        line.wasUsed = false
      }
      if (this.#lines.size > 0) this.#tidyLater()
    })
  }
}
