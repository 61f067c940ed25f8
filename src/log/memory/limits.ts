/** What a log in memory takes at most. Pure. */
import { QlogTypeError } from '../../errors.ts'
import { BATCH_BYTES_MAX, PART_BYTES_MAX } from '../options.ts'
import type { LogLimits } from '../seam.ts'

const MIB = 1024 * 1024

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
