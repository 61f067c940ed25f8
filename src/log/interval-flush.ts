/**
 * Flushes outside the mode `always`: after so many bytes, after so much time, and where something must
 * be durable before the log goes on. One flush at a time.
 */
import type { FileHandle, System } from '../system/system.ts'
import type { LogEvents } from './log-events.ts'
import type { OwnSegment } from './segment-file.ts'

export interface IntervalOptions {
  readonly mode: 'always' | 'interval' | 'never'
  readonly intervalMs: number
  readonly intervalBytes: number
}

export class IntervalFlush {
  /** The next id behind everything that a flush covered. */
  flushedNextId: number
  readonly #system: System
  readonly #options: IntervalOptions
  readonly #events: LogEvents
  readonly #onError: (error: unknown) => void
  #running: Promise<void> | undefined
  #cancelTimer: (() => void) | undefined
  /** Where the last group resolved, and the next id behind it. */
  #last: { readonly segment: OwnSegment; readonly nextId: number } | undefined

  constructor(
    system: System,
    options: IntervalOptions,
    events: LogEvents,
    nextId: number,
    onError: (error: unknown) => void,
  ) {
    this.#system = system
    this.#options = options
    this.#events = events
    this.flushedNextId = nextId
    this.#onError = onError
  }

  /** Called when groups have resolved: flushes now, or sees that it happens in time. */
  written(segment: OwnSegment, nextId: number): void {
    const { mode, intervalMs, intervalBytes } = this.#options
    if (mode === 'always') this.flushedNextId = nextId
    if (mode !== 'interval') return
    const unflushed = segment.writtenEnd - segment.durableOffset
    this.#last = { segment, nextId }
    if (unflushed >= intervalBytes) {
      this.flush(segment, nextId).catch(this.#onError)
    } else if (unflushed > 0 && !this.#cancelTimer) {
      this.#cancelTimer = this.#system.clock.after(intervalMs, () => {
        this.#cancelTimer = undefined
        // What was written last, not what was when the timer was set: the log may have rolled since.
        const last = this.#last
        if (last) this.flush(last.segment, last.nextId).catch(this.#onError)
      })
    }
  }

  /** Makes everything written so far durable; `nextId` is the next id behind it. */
  async flush(segment: OwnSegment, nextId: number): Promise<void> {
    // Whoever waited for a flush looks again: it may have covered this one too.
    while (this.#running !== undefined) await this.#running
    const end = segment.writtenEnd
    if (segment.durableOffset >= end) return
    const startedMs = this.#system.clock.monotonicMs()
    // Through a description of its own: an error is told to it, too.
    this.#running = segment.lanes.use((handle) => handle.flush())
    try {
      await this.#running
    } finally {
      this.#running = undefined
    }
    this.#events.flushed(this.#system.clock.monotonicMs() - startedMs)
    segment.durableOffset = Math.max(segment.durableOffset, end)
    this.flushedNextId = Math.max(this.flushedNextId, nextId)
  }

  /** The same at once, through a description that nothing else uses. */
  flushSync(segment: OwnSegment, nextId: number, handle: FileHandle): void {
    const end = segment.writtenEnd
    handle.flushSync()
    segment.durableOffset = Math.max(segment.durableOffset, end)
    this.flushedNextId = Math.max(this.flushedNextId, nextId)
  }

  cancel(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  /** Resolves when no flush is under way. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running.catch(() => undefined)
  }
}
