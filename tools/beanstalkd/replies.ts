/**
 * Cuts what a beanstalkd server sends into replies, however it was split on its way. Bytes are kept as
 * latin1 text, one character a byte. Touches nothing outside.
 */

/** Replies behind whose line a body of the length at its end follows. */
const WITH_BODY = /^(?:RESERVED|FOUND|OK)(?: \d+)? (\d+)$/

export class ReplyReader {
  #rest = ''

  /** The replies that are complete now, each with its body but without the CRLF at its end. */
  push(chunk: Uint8Array): string[] {
    this.#rest += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')
    const replies: string[] = []
    for (;;) {
      const end = endOfFirst(this.#rest)
      if (end === undefined) return replies
      replies.push(this.#rest.slice(0, end))
      this.#rest = this.#rest.slice(end + 2)
    }
  }

  /** What came behind the last complete reply. */
  get rest(): string {
    return this.#rest
  }
}

/** Where the CRLF behind the first reply stands; undefined while it is not there. */
function endOfFirst(text: string): number | undefined {
  const lineEnd = text.indexOf('\r\n')
  if (lineEnd === -1) return undefined
  const bodyBytes = WITH_BODY.exec(text.slice(0, lineEnd))?.[1]
  if (bodyBytes === undefined) return lineEnd
  const end = lineEnd + 2 + Number(bodyBytes)
  return text.length >= end + 2 ? end : undefined
}

/** `RESERVED 5 3\r\nabc` -> `RESERVED`. */
export function wordOf(reply: string): string {
  return /^[A-Z_]*/.exec(reply)?.[0] ?? ''
}
