/** How much may wait for room in front of a log. Nothing may wait without a bound, or memory has none. */
import { QlogError } from '../../errors.ts'

/** Each costs some 400 bytes beside its body: its promise, and what the caller hangs on it. */
const WAITING_APPENDS_MAX = 1_000_000
/** Bytes of bodies. The last that is let in may exceed it. */
const WAITING_BYTES_MAX = 256 * 1024 * 1024

/** Throws QLOG_BUSY where so many appends, of so many bytes together, leave no place for one more. */
export function assertMayWait(appends: number, bytes: number): void {
  if (appends < WAITING_APPENDS_MAX && bytes < WAITING_BYTES_MAX) return
  throw new QlogError('QLOG_BUSY', `${appends} appends of ${bytes} bytes wait for room already`)
}
