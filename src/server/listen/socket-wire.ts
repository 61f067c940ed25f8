/** A socket as the wire of a connection. Touches the socket. */
import type * as net from 'node:net'
import type { ServedClient } from './served-client.ts'
import type { Wire } from './wire.ts'

export class SocketWire implements Wire {
  readonly isTls: boolean
  readonly #socket: net.Socket

  constructor(socket: net.Socket, isTls: boolean) {
    this.#socket = socket
    this.isTls = isTls
  }

  /** From here on the client hears of what the socket does. */
  attach(client: ServedClient, onGone: () => void): void {
    const socket = this.#socket
    socket.on('data', (chunk: Uint8Array) => client.received(chunk))
    socket.on('end', () => client.peerEnded())
    socket.on('close', () => {
      client.gone()
      onGone()
    })
  }

  write(bytes: Uint8Array | string, taken: (error?: Error | null) => void): void {
    if (typeof bytes === 'string') this.#socket.write(bytes, 'latin1', taken)
    else this.#socket.write(bytes, taken)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
