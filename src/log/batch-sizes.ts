/** What a batch weighs, and whether that is within the limits of a log; the same for every log. Pure. */
import { QlogError } from '../errors.ts'
import type { Encodable, LogLimits } from './seam.ts'

/** Framing of a record, counted the same way by every log: a batch that one takes fits another too. */
export const RECORD_BYTES = 4

/**
 * The bytes of all records, without framing; with it they are within the limit, so that empty records
 * count. Throws QLOG_TOO_LARGE, or QLOG_INVALID_ARGUMENT where the batch is empty.
 */
export function checkSizes(
  limits: LogLimits,
  messages: readonly Encodable[],
  control: readonly Encodable[],
): number {
  const count = messages.length + control.length
  if (count === 0) throw new QlogError('QLOG_INVALID_ARGUMENT', 'an empty batch')
  const { messageBytesMax, batchBytesMax } = limits
  let bytes = 0
  for (let i = 0; i < messages.length; i++) {
    const { byteLength } = messages[i] as Encodable
    if (byteLength > messageBytesMax) throw tooLarge('a message', byteLength, messageBytesMax)
    bytes += byteLength
  }
  for (let i = 0; i < control.length; i++) bytes += (control[i] as Encodable).byteLength
  const encoded = bytes + RECORD_BYTES * count
  if (encoded > batchBytesMax) throw tooLarge('a batch', encoded, batchBytesMax)
  return bytes
}

export function tooLarge(what: string, bytes: number, bytesMax: number): QlogError {
  return new QlogError(
    'QLOG_TOO_LARGE',
    `${what} of ${bytes} bytes is over the limit of ${bytesMax}`,
  )
}
