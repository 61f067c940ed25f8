/**
 * Messages out of the log, by id: records or what they decode to, one or many. Damage that is met is told
 * of and passed over. Knows the seam, decides nothing.
 */
import { DamagedError, throwIfAborted } from '../errors.ts'
import type { OwnedLog } from '../log/seam.ts'
import type { QueueDispatch } from './dispatch/queue-dispatch.ts'
import { type DecodedMessage, decodeMessage } from './records/message-record.ts'
import type { MessageRef } from './types/messages.ts'

/** Bodies are read for what stands in front of them, so many at a time and no more than these bytes. */
const HEADS_COUNT = 256
const HEADS_BYTES = 4 * 1024 * 1024

export class MessageFetch {
  readonly #log: Pick<OwnedLog, 'fetch'>
  /** Called with each message that damage has taken. */
  readonly #noteDamaged: (id: number) => void

  constructor(log: Pick<OwnedLog, 'fetch'>, noteDamaged: (id: number) => void) {
    this.#log = log
    this.#noteDamaged = noteDamaged
  }

  /** One message by id; undefined where it is gone. */
  async one(id: number): Promise<DecodedMessage | undefined> {
    const record = await this.record(id)
    return record && decodeMessage(record)
  }

  async record(id: number): Promise<Uint8Array | undefined> {
    const [record] = await this.#log.fetch([id])
    return record
  }

  /**
   * Messages by id, in that order. Those that damage has taken are remembered and left out like those
   * that are gone. `bytesMax` as the seam has it.
   */
  async many(
    ids: readonly number[],
    bytesMax: number | undefined,
  ): Promise<readonly (DecodedMessage | undefined)[]> {
    const records = await this.records(ids, bytesMax)
    return records.map((record) => record && decodeMessage(record))
  }

  /** The same as they stand in the log. */
  async records(
    ids: readonly number[],
    bytesMax: number | undefined,
    signal?: AbortSignal,
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const options = { ...(bytesMax !== undefined && { bytesMax }), ...(signal && { signal }) }
    try {
      return await this.#log.fetch(ids, options)
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error
      return this.#each(ids, bytesMax, signal)
    }
  }

  /** Calls back with those that are there, by their row: for what stands in front of the bodies. */
  async heads(
    ids: readonly number[],
    visit: (row: number, message: DecodedMessage) => void,
  ): Promise<void> {
    for (let first = 0; first < ids.length; ) {
      const messages = await this.many(ids.slice(first, first + HEADS_COUNT), HEADS_BYTES)
      for (const [row, message] of messages.entries()) if (message) visit(first + row, message)
      first += Math.max(1, messages.length)
    }
  }

  /** Which of these stand in the queue, by id and offset; each once. */
  async locate(
    queue: QueueDispatch,
    messages: readonly (MessageRef | number)[],
  ): Promise<{ readonly id: number; readonly offset: number }[]> {
    const located = new Map<number, number>()
    const unknown = new Set<number>()
    for (const one of messages) {
      // A message that damage has taken can be named by what `list` once said of it.
      if (typeof one === 'number') unknown.add(one)
      else if (queue.find(one.offset)?.id === one.id) located.set(one.id, one.offset)
      else unknown.add(one.id)
    }
    const ids = [...unknown].filter((id) => !located.has(id))
    await this.heads(ids, (row, message) => {
      const id = ids[row]
      if (id === undefined || message.queue !== queue.state.number) return
      located.set(id, message.offset)
    })
    return [...located].map(([id, offset]) => ({ id, offset }))
  }

  /** One by one, with the same limits. */
  async #each(
    ids: readonly number[],
    bytesMax = Number.POSITIVE_INFINITY,
    signal?: AbortSignal,
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const found: (Uint8Array | undefined)[] = []
    let bytes = 0
    for (const id of ids) {
      throwIfAborted(signal)
      const record = await this.#unlessDamaged(id)
      bytes += record?.length ?? 0
      if (found.length > 0 && bytes > bytesMax) break
      found.push(record)
    }
    return found
  }

  async #unlessDamaged(id: number): Promise<Uint8Array | undefined> {
    try {
      return await this.record(id)
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error
      this.#noteDamaged(id)
      return undefined
    }
  }
}
