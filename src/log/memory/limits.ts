/** What a log in memory takes at most. Pure. */
import { QlogError, QlogTypeError } from '../../errors.ts'
import { BATCH_BYTES_MAX, PART_BYTES_MAX } from '../options.ts'
import type { Encodable, LogLimits } from '../seam.ts'

const MIB = 1024 * 1024

/** Framing of a record, counted the same way by every log: a batch that one takes fits another too. */
const RECORD_BYTES = 4

const DEFAULTS: LogLimits = {
  messageBytesMax: 16 * MIB,
  batchBytesMax: BATCH_BYTES_MAX,
  inFlightBytesMax: 32 * MIB,
  partBytesMax: PART_BYTES_MAX,
}

/** The limits asked for, and the defaults of a log on files. Throws QLOG_INVALID_ARGUMENT. */
export function checkLimits(options: Partial<LogLimits>): LogLimits {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(DEFAULTS, name)) {
      const known = Object.keys(DEFAULTS).join(', ')
      throw new QlogTypeError(`unknown limit "${name}"; known are ${known}`)
    }
    if (!Number.isInteger(value) || value < 1) {
      throw new QlogTypeError(`${name} must be a whole number above 0, not ${value}`)
    }
  }
  return { ...DEFAULTS, ...options }
}

/** The bytes of a batch, framing included, so that empty records count. Throws QLOG_TOO_LARGE, or QLOG_INVALID_ARGUMENT where it is empty. */
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
  return encoded
}

export function tooLarge(what: string, bytes: number, bytesMax: number): QlogError {
  return new QlogError('QLOG_TOO_LARGE', `${what} of ${bytes} bytes is over ${bytesMax}`)
}
