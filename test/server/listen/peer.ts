/** The other end of a real connection, for tests. */
import * as net from 'node:net'
import { onTestFinished } from 'vitest'
import { parseAddress } from '../../../src/server/listen/address.ts'

export class Peer {
  readonly socket: net.Socket
  #chunks: Buffer[] = []
  #bytes = 0
  #hasEnded = false
  #watchers: (() => void)[] = []

  constructor(socket: net.Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      this.#bytes += chunk.length
      this.#tell()
    })
    const ended = (): void => {
      this.#hasEnded = true
      this.#tell()
    }
    // A connection that was broken off by the server has ended too.
    socket.on('error', ended)
    socket.on('end', ended)
    socket.on('close', ended)
    onTestFinished(() => void socket.destroy())
  }

  static connect(address: string): Promise<Peer> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ ...target(address), allowHalfOpen: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new Peer(socket))
      })
    })
  }

  send(bytes: Uint8Array | string): void {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1')
    else this.socket.write(bytes)
  }

  /** Resolves with so many characters, and whatever came with them. */
  async text(bytesMin = 1): Promise<string> {
    await this.#until(() => this.#bytes >= bytesMin)
    return this.#take()
  }

  /** Resolves with what came until the server has ended. */
  async rest(): Promise<string> {
    await this.#until(() => this.#hasEnded)
    return this.#take()
  }

  #take(): string {
    const text = Buffer.concat(this.#chunks).toString('latin1')
    this.#chunks = []
    this.#bytes = 0
    return text
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.#hasEnded) throw new Error(`the server has ended behind "${this.#take()}"`)
      await new Promise<void>((resolve) => this.#watchers.push(resolve))
    }
  }

  #tell(): void {
    for (const watcher of this.#watchers.splice(0)) watcher()
  }
}

/** What `node:net` connects to. */
export function target(address: string): net.NetConnectOpts {
  const parsed = parseAddress(address)
  if (parsed.kind === 'unix') return { path: parsed.path }
  if (parsed.kind === 'tcp') return { host: parsed.host ?? '127.0.0.1', port: parsed.port }
  throw new Error(`${address} cannot be connected to`)
}
