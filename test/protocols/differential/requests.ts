/**
 * Cuts what a connection sends into commands as beanstalkd cuts it, so that every reply can be put down
 * to the command that it answers: each command has exactly one reply, in order. Pure.
 */

import { commandOf, NO_COMMAND } from './commands.ts'

/** A line with its CRLF; a longer one is thrown away and answered by one BAD_FORMAT. */
const LINE_BYTES_MAX = 224
const JOB_BYTES_MAX = 65_535
const U32_MAX = 0xffff_ffff
const PUT = /^put +(\d+) +(\d+) +(\d+) +(\d+)(.*)$/s

export interface Request {
  readonly command: string
  /** The line, for reports. */
  readonly line: string
}

export class RequestReader {
  #rest = ''

  /** The commands that begin with these bytes complete; a put counts once its body is there. */
  push(text: string): Request[] {
    this.#rest += text
    const requests: Request[] = []
    for (;;) {
      const request = this.#next()
      if (request === undefined) return requests
      requests.push(request)
    }
  }

  #next(): Request | undefined {
    const lineEnd = this.#rest.indexOf('\r\n')
    if (lineEnd === -1) return undefined
    const line = this.#rest.slice(0, lineEnd)
    const bodyBytes = bodyBytesOf(line)
    const end = lineEnd + 2 + (bodyBytes === undefined ? 0 : bodyBytes + 2)
    if (this.#rest.length < end) return undefined
    this.#rest = this.#rest.slice(end)
    const isTooLong = lineEnd + 2 > LINE_BYTES_MAX
    return { command: isTooLong ? NO_COMMAND : commandOf(line), line }
  }

  /** Bytes that the last, incomplete command still waits for; for scripts that end in the midst of one. */
  get waitsForMore(): boolean {
    return this.#rest !== ''
  }
}

/** The declared length of the body that follows a line; undefined where none does. */
function bodyBytesOf(line: string): number | undefined {
  if (line.length + 2 > LINE_BYTES_MAX || line.includes('\0')) return undefined
  const [, ...parts] = PUT.exec(line) ?? []
  const behind = parts.pop()
  const numbers = parts.map(Number)
  const bytes = numbers[3]
  if (bytes === undefined || numbers.some((number) => number > U32_MAX)) return undefined
  // The size is looked at before what stands behind it.
  if (bytes > JOB_BYTES_MAX) return bytes
  return behind === '' ? bytes : undefined
}
