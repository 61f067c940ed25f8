/** One connection to a beanstalkd server as a test sees it: bytes out, whole replies in. */

import { createConnection, type Socket } from 'node:net'
import { ReplyReader } from './replies.ts'

/** No server takes so long to answer what does not block. */
const ANSWER_MS_MAX = 20_000

export class Wire {
  readonly #socket: Socket
  readonly #reader = new ReplyReader()
  readonly #replies: string[] = []
  #isOver = false
  #changed: () => void = () => undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#replies.push(...this.#reader.push(chunk))
      this.#changed()
    })
    // A connection that is reset has ended like one that is closed: tests look at what it said before.
    socket.on('error', () => this.#finish())
    socket.on('end', () => this.#finish())
    socket.on('close', () => this.#finish())
  }

  static connect(port: number, host = '127.0.0.1'): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ port, host, noDelay: true, allowHalfOpen: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new Wire(socket))
      })
    })
  }

  /** The server has closed it. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Bytes behind the last whole reply. */
  get rest(): string {
    return this.#reader.rest
  }

  /** Called after anything came. One at a time. */
  onChange(changed: () => void): void {
    this.#changed = changed
  }

  send(bytes: string | Uint8Array): void {
    if (typeof bytes === 'string') this.#socket.write(bytes, 'latin1')
    else this.#socket.write(bytes)
  }

  /** Everything that was answered since the last call. */
  take(): string[] {
    return this.#replies.splice(0)
  }

  /** Sends one command and waits for its reply; for connections on which nothing else is under way. */
  async ask(command: string): Promise<string> {
    this.send(command)
    return this.next()
  }

  /** The next reply. */
  next(): Promise<string> {
    return new Promise((resolve, reject) => {
      const tell = (): void => {
        const reply = this.#replies.shift()
        if (reply === undefined && !this.#isOver) return
        clearTimeout(limit)
        this.#changed = () => undefined
        if (reply === undefined) reject(new Error('the server closed the connection'))
        else resolve(reply)
      }
      const limit = setTimeout(() => {
        this.#changed = () => undefined
        reject(new Error(`no reply within ${ANSWER_MS_MAX} ms`))
      }, ANSWER_MS_MAX)
      this.#changed = tell
      tell()
    })
  }

  /** Says that no more will be sent. */
  halfClose(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
    this.#isOver = true
  }

  #finish(): void {
    this.#isOver = true
    this.#changed()
  }
}
