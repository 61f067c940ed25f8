/**
 * One caller at the owner's door, from its hello to its end: requests one at a time, each answered by
 * pieces and a last word. Whatever the caller sends or leaves unsent, the owner is not hurt: all is
 * bounded in bytes and time, and what the caller held goes back. Touches its connection and the store.
 *
 *     caller: { qlog: 'door', version }          owner: the same, with pid
 *     caller: { verb, args } + tail              owner: { item } + tail, ..., { done } or { error }
 */
import { QlogError } from '../../errors.ts'
import type { Store } from '../../store/types/store.ts'
import type { Clock, Connection } from '../../system/system.ts'
import { type Admission, BadFrameError, encodeFrame, type Frame, FrameReader } from './frame.ts'
import { Holder } from './holder.ts'
import { DOOR_VERSION, HELLO_TIMEOUT_MS, IDLE_TIMEOUT_MS, WRITE_TIMEOUT_MS } from './limits.ts'
import { within } from './patience.ts'
import { isVerb, VERBS } from './verbs/table.ts'
import type { Verb } from './verbs/types.ts'
import { toWire } from './wire-error.ts'

export interface ConversationParts {
  readonly clock: Clock
  readonly pid: number
  readonly admission: Admission
  readonly connection: Connection
  /** Resolves once the store is open; undefined where it will not be. */
  readonly store: Promise<Store | undefined>
  /** What should not happen is told there: nobody awaits a conversation. */
  readonly warn: (error: unknown) => void
}

/** Any verb: which arguments it has is what it finds out itself. */
type AnyVerb = Verb<{ args: object; item: object; done: object }>

/** The connection ended, or is of no more use. */
class EndedError extends Error {}

/** Resolves when it is over. Never rejects. */
export async function converse(parts: ConversationParts): Promise<void> {
  const conversation = new Conversation(parts)
  try {
    await conversation.run()
  } catch (error) {
    // That a caller breaks off, sends what is no frame or takes nothing is its own affair.
    if (!(error instanceof EndedError)) parts.warn(error)
  }
}

class Conversation {
  readonly #parts: ConversationParts
  readonly #reader: FrameReader

  constructor(parts: ConversationParts) {
    this.#parts = parts
    this.#reader = new FrameReader(parts.connection, parts.admission)
  }

  async run(): Promise<void> {
    const { connection } = this.#parts
    try {
      const store = await this.#greet()
      if (store !== undefined) await this.#serve(store)
    } finally {
      connection.close()
      this.#reader.end()
    }
  }

  /** The store to serve; undefined where there is nobody to serve, or nothing. */
  async #greet(): Promise<Store | undefined> {
    const { clock, pid } = this.#parts
    const hello = await within(clock, HELLO_TIMEOUT_MS, this.#next(), () => undefined)
    if (hello?.header['qlog'] !== 'door') return undefined
    const store = await this.#parts.store
    // One that is closing gives the lock up: whoever asks again finds it free, or the next owner.
    if (store === undefined || store.status === 'closing' || store.status === 'closed') {
      return undefined
    }
    await this.#write(encodeFrame({ qlog: 'door', version: DOOR_VERSION, pid }))
    return hello.header['version'] === DOOR_VERSION ? store : undefined
  }

  async #serve(store: Store): Promise<void> {
    const holder = new Holder(store)
    try {
      let next = this.#next()
      for (;;) {
        const request = await within(this.#parts.clock, IDLE_TIMEOUT_MS, next, () => undefined)
        if (request === undefined) return
        next = this.#next()
        await this.#answer(store, holder, request, next)
        this.#reader.free(request)
      }
    } finally {
      // What it held: with a store that has failed or closed it is free already.
      await holder.close().catch((error: unknown) => {
        if (!(error instanceof QlogError)) throw error
      })
    }
  }

  /** Answers, and breaks off where anything else comes first: the caller's end, or what it may not send. */
  async #answer(
    store: Store,
    holder: Holder,
    request: Frame,
    next: Promise<unknown>,
  ): Promise<void> {
    const abort = new AbortController()
    const broken = next.then(() => {
      abort.abort()
      throw new EndedError('the caller has gone, or sent a request before this one was answered')
    })
    const answered = this.#run(store, holder, request, abort.signal).then(
      (done) => ({ done }),
      (error: unknown) => this.#failure(error),
    )
    // Whichever comes second is of no interest.
    broken.catch(() => undefined)
    answered.catch(() => undefined)
    const answer = await Promise.race([answered, broken])
    await this.#write(encodeFrame(answer))
  }

  #failure(error: unknown): object {
    if (error instanceof EndedError) throw error
    const wire = toWire(error)
    if (wire.code === '') this.#parts.warn(error)
    return { error: wire }
  }

  async #run(
    store: Store,
    holder: Holder,
    { header, tail }: Frame,
    signal: AbortSignal,
  ): Promise<object> {
    const { verb: name, args } = header
    if (!isVerb(name)) {
      const words = `process ${this.#parts.pid} runs a version of qlog that does not know ${String(name).slice(0, 40)}`
      throw new QlogError('QLOG_NO_DOOR', words)
    }
    const verb = VERBS[name] as unknown as AnyVerb
    return verb({
      store,
      holder,
      args: typeof args === 'object' && args !== null ? args : {},
      tail,
      signal,
      item: async (item, itemTail) => {
        if (signal.aborted) throw new EndedError('the caller has gone')
        await this.#write(encodeFrame({ item }, itemTail))
      },
    })
  }

  /** Undefined where nothing more can come; a broken or babbling connection is an ended one. */
  async #next(): Promise<Frame | undefined> {
    try {
      return await this.#reader.next()
    } catch (error) {
      if (error instanceof BadFrameError || error instanceof QlogError) {
        await this.#write(encodeFrame({ error: toWire(error) })).catch(() => undefined)
      }
      return undefined
    }
  }

  async #write(frame: Uint8Array): Promise<void> {
    const { clock, connection } = this.#parts
    const written = connection.write(frame).catch(() => {
      throw new EndedError('the connection broke')
    })
    await within(clock, WRITE_TIMEOUT_MS, written, () => {
      connection.close()
      throw new EndedError('the caller takes no answer')
    })
  }
}
