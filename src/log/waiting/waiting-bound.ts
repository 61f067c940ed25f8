/** How much may wait before it can be appended. Nothing may wait without a bound, or memory has none. */
import { QlogError } from '../../errors.ts'

/** Of all that waits, with the overhead of each message. */
export const WAITING_BYTES_MAX = 512 * 1024 * 1024
/** What a message takes beside its bytes, about: promises, entries, what the caller hangs on them. */
const MESSAGE_OVERHEAD_BYTES = 512

/** Throws QLOG_BUSY where so many messages, of so many bytes together, leave no place for more. The last may exceed it. */
export function assertMayWait(messages: number, bytes: number, bytesMax: number): void {
  if (bytes + messages * MESSAGE_OVERHEAD_BYTES < bytesMax) return
  throw new QlogError('QLOG_BUSY', `${messages} messages of ${bytes} bytes wait already`)
}

/** What waits at several places, counted together. */
export class WaitingTally {
  readonly #bytesMax: number
  #messages = 0
  #bytes = 0

  constructor(bytesMax = WAITING_BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  /** Throws QLOG_BUSY where no more may wait. */
  assertRoom(): void {
    assertMayWait(this.#messages, this.#bytes, this.#bytesMax)
  }

  add(messages: number, bytes: number): void {
    this.#messages += messages
    this.#bytes += bytes
  }

  remove(messages: number, bytes: number): void {
    this.#messages -= messages
    this.#bytes -= bytes
  }
}
