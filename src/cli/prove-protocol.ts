/**
 * What a producer tells the process that kills it, as lines of text on a pipe. One line a group of
 * acknowledgements keeps it cheap. Pure.
 */

/** Figures of a producer that was allowed to finish. */
export interface ProducerEnd {
  readonly flushP50Ms: number
  readonly flushP99Ms: number
}

export type ProducerLine =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'acknowledged'
      readonly firstId: number
      readonly firstPosition: number
      readonly count: number
    }
  | { readonly kind: 'end'; readonly end: ProducerEnd }
  | { readonly kind: 'failed'; readonly message: string }

export function encodeProducerLine(line: ProducerLine): string {
  switch (line.kind) {
    case 'ready':
      return 'ready\n'
    case 'acknowledged':
      return `ok ${line.firstId} ${line.firstPosition} ${line.count}\n`
    case 'end':
      return `end ${line.end.flushP50Ms} ${line.end.flushP99Ms}\n`
    case 'failed':
      return `failed ${line.message.replaceAll('\n', ' ')}\n`
  }
}

/** Parses one line without its newline; throws where it is none of these. */
export function parseProducerLine(text: string): ProducerLine {
  const words = text.split(' ')
  if (words[0] === 'failed') return { kind: 'failed', message: words.slice(1).join(' ') }
  const [a, b, c] = words.slice(1).map(Number)
  if (text === 'ready') return { kind: 'ready' }
  if (words[0] === 'ok' && isNumber(a) && isNumber(b) && isNumber(c)) {
    return { kind: 'acknowledged', firstId: a, firstPosition: b, count: c }
  }
  if (words[0] === 'end' && isNumber(a) && isNumber(b)) {
    return { kind: 'end', end: { flushP50Ms: a, flushP99Ms: b } }
  }
  throw new Error(`the producer said something unknown: ${text.slice(0, 100)}`)
}

function isNumber(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value)
}
