/**
 * Frames: what crosses the door is a JSON object and raw bytes behind it.
 *
 *      0  4  length of the header, little endian, 2 to HEADER_BYTES_MAX
 *      4  4  length of the tail, 0 to TAIL_BYTES_MAX
 *      8     header: one JSON object in UTF-8
 *            tail: raw bytes, for bodies of messages
 *
 * Nothing is kept of what is over the limits or no frame. Touches the connection it is given.
 */
import { QlogError } from '../../errors.ts'
import type { Connection } from '../../system/system.ts'
import { HEADER_BYTES_MAX, SMALL_FRAME_BYTES, TAIL_BYTES_MAX } from './limits.ts'

const PREFIX_BYTES = 8

export interface Frame {
  readonly header: Readonly<Record<string, unknown>>
  readonly tail: Uint8Array
  /** Bytes that were admitted for it, until `free`. */
  readonly admittedBytes: number
}

/** What came is no frame: there is no way to find the next one. */
export class BadFrameError extends Error {
  constructor(why: string) {
    super(`what came through the door is no frame: ${why}`)
    this.name = 'BadFrameError'
  }
}

const NO_BYTES = new Uint8Array(0)
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Throws QLOG_TOO_LARGE where it is over the limits. */
export function encodeFrame(header: object, tail: Uint8Array = NO_BYTES): Uint8Array {
  const json = encoder.encode(JSON.stringify(header))
  if (json.length > HEADER_BYTES_MAX || tail.length > TAIL_BYTES_MAX) {
    const limits = `${HEADER_BYTES_MAX} and ${TAIL_BYTES_MAX}`
    throw new QlogError(
      'QLOG_TOO_LARGE',
      `${json.length} bytes of JSON and ${tail.length} of bodies at once are over the limits of the door, ${limits}`,
    )
  }
  const frame = new Uint8Array(PREFIX_BYTES + json.length + tail.length)
  const view = new DataView(frame.buffer)
  view.setUint32(0, json.length, true)
  view.setUint32(4, tail.length, true)
  frame.set(json, PREFIX_BYTES)
  frame.set(tail, PREFIX_BYTES + json.length)
  return frame
}

/** Asks whether a large frame may come now; `free` gives its bytes back. */
export interface Admission {
  take(bytes: number): boolean
  free(bytes: number): void
}

export class FrameReader {
  readonly #connection: Connection
  readonly #admission: Admission | undefined
  #chunks: Uint8Array[] = []
  #bytes = 0
  #admittedBytes = 0

  constructor(connection: Connection, admission?: Admission) {
    this.#connection = connection
    this.#admission = admission
  }

  /**
   * The next whole frame; undefined where the other end has ended, in the middle of one too. Rejects with
   * {@link BadFrameError}, with QLOG_BUSY, and where the connection broke.
   */
  async next(): Promise<Frame | undefined> {
    if (!(await this.#gather(PREFIX_BYTES))) return undefined
    const prefix = this.#take(PREFIX_BYTES)
    const view = new DataView(prefix.buffer, prefix.byteOffset)
    const headerBytes = view.getUint32(0, true)
    const tailBytes = view.getUint32(4, true)
    if (headerBytes < 2 || headerBytes > HEADER_BYTES_MAX || tailBytes > TAIL_BYTES_MAX) {
      throw new BadFrameError(`its lengths are ${headerBytes} and ${tailBytes}`)
    }
    const admittedBytes = this.#admit(headerBytes + tailBytes)
    if (!(await this.#gather(headerBytes + tailBytes))) return undefined
    const header = parse(this.#take(headerBytes))
    return { header, tail: this.#take(tailBytes), admittedBytes }
  }

  /** The frame is not in use any more. */
  free({ admittedBytes }: Frame): void {
    this.#admittedBytes -= admittedBytes
    this.#admission?.free(admittedBytes)
  }

  /** Nothing of it is in use any more, and nothing more is read. */
  end(): void {
    this.#admission?.free(this.#admittedBytes)
    this.#admittedBytes = 0
  }

  #admit(bytes: number): number {
    if (this.#admission === undefined || bytes <= SMALL_FRAME_BYTES) return 0
    if (!this.#admission.take(bytes)) {
      throw new QlogError('QLOG_BUSY', 'too many large requests are on their way at once')
    }
    this.#admittedBytes += bytes
    return bytes
  }

  async #gather(bytes: number): Promise<boolean> {
    while (this.#bytes < bytes) {
      const chunk = await this.#connection.read()
      if (chunk === undefined) return false
      this.#chunks.push(chunk)
      this.#bytes += chunk.length
    }
    return true
  }

  /** Memory of its own: a small frame must not pin a large chunk. */
  #take(bytes: number): Uint8Array {
    const taken = new Uint8Array(bytes)
    let at = 0
    let row = 0
    while (at < bytes) {
      const chunk = this.#chunks[row] ?? NO_BYTES
      const part = chunk.subarray(0, bytes - at)
      taken.set(part, at)
      at += part.length
      if (part.length === chunk.length) row += 1
      else this.#chunks[row] = chunk.subarray(part.length)
    }
    this.#chunks.splice(0, row)
    this.#bytes -= bytes
    return taken
  }
}

function parse(bytes: Uint8Array): Frame['header'] {
  let header: unknown
  try {
    header = JSON.parse(decoder.decode(bytes))
  } catch {
    throw new BadFrameError('its header is not JSON')
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw new BadFrameError('its header is no JSON object')
  }
  return header as Frame['header']
}
