/** Batches that tell their number and shape, so that what is read can be checked without a list. Pure. */
import { strict as assert } from 'node:assert'
import type { Batch, Encodable, Entry } from '../../log/seam.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Bytes that are copied at the call. */
export function encodable(body: string | Uint8Array): Encodable {
  const bytes = typeof body === 'string' ? encoder.encode(body) : body
  return { byteLength: bytes.length, encodeInto: (target, at) => target.set(bytes, at) }
}

/** A batch of these messages and control records. */
export function batchOf(messages: readonly string[], control: readonly string[] = []): Batch {
  return { messages: messages.map(encodable), control: control.map(encodable) }
}

/** The `number`th batch: up to three messages, up to two control records, never empty. */
export function numbered(number: number): Batch {
  const { messages, control } = shape(number)
  return batchOf(messages, control)
}

/** Messages of the batches from the first up to the `number`th. */
export function messagesUpTo(number: number): number {
  let count = 0
  for (let n = 1; n <= number; n++) count += shape(n).messages.length
  return count
}

/**
 * Checks that these entries are the batches 1, 2, 3 ... in this order, each whole, with dense ids from 1
 * and growing LSNs. Tells how many there are.
 */
export function assertNumbered(entries: readonly Entry[]): number {
  let nextId = 1
  let lsn = 0
  let timeMs = 0
  for (const [row, entry] of entries.entries()) {
    const expected = shape(row + 1)
    assert.deepEqual(textsOf(entry), expected, `entry ${row + 1}, whole and in its place`)
    for (const id of Array.from(entry.ids)) assert.equal(id, nextId++, 'ids are dense')
    assert.equal(entry.ids.length, entry.messages.length)
    assert.ok(entry.lsn > lsn, `LSN ${entry.lsn} comes after ${lsn}`)
    assert.ok(entry.timeMs >= timeMs, `time ${entry.timeMs} comes after ${timeMs}`)
    lsn = entry.lsn
    timeMs = entry.timeMs
  }
  return entries.length
}

export function textsOf(entry: Entry): { messages: string[]; control: string[] } {
  return { messages: entry.messages.map(textOf), control: entry.control.map(textOf) }
}

export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

/** The text where there is one. */
export function maybeText(bytes: Uint8Array | undefined): string | undefined {
  return bytes && textOf(bytes)
}

function shape(number: number): { messages: string[]; control: string[] } {
  const messageCount = number % 4
  const controlCount = messageCount === 0 ? 1 : number % 3
  const body = (kind: string, row: number): string =>
    `${kind}${number}.${row}:`.padEnd(8 + ((number * 37 + row * 11) % 300), 'x')
  return {
    messages: Array.from({ length: messageCount }, (_, row) => body('m', row)),
    control: Array.from({ length: controlCount }, (_, row) => body('c', row)),
  }
}
