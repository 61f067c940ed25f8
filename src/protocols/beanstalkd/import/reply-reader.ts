/**
 * Cuts what a beanstalkd sends into replies. What it holds is bounded whatever comes: a line by its length, a
 * body by the largest that can be put anywhere; of a larger one only the length is kept. Pure.
 */
import { QlogError } from '../../../errors.ts'

/** The longest line is that of a tube with a name of 200 bytes. */
const LINE_BYTES_MAX = 1_024
/** No store takes a larger one. */
export const BODY_BYTES_MAX = 32 * 1024 * 1024
const END_BYTES = 2
const CR = 0x0d
const LF = 0x0a

const WITH_BODY = /^(?:RESERVED|FOUND|OK)(?: \d{1,20})? (\d{1,10})$/

export interface SourceReply {
  readonly line: string
  /** Length of the body that the line announces; 0 where it announces none. */
  readonly bytes: number
  /** Undefined where none was announced, or one that was too large to keep. */
  readonly body: Uint8Array | undefined
}

export class SourceReplyReader {
  #parts: Uint8Array[] = []
  #length = 0
  /** The reply whose body is on its way. */
  #open: { readonly line: string; readonly bytes: number } | undefined
  /** Bytes to let go of: a body that is too large, and its end. */
  #skipped = 0

  /** The replies that are complete now. Throws QLOG_SOURCE where it is no beanstalkd that speaks. */
  push(chunk: Uint8Array): SourceReply[] {
    const replies: SourceReply[] = []
    this.#parts.push(chunk)
    this.#length += chunk.length
    for (let reply = this.#next(); reply !== undefined; reply = this.#next()) replies.push(reply)
    return replies
  }

  #next(): SourceReply | undefined {
    if (this.#open === undefined) {
      const line = this.#takeLine()
      if (line === undefined) return undefined
      const announced = WITH_BODY.exec(line)?.[1]
      if (announced === undefined) return { line, bytes: 0, body: undefined }
      const bytes = Number(announced)
      this.#open = { line, bytes }
      if (bytes > BODY_BYTES_MAX) this.#skipped = bytes + END_BYTES
    }
    const { line, bytes } = this.#open
    if (bytes > BODY_BYTES_MAX) {
      this.#skip()
      if (this.#skipped > 0) return undefined
      this.#open = undefined
      return { line, bytes, body: undefined }
    }
    if (this.#length < bytes + END_BYTES) return undefined
    const whole = this.#take(bytes + END_BYTES)
    if (whole[bytes] !== CR || whole[bytes + 1] !== LF) throw noReply(line)
    this.#open = undefined
    return { line, bytes, body: whole.subarray(0, bytes) }
  }

  #takeLine(): string | undefined {
    const all = this.#joined()
    const end = all.indexOf('\r\n')
    if (end < 0 && all.length < LINE_BYTES_MAX) return undefined
    const line = all.toString('latin1', 0, end < 0 ? LINE_BYTES_MAX : end)
    if (end < 0 || end > LINE_BYTES_MAX) throw noReply(line)
    this.#take(end + END_BYTES)
    return line
  }

  #take(bytes: number): Uint8Array {
    const all = this.#joined()
    this.#parts = all.length > bytes ? [all.subarray(bytes)] : []
    this.#length = all.length - bytes
    return all.subarray(0, bytes)
  }

  #skip(): void {
    const bytes = Math.min(this.#skipped, this.#length)
    this.#take(bytes)
    this.#skipped -= bytes
  }

  /** A body comes in many chunks: they are joined once it is whole. */
  #joined(): Buffer {
    const [only] = this.#parts
    if (only !== undefined && this.#parts.length === 1) {
      return Buffer.from(only.buffer, only.byteOffset, only.byteLength)
    }
    const all = Buffer.concat(this.#parts)
    this.#parts = [all]
    return all
  }
}

function noReply(line: string): QlogError {
  const shown = JSON.stringify(line.slice(0, 60))
  return new QlogError('QLOG_SOURCE', `what answers is no beanstalkd: ${shown}`)
}

/** The fields of statistics, with quotes around a text or without. */
export function fieldsOf(body: Uint8Array): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const line of linesOf(body)) {
    const [, name, value] = /^([a-z-]+): "?(.*?)"?$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) fields.set(name, value)
  }
  return fields
}

/** The names of a list. */
export function namesOf(body: Uint8Array): readonly string[] {
  return linesOf(body).flatMap((line) => /^- "?(.*?)"?$/.exec(line)?.[1] ?? [])
}

function linesOf(body: Uint8Array): string[] {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1').split('\n')
}
