/** The connection to a beanstalkd that is emptied: replies as they come, and an end to every wait. */
import { connect, type Socket } from 'node:net'
import { QlogError } from '../../errors.ts'
import {
  type SourceReply,
  SourceReplyReader,
} from '../../protocols/beanstalkd/import/reply-reader.ts'
import type { SourceWire } from '../../protocols/beanstalkd/import/source.ts'
import { type Address, addressText } from '../../server/index.ts'

/** Nothing that is asked takes long: so much silence is a fault. */
const SILENCE_MS_MAX = 30_000
/** A reply that goes on coming: the largest job there is comes within that over any line that is of use. */
const REPLY_MS_MAX = 600_000
/** Whoever wants to stop waits no longer for all last answers together. */
const STOP_MS_MAX = 2_000

export class SourceSocket implements SourceWire {
  readonly #socket: Socket
  readonly #name: string
  readonly #reader = new SourceReplyReader()
  readonly #replies: SourceReply[] = []
  #taken = 0
  /** Commands that have no reply yet. */
  #unanswered = 0
  #failure: QlogError | undefined
  #waiting: (() => void) | undefined
  #limit: NodeJS.Timeout | undefined
  /** When what is waited for has been asked for. */
  #askedMs = 0
  /** Since then the time of the wait counts as one of a stop. */
  #stopFromMs = Number.POSITIVE_INFINITY
  #stopLeftMs = STOP_MS_MAX
  readonly #signal: AbortSignal

  private constructor(address: Address, signal: AbortSignal) {
    this.#name = addressText(address)
    this.#signal = signal
    if (address.kind === 'inherited') throw new Error('an import connects to an address')
    const { host = '127.0.0.1' } = address.kind === 'tcp' ? address : {}
    this.#socket =
      address.kind === 'unix'
        ? connect({ path: address.path })
        : connect({ host, port: address.port, noDelay: true })
    this.#socket.on('data', (chunk: Uint8Array) => this.#push(chunk))
    this.#socket.on('error', (error) => this.#fail(error.message, error))
    this.#socket.on('close', () => this.#fail('it hung up'))
    signal.addEventListener('abort', this.#stop, { once: true })
    if (signal.aborted) this.#stop()
  }

  /** Rejects with QLOG_SOURCE where nobody is there. */
  static async connect(address: Address, signal: AbortSignal): Promise<SourceSocket> {
    const wire = new SourceSocket(address, signal)
    wire.#socket.once('connect', () => wire.#waiting?.())
    try {
      await wire.#until(() => !wire.#socket.connecting)
    } catch (error) {
      wire.close()
      throw error
    }
    return wire
  }

  send(text: string): void {
    this.#unanswered += text.split('\r\n').length - 1
    if (this.#failure === undefined) this.#socket.write(text, 'latin1')
  }

  async next(): Promise<SourceReply> {
    await this.#until(() => this.#taken < this.#replies.length)
    const reply = this.#replies[this.#taken]
    if (reply === undefined) throw new Error('a reply was there')
    this.#taken += 1
    if (this.#taken < this.#replies.length) return reply
    this.#replies.length = 0
    this.#taken = 0
    return reply
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#stop)
    clearTimeout(this.#limit)
    this.#failure ??= this.#error('it was closed')
    this.#socket.destroy()
  }

  /** What has come counts, also where the connection has ended since. */
  async #until(isThere: () => boolean): Promise<void> {
    this.#askedMs = performance.now()
    while (!isThere()) {
      if (this.#failure !== undefined) throw this.#failure
      await this.#wait()
    }
  }

  /** Ends with whatever comes, and when a limit is reached. */
  async #wait(): Promise<void> {
    if (this.#signal.aborted) this.#stopFromMs = performance.now()
    await new Promise<void>((resolve) => {
      this.#waiting = resolve
      this.#setLimit()
    })
    this.#waiting = undefined
    clearTimeout(this.#limit)
    this.#stopLeftMs -= Math.max(0, performance.now() - this.#stopFromMs)
  }

  #push(chunk: Uint8Array): void {
    try {
      const replies = this.#reader.push(chunk)
      this.#unanswered -= replies.length
      // None of them would answer what is asked next, and nothing bounds how many come.
      if (this.#unanswered < 0) this.#fail('it answers what nobody has asked')
      else this.#replies.push(...replies)
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error), error)
    }
    this.#waiting?.()
  }

  #setLimit(): void {
    clearTimeout(this.#limit)
    const replyMs = REPLY_MS_MAX - (performance.now() - this.#askedMs)
    const stopMs = this.#signal.aborted ? this.#stopLeftMs : Number.POSITIVE_INFINITY
    const ms = Math.max(0, Math.min(SILENCE_MS_MAX, replyMs, stopMs))
    let why = `it said nothing for ${SILENCE_MS_MAX / 1_000} s`
    if (ms >= stopMs) why = `it was waited for no longer than ${STOP_MS_MAX / 1_000} s to stop`
    else if (ms >= replyMs) why = `one reply took more than ${REPLY_MS_MAX / 60_000} minutes`
    this.#limit = setTimeout(() => this.#fail(why), ms)
  }

  readonly #stop = (): void => {
    this.#stopFromMs = performance.now()
    if (this.#waiting !== undefined) this.#setLimit()
  }

  #fail(why: string, cause?: unknown): void {
    this.#failure ??= this.#error(why, cause)
    this.#socket.destroy()
    this.#waiting?.()
  }

  #error(why: string, cause?: unknown): QlogError {
    const words = `the beanstalkd at ${this.#name}: ${why}`
    return new QlogError('QLOG_SOURCE', words, cause === undefined ? undefined : { cause })
  }
}
