/**
 * One connection of the generator: sends buffers that were made before, and reads replies from bytes, as
 * cheaply as Node can, so that the generator is not what is measured.
 */

import { createConnection, type Socket } from 'node:net'
import { BODIES, BODY_BYTES } from './load.ts'

const LF = 10
/** `INSERTED`, `RESERVED`, `DELETED`: nothing else is expected by a load. */
const [INSERTED, RESERVED, DELETED] = [73, 82, 68]

/** `put` commands, one for each body. */
export const PUTS: readonly Buffer[] = Array.from({ length: BODIES }, (_, i) => {
  return Buffer.from(`put 0 0 4294967295 ${BODY_BYTES}\r\n${bodyOf(i)}\r\n`, 'latin1')
})

export function bodyOf(index: number): string {
  const number = String(index).padStart(4, '0')
  return number + String.fromCharCode(33 + (index % 90)).repeat(BODY_BYTES - number.length)
}

export interface Reserved {
  readonly id: string
  readonly body: Buffer
}

export class GeneratorConnection {
  readonly #socket: Socket
  #rest: Buffer | undefined
  /** Called with every read that brought replies. */
  #replied: (inserted: number, reserved: readonly Reserved[], deleted: number) => void = () => {}
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

  listen(
    replied: (inserted: number, reserved: readonly Reserved[], deleted: number) => void,
    failed: (error: Error) => void,
  ): void {
    this.#replied = replied
    this.#failed = failed
  }

  send(bytes: Uint8Array | string): void {
    if (typeof bytes === 'string') this.#socket.write(bytes, 'latin1')
    else this.#socket.write(bytes)
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
    let at = 0
    for (;;) {
      const lineEnd = bytes.indexOf(LF, at)
      if (lineEnd === -1) break
      const first = bytes[at]
      if (first === INSERTED) inserted++
      else if (first === DELETED) deleted++
      else if (first === RESERVED) {
        const end = lineEnd + 1 + BODY_BYTES + 2
        if (bytes.length < end) break
        const [, id = ''] = bytes.toString('latin1', at, lineEnd).split(' ')
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
    this.#replied(inserted, reserved, deleted)
  }
}
