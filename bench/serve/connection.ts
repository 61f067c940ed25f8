/**
 * One connection of the generator: sends buffers that were made before, and reads replies from bytes, as
 * cheaply as Node can, so that the generator is not what is measured.
 */

import { createConnection, type Socket } from 'node:net'
import { BODIES, BODY_BYTES } from './load.ts'

const LF = 10
/** The first and the third letter tell these from all other replies, none of which a load expects. */
const [INSERTED, RESERVED, DELETED, TIMED_OUT] = ['IS', 'RS', 'DL', 'TM'].map(lettersOf)

/** `put` commands, one for each body. */
export const PUTS: readonly Buffer[] = Array.from({ length: BODIES }, (_, i) => {
  return Buffer.from(`put 0 0 4294967295 ${BODY_BYTES}\r\n${bodyOf(i)}\r\n`, 'latin1')
})

export function bodyOf(index: number): string {
  const number = String(index).padStart(4, '0')
  return number + String.fromCharCode(33 + (index % 90)).repeat(BODY_BYTES - number.length)
}

function lettersOf(text: string): number {
  return (text.charCodeAt(0) << 8) | text.charCodeAt(1)
}

export interface Reserved {
  readonly id: string
  readonly body: Buffer
}

/** What one read brought. */
export type Replied = (
  inserted: number,
  reserved: readonly Reserved[],
  deleted: number,
  timedOut: number,
) => void

export class GeneratorConnection {
  readonly #socket: Socket
  #rest: Buffer | undefined
  /** Called with every read that brought replies. */
  #replied: Replied = () => {}
  #failed: (error: Error) => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', (error) => this.#failed(error))
    socket.on('close', () => this.#failed(new Error('the server closed a connection')))
  }

  static open(port: number): Promise<GeneratorConnection> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ port, host: '127.0.0.1', noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new GeneratorConnection(socket))
      })
    })
  }

  listen(replied: Replied, failed: (error: Error) => void): void {
    this.#replied = replied
    this.#failed = failed
  }

  send(bytes: Uint8Array | string): void {
    if (typeof bytes === 'string') this.#socket.write(bytes, 'latin1')
    else this.#socket.write(bytes)
  }

  /** Several at once, without a copy. */
  sendAll(parts: readonly (Uint8Array | string)[]): void {
    this.#socket.cork()
    for (const part of parts) this.send(part)
    this.#socket.uncork()
  }

  close(): void {
    this.#failed = () => {}
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    const reserved: Reserved[] = []
    let inserted = 0
    let deleted = 0
    let timedOut = 0
    let at = 0
    for (;;) {
      const lineEnd = bytes.indexOf(LF, at)
      if (lineEnd === -1) break
      const letters = ((bytes[at] ?? 0) << 8) | (bytes[at + 2] ?? 0)
      if (letters === INSERTED) inserted++
      else if (letters === DELETED) deleted++
      else if (letters === TIMED_OUT) timedOut++
      else if (letters === RESERVED) {
        const [, id = '', length] = bytes.toString('latin1', at, lineEnd).split(' ')
        const end = lineEnd + 1 + Number(length) + 2
        if (bytes.length < end) break
        reserved.push({ id, body: bytes.subarray(lineEnd + 1, end - 2) })
        at = end
        continue
      } else {
        this.#failed(new Error(`unexpected: ${bytes.toString('latin1', at, lineEnd)}`))
        return
      }
      at = lineEnd + 1
    }
    this.#rest = at === bytes.length ? undefined : bytes.subarray(at)
    this.#replied(inserted, reserved, deleted, timedOut)
  }
}
