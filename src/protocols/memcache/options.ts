/** What a memcache server may be told, checked. Pure. */
import { QlogTypeError } from '../../errors.ts'
import type { RetryOptions } from '../../index.ts'
import { type TokenCheck, tokenCheck } from '../../server/index.ts'
import { OPEN_MS_MAX, OPEN_READS_MAX, VALUE_BYTES_MAX } from './limits.ts'

export interface MemcacheOptions {
  /** Largest value, in bytes; 1 MiB unless told. */
  readonly valueBytesMax?: number
  /** Reads that a connection may open with `/open` in one queue at once; 1 unless told. */
  readonly openReadsMax?: number
  /** An open read is given back after this time; unless told only when its connection ends. */
  readonly openTimeoutMs?: number
  /** The exptime of `set` is the message's time to live, as Kestrel has it; ignored unless told. */
  readonly honourExpiry?: boolean
  /**
   * Where it is given, a message whose read is aborted, or whose connection ends, backs off, and is buried
   * after the last attempt. Unless told it just goes back to its place, as often as its queue lets it.
   */
  readonly retry?: RetryOptions
  /** One of them must be shown before anything else: as the password, whoever the user is. */
  readonly tokens?: readonly string[]
  /** Of this server, for `stats`; `version` answers that of the memcached whose replies these are. */
  readonly version?: string
  /** Told of what no reply can say: a read that could not be given back. A warning unless it is given. */
  readonly onError?: (error: Error) => void
}

/**
 * The memcached whose replies these are. Clients decide by the three numbers what a server can, and some
 * fall over anything else.
 */
export const PROTOCOL_VERSION = '1.6.18'

/** The same, complete. */
export interface MemcachePlan {
  readonly valueBytesMax: number
  readonly openReadsMax: number
  readonly openMs: number
  readonly honourExpiry: boolean
  readonly retry: RetryOptions | undefined
  readonly isToken: TokenCheck | undefined
  readonly version: string | undefined
  readonly onError: (error: Error) => void
}

const KNOWN = [
  ...['valueBytesMax', 'openReadsMax', 'openTimeoutMs', 'honourExpiry', 'retry', 'tokens'],
  ...['version', 'onError'],
]
const VALUE_BYTES_LIMIT = 32 * 1024 * 1024

export function checkOptions(options: MemcacheOptions): MemcachePlan {
  for (const name of Object.keys(options)) {
    if (KNOWN.includes(name)) continue
    throw new QlogTypeError(`unknown option "${name}" of memcache; known are ${KNOWN.join(', ')}`)
  }
  const { valueBytesMax = VALUE_BYTES_MAX, openReadsMax = 1, openTimeoutMs = OPEN_MS_MAX } = options
  const { tokens, retry, honourExpiry = false, version } = options
  if (retry !== undefined) checkRetry(retry)
  return {
    valueBytesMax: checkWhole('valueBytesMax', valueBytesMax, VALUE_BYTES_LIMIT),
    openReadsMax: checkWhole('openReadsMax', openReadsMax, OPEN_READS_MAX),
    openMs: checkWhole('openTimeoutMs', openTimeoutMs, OPEN_MS_MAX),
    honourExpiry,
    retry,
    isToken: tokens === undefined ? undefined : tokenCheck(tokens),
    version,
    onError: options.onError ?? ((error) => process.emitWarning(error)),
  }
}

function checkWhole(what: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  throw new QlogTypeError(`${what} must be a whole number from 1 to ${max}`)
}

/** The store would say the same, at the first use of each queue. */
function checkRetry({ attemptsMax = 1, backoffMs = 0, backoffMaxMs = 0 }: RetryOptions): void {
  const isCount = Number.isInteger(attemptsMax) || attemptsMax === Number.POSITIVE_INFINITY
  if (isCount && attemptsMax >= 1 && isTime(backoffMs) && isTime(backoffMaxMs)) return
  throw new QlogTypeError('retry takes attemptsMax, a count, and backoffMs and backoffMaxMs')
}

function isTime(ms: number): boolean {
  return ms >= 0 && ms <= OPEN_MS_MAX
}
