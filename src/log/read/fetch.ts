/**
 * Bodies by id, as many as are asked for: ids that follow each other are read together, and the file
 * that is open serves the next ones too. Reads only.
 */
import type { FetchOptions } from '../seam.ts'
import { type MessageReader, throwIfAborted } from './message-reader.ts'

/** A reader that nobody uses is kept for so long: it pins its segment, and the next ids follow here. */
const IDLE_MS = 250

export interface FetcherParts {
  readonly open: () => MessageReader
  readonly isThere: (id: number) => boolean
  /** Calls back once; returns the way to cancel. */
  readonly after: (delayMs: number, callback: () => void) => () => void
}

export class Fetcher {
  readonly #parts: FetcherParts
  /** Between two calls: most ask for what follows the last ones. */
  #idle: MessageReader | undefined
  #cancelIdle: (() => void) | undefined
  #closing: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(parts: FetcherParts) {
    this.#parts = parts
  }

  /**
   * The bodies in the order of `ids`, as far as they come to no more than `bytesMax`, but for the first;
   * undefined for those that are not there. Rejects on damage.
   */
  async fetch(
    ids: ArrayLike<number>,
    options: FetchOptions,
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const reader = this.#idle ?? this.#parts.open()
    this.#idle = undefined
    this.#cancelIdle?.()
    try {
      const bodies = await fetchBodies(reader, this.#parts.isThere, ids, options)
      this.#keep(reader)
      return bodies
    } catch (error) {
      await reader.close()
      throw error
    }
  }

  /** Lets go of what is kept for the next call. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#release()
    await this.#closing
  }

  #keep(reader: MessageReader): void {
    this.#release()
    this.#idle = reader
    if (this.#isClosed) this.#release()
    else this.#cancelIdle = this.#parts.after(IDLE_MS, () => this.#release())
  }

  #release(): void {
    this.#cancelIdle?.()
    this.#cancelIdle = undefined
    const reader = this.#idle
    this.#idle = undefined
    if (reader) this.#closing = Promise.all([this.#closing, reader.close()]).then(() => undefined)
  }
}

async function fetchBodies(
  reader: MessageReader,
  isThere: (id: number) => boolean,
  ids: ArrayLike<number>,
  { bytesMax = Number.POSITIVE_INFINITY, signal }: FetchOptions,
): Promise<readonly (Uint8Array | undefined)[]> {
  const bodies = new Array<Uint8Array | undefined>(ids.length).fill(undefined)
  const budget = { rest: bytesMax, isUsed: false }
  for (let row = 0; row < ids.length; ) {
    throwIfAborted(signal)
    const first = ids[row] ?? 0
    let end = row
    while (end < ids.length && ids[end] === first + end - row && isThere(first + end - row)) end++
    if (end > row) {
      const filled = await readRun(reader, first, row, end, bodies, budget)
      if (filled < end) return bodies.slice(0, filled)
      row = end
    } else row++
  }
  return bodies
}

/** What may still be fetched; the first body always may. */
interface Budget {
  rest: number
  isUsed: boolean
}

/**
 * Fills rows `row` to `end - 1`, whose ids follow each other from `first` on; returns the first row that
 * there was no budget for, or `end`.
 */
async function readRun(
  reader: MessageReader,
  first: number,
  row: number,
  end: number,
  bodies: (Uint8Array | undefined)[],
  budget: Budget,
): Promise<number> {
  reader.seek(first, first + end - row)
  for (;;) {
    const batch = await reader.nextBatch()
    if (!batch) return end
    for (const { id, body } of batch) {
      if (budget.isUsed && body.length > budget.rest) return row + id - first
      budget.isUsed = true
      budget.rest -= body.length
      bodies[row + id - first] = body
    }
  }
}
