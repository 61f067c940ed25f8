/**
 * Keys as Kestrel reads them: which queue is meant, which of its groups, and what a read is to do.
 *
 *     QUEUE [+GROUP] {/OPTION}        OPTION: open | close | abort | peek | t=MILLISECONDS
 *
 * Without a group it is the queue's default one. Options come in any order. Pure.
 */
import { GROUP_DEFAULT } from '../../index.ts'
import { KEY_BYTES_MAX, WAIT_MS_MAX } from './limits.ts'

/** A reader of a queue. */
export interface Address {
  readonly queue: string
  readonly group: string
}

/** What one key of a `get` asks for. */
export interface ReadRequest extends Address {
  /** The key as it came, byte for byte (latin1): it is echoed so. */
  readonly asked: string
  readonly open: boolean
  readonly close: boolean
  readonly abort: boolean
  readonly peek: boolean
  /** How long to wait for a message; 0 does not. */
  readonly waitMs: number
}

/** Too long, or no key at all: a malformed line. */
export type KeyFault = 'malformed' | 'bad options' | 'bad queue name'

/** What a store takes as a name of a queue or group. */
const NAME_BYTES_MAX = 200
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/
const WAIT = /^t=\d{1,15}$/
/** A byte order mark in front is a character of the name like any other. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** `asked` is latin1: one character a byte. */
export function parseRead(asked: string): ReadRequest | KeyFault {
  const slash = asked.indexOf('/')
  const address = parseAddress(slash < 0 ? asked : asked.slice(0, slash), asked.length)
  if (typeof address === 'string') return address
  const flags = { open: false, close: false, abort: false, peek: false, waitMs: 0 }
  if (slash >= 0) {
    for (const option of asked.slice(slash + 1).split('/')) {
      if (option === 'open' || option === 'close' || option === 'abort' || option === 'peek') {
        flags[option] = true
      } else if (WAIT.test(option)) {
        flags.waitMs = Math.min(WAIT_MS_MAX, Number(option.slice(2)))
      } else if (option !== '') {
        return 'bad options'
      }
    }
    const { open, close, abort, peek } = flags
    if (((peek || abort) && (open || close)) || (peek && abort)) return 'bad options'
  }
  return { asked, ...address, ...flags }
}

/** The key of a command that takes no options. */
export function parseAddress(asked: string, length = asked.length): Address | KeyFault {
  if (length > KEY_BYTES_MAX) return 'malformed'
  if (asked.includes('/')) return 'bad queue name'
  const name = textOf(asked)
  if (name === undefined) return 'bad queue name'
  const plus = name.indexOf('+')
  const queue = plus < 0 ? name : name.slice(0, plus)
  const group = plus < 0 ? GROUP_DEFAULT : name.slice(plus + 1)
  if (!isName(queue) || !isName(group)) return 'bad queue name'
  return { queue, group }
}

/** How an address is written; the other way round where a queue has a name that no key can have. */
export function keyOf({ queue, group }: Address): string {
  return group === GROUP_DEFAULT ? queue : `${queue}+${group}`
}

function isName(name: string): boolean {
  if (name === '' || CONTROL.test(name)) return false
  return name.length * 3 <= NAME_BYTES_MAX || Buffer.byteLength(name) <= NAME_BYTES_MAX
}

/** The bytes as UTF-8; undefined where they are none. */
function textOf(latin1: string): string | undefined {
  let isAscii = true
  for (let at = 0; at < latin1.length && isAscii; at++) isAscii = latin1.charCodeAt(at) < 0x80
  if (isAscii) return latin1
  try {
    return utf8.decode(Buffer.from(latin1, 'latin1'))
  } catch {
    return undefined
  }
}
