/** A connection of the real platform: a socket of `node:net`, read and written by turns. */
import type * as net from 'node:net'
import type { Connection } from '../system.ts'

export class RealConnection implements Connection {
  readonly #socket: net.Socket
  readonly #chunks: AsyncIterator<Uint8Array>
  #closed = false

  /** Whoever made the socket listens for its errors. */
  constructor(socket: net.Socket) {
    this.#socket = socket
    this.#chunks = socket[Symbol.asyncIterator]()
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#closed) return undefined
    try {
      const next = await this.#chunks.next()
      return next.done === true ? undefined : next.value
    } catch (error) {
      // Closing breaks off the read that waits: there is nothing wrong with that.
      if (this.#closed) return undefined
      throw error
    }
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
  }

  close(): void {
    this.#closed = true
    this.#socket.destroy()
  }
}
