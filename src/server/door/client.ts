/**
 * The caller's end of the door: says hello, then asks one thing at a time. Touches its connection.
 */
import { abortError, QlogError, throwIfAborted } from '../../errors.ts'
import type { Clock, Connection } from '../../system/system.ts'
import { BadFrameError, encodeFrame, FrameReader } from './frame.ts'
import { DOOR_VERSION, OWNER_TIMEOUT_MS } from './limits.ts'
import { within } from './patience.ts'
import type { VerbName, VerbTypes } from './verbs/types.ts'
import { fromWire } from './wire-error.ts'

export interface CallOptions<Item> {
  /** Raw bytes for the verb: bodies. */
  readonly tail?: Uint8Array
  /** Gets each piece; the next one waits for it. */
  readonly onItem?: (item: Item, tail: Uint8Array) => void | Promise<void>
  readonly signal?: AbortSignal | undefined
}

/** Who holds the store, as an error names it. */
export interface OwnerName {
  readonly pid: number
  readonly host: string
}

export class DoorClient {
  readonly owner: OwnerName
  readonly #connection: Connection
  readonly #reader: FrameReader
  #isAsking = false

  constructor(connection: Connection, owner: OwnerName) {
    this.#connection = connection
    this.owner = owner
    this.#reader = new FrameReader(connection)
  }

  /**
   * True once the owner answers; false where it hangs up without a word. Rejects with QLOG_NO_DOOR where
   * it says nothing in time, or speaks another version.
   */
  async hello(clock: Clock): Promise<boolean> {
    const hello = encodeFrame({ qlog: 'door', version: DOOR_VERSION })
    const answered = this.#connection.write(hello).then(() => this.#reader.next())
    // A broken connection is one that was hung up.
    const answer = answered.catch((error: unknown) => {
      if (error instanceof BadFrameError) throw this.#noDoor('does not speak the door’s protocol')
      return undefined
    })
    const late = (): never => {
      this.close()
      throw this.#noDoor(`has not answered for ${OWNER_TIMEOUT_MS / 1000} s`)
    }
    const frame = await within(clock, OWNER_TIMEOUT_MS, answer, late, true)
    if (frame === undefined) return false
    const { qlog, version } = frame.header
    if (qlog === 'door' && version === DOOR_VERSION) return true
    throw this.#noDoor(`speaks version ${String(version)} of the door, this is ${DOOR_VERSION}`)
  }

  /**
   * Asks for one thing. Rejects with what the owner answers, QLOG_DISCONNECTED, QLOG_ABORTED,
   * QLOG_TOO_LARGE; after an abort it is of no more use.
   */
  async call<V extends VerbName>(
    verb: V,
    args: VerbTypes[V]['args'],
    options: CallOptions<VerbTypes[V]['item']> = {},
  ): Promise<VerbTypes[V]['done']> {
    if (this.#isAsking) throw new Error('the door is asked one thing at a time')
    const { signal, tail, onItem } = options
    throwIfAborted(signal)
    const request = encodeFrame({ verb, args }, tail)
    this.#isAsking = true
    const stop = (): void => this.close()
    signal?.addEventListener('abort', stop, { once: true })
    try {
      await this.#connection.write(request).catch((error: unknown) => {
        throw this.#disconnected(error)
      })
      for (;;) {
        const { header, tail: bytes } = await this.#next()
        if ('error' in header) throw fromWire(header['error'])
        // What an owner of this version says is what the types say.
        if ('done' in header) return header['done'] as VerbTypes[V]['done']
        await onItem?.(header['item'] as VerbTypes[V]['item'], bytes)
      }
    } catch (error) {
      if (signal?.aborted) throw abortError(signal)
      throw error
    } finally {
      signal?.removeEventListener('abort', stop)
      this.#isAsking = false
    }
  }

  close(): void {
    this.#connection.close()
  }

  async #next() {
    try {
      const frame = await this.#reader.next()
      if (frame !== undefined) return frame
    } catch (error) {
      throw this.#disconnected(error)
    }
    throw this.#disconnected(undefined)
  }

  #noDoor(why: string): QlogError {
    const { pid, host } = this.owner
    return new QlogError('QLOG_NO_DOOR', `process ${pid} on ${host} holds the store and ${why}`)
  }

  #disconnected(cause: unknown): QlogError {
    const { pid, host } = this.owner
    const words = `process ${pid} on ${host}, which holds the store, hung up before it answered`
    return new QlogError('QLOG_DISCONNECTED', words, { cause })
  }
}
