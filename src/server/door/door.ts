/**
 * The owner's door: whoever connects to the lock's socket of an open store is served here, from the
 * moment the store is open until the socket closes. A probe, which connects and hangs up, costs nothing.
 * Touches the connections it is handed and the store it serves.
 */
import type { Store } from '../../store/types/store.ts'
import type { Connection, System } from '../../system/system.ts'
import { converse } from './conversation.ts'
import type { Admission } from './frame.ts'
import { CONNECTIONS_MAX, INCOMING_BYTES_MAX } from './limits.ts'

export class Door implements Admission {
  readonly #system: Pick<System, 'clock' | 'identity'>
  readonly #warn: (error: unknown) => void
  readonly #store: Promise<Store | undefined>
  #open: (store: Store | undefined) => void = () => undefined
  #connections = 0
  #incomingBytes = 0

  /** `warn` hears of what should not happen. */
  constructor(system: Pick<System, 'clock' | 'identity'>, warn: (error: unknown) => void) {
    this.#system = system
    this.#warn = warn
    this.#store = new Promise((resolve) => {
      this.#open = resolve
    })
  }

  /** Takes whoever connects; before {@link serve} they wait. */
  accept(connection: Connection): void {
    if (this.#connections >= CONNECTIONS_MAX) {
      connection.close()
      return
    }
    this.#connections += 1
    const { clock, identity } = this.#system
    const parts = { clock, pid: identity.pid, admission: this, connection }
    void converse({ ...parts, store: this.#store, warn: this.#warn }).finally(() => {
      this.#connections -= 1
    })
  }

  /** The store is open. With the store its lock's socket closes, and with that every connection. */
  serve(store: Store): void {
    this.#open(store)
  }

  /** There will be no store: whoever waits is let go. */
  refuse(): void {
    this.#open(undefined)
  }

  take(bytes: number): boolean {
    if (this.#incomingBytes + bytes > INCOMING_BYTES_MAX) return false
    this.#incomingBytes += bytes
    return true
  }

  free(bytes: number): void {
    this.#incomingBytes -= bytes
  }
}
