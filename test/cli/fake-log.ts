/**
 * A log of memory behind the public interface, for what is hard to bring about on a disk: damage,
 * unconfirmed messages, failing appends, flushes that come when the test says so.
 */
import type { Gap } from '../../src/errors.ts'
import { QlogError } from '../../src/errors.ts'
import type { IdRange, Log, LogOptions, LogStats, Message, ReadOptions } from '../../src/index.ts'

const TIME_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678)

export class FakeLog implements Log {
  readonly directory = '/fake'
  readonly firstId = 1
  messages: Message[] = []
  gaps: Gap[] = []
  openError: Error | undefined
  openedWith: LogOptions | undefined
  /** Appends beyond this many fail. */
  appendsMax = Number.POSITIVE_INFINITY
  /** Ids at or above this one are unconfirmed. */
  unconfirmedFrom = Number.POSITIVE_INFINITY
  /** While held, appends wait for {@link releaseFlushes}. */
  holdFlushes = false
  batchSizes: number[] = []
  inFlight = 0
  inFlightHighest = 0
  closed = false
  #held: (() => void)[] = []

  open(_directory: string, options: LogOptions | undefined): Promise<this> {
    if (this.openError !== undefined) return Promise.reject(this.openError)
    this.openedWith = options
    this.closed = false
    return Promise.resolve(this)
  }

  get nextId(): number {
    const lastGapEnd = this.gaps.at(-1)?.endId ?? 1
    return Math.max((this.messages.at(-1)?.id ?? 0) + 1, lastGapEnd)
  }

  get status(): 'open' | 'closed' {
    return this.closed ? 'closed' : 'open'
  }

  add(body: Uint8Array | string): number {
    const id = this.nextId
    // A copy, as the real log makes one: the caller may reuse its buffer.
    const bytes = typeof body === 'string' ? Buffer.from(body) : Uint8Array.from(body)
    const unconfirmed = id >= this.unconfirmedFrom ? { unconfirmed: true as const } : {}
    this.messages.push({ id, timeMs: TIME_MS, body: bytes, ...unconfirmed })
    return id
  }

  async append(body: Uint8Array | string): Promise<number> {
    this.#refuseClosed()
    if (this.messages.length >= this.appendsMax) {
      throw new QlogError('QLOG_DISK_FULL', 'no space for a new segment')
    }
    const id = this.add(body)
    await this.#flush()
    return id
  }

  async appendMany(bodies: readonly (Uint8Array | string)[]): Promise<IdRange> {
    this.#refuseClosed()
    this.batchSizes.push(bodies.length)
    const firstId = this.nextId
    for (const body of bodies) this.add(body)
    await this.#flush()
    return { firstId, endId: firstId + bodies.length }
  }

  releaseFlushes(): void {
    this.holdFlushes = false
    for (const release of this.#held.splice(0)) release()
  }

  async *readBatches(options: ReadOptions = {}): AsyncIterableIterator<readonly Message[]> {
    for (const gap of this.gaps) options.onGap?.(gap)
    const wanted = this.messages.filter((message) => message.id >= (options.from ?? 1))
    for (let at = 0; at < wanted.length; at += 3) {
      await Promise.resolve()
      yield wanted.slice(at, at + 3)
    }
    if (options.follow === true) await untilAborted(options.signal)
  }

  async *read(options: ReadOptions = {}): AsyncIterableIterator<Message> {
    for await (const batch of this.readBatches(options)) yield* batch
  }

  get(id: number): Promise<Message | undefined> {
    return Promise.resolve(this.messages.find((message) => message.id === id))
  }

  compact(): Promise<void> {
    return Promise.resolve()
  }

  stats(): LogStats {
    const file = '00000000000000000001-00.qls'
    return {
      status: 'open',
      directory: this.directory,
      sync: 'always',
      epoch: 3,
      firstId: 1,
      nextId: this.nextId,
      durableEndId: this.nextId,
      segments: [
        {
          file,
          fileBytes: 65_536,
          firstId: 1,
          endId: this.nextId,
          usedBytes: 9_000,
          messages: this.nextId - 1,
          liveMessages: this.nextId - 1,
          liveBytes: 9_000,
        },
      ],
      diskBytes: 65_536,
      liveBytes: 9_000,
      deadBytes: 0,
      space: 'ok',
      reserve: { bytes: 0, state: 'none' },
      spareBytes: 0,
      messagesPerSecond: 0,
      bytesPerSecond: 0,
      appendedMessages: 0,
      appendedBytes: 0,
      flushes: 0,
      flushCounts: [],
      flushSumMs: 0,
      flushP50Ms: 0,
      flushP99Ms: 0,
      flushMaxMs: 0,
      bytesInFlight: 0,
      compression: 'none',
      codec: undefined,
      rawBytes: 0,
      storedBytes: 0,
      merging: { merges: 0, rewrittenBytes: 0 },
      gaps: this.gaps,
    }
  }

  appendSync(body: Uint8Array | string): number {
    return this.add(body)
  }

  discard(): void {}

  close(): Promise<void> {
    this.closed = true
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #refuseClosed(): void {
    if (this.closed) throw new QlogError('QLOG_CLOSED', 'the log is closed')
  }

  async #flush(): Promise<void> {
    this.inFlight += 1
    this.inFlightHighest = Math.max(this.inFlightHighest, this.inFlight)
    if (this.holdFlushes) await new Promise<void>((resolve) => this.#held.push(resolve))
    else await new Promise<void>((resolve) => setImmediate(resolve))
    this.inFlight -= 1
  }
}

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(new QlogError('QLOG_ABORTED', 'the call was aborted'))
    if (signal === undefined || signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}
