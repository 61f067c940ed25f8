/** The verb `put`: bodies that came as one tail become messages. */
import { QlogTypeError } from '../../../errors.ts'
import { checkInteger } from '../../../store/check.ts'
import type { PutItem } from '../../../store/types/puts.ts'
import type { Verb, VerbTypes } from './types.ts'

/** Messages of one call: what is in flight for it stays bounded. */
export const PUT_COUNT_MAX = 4_096

export const put: Verb<VerbTypes['put']> = async ({ store, args, tail, item }) => {
  const { queue: name, messages, atomic, all = {} } = args
  const items = itemsOf(messages, all, tail)
  const queue = store.queue(name)
  if (atomic === true) {
    for (const result of await queue.putMany(items)) await item(result)
    return {}
  }
  const puts = items.map(({ body, ...options }) => queue.put(body, options))
  // Whoever is told of the first failure knows that what came before it is durable.
  const outcomes = await Promise.allSettled(puts)
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason
    await item(outcome.value)
  }
  return {}
}

function itemsOf(messages: unknown, all: object, tail: Uint8Array): PutItem[] {
  if (!Array.isArray(messages) || messages.length > PUT_COUNT_MAX) {
    throw new QlogTypeError(`messages must be an array of at most ${PUT_COUNT_MAX}`)
  }
  let at = 0
  const items = messages.map((row: unknown): PutItem => {
    const { bytes, ...options } = typeof row === 'number' ? { ...all, bytes: row } : rowOf(row)
    const length = checkInteger('bytes', bytes, 0, tail.length - at)
    const body = tail.subarray(at, at + length)
    at += length
    // What the options are, the store checks.
    return { ...options, body }
  })
  if (at !== tail.length) throw new QlogTypeError('there are more bytes than the messages take')
  return items
}

function rowOf(row: unknown): Record<string, unknown> {
  if (typeof row === 'object' && row !== null) return row as Record<string, unknown>
  throw new QlogTypeError('a message is an object, or how many bytes it has')
}
