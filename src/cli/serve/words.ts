/**
 * Splits the words of `qlog serve` into flags and their values, as beanstalkd splits its own: short flags may
 * be joined (`-f50`, `-VF`). What they mean is told in `plan.ts`. Pure.
 */
import { parseAddress } from '../../server/index.ts'

/** Short flags that take a value, and what that is. */
const SHORT_VALUES: ReadonlyMap<string, string> = new Map([
  ['b', 'a directory'],
  ['l', 'an address'],
  ['p', 'a port'],
  ['f', 'milliseconds'],
  ['u', 'a user'],
  ['z', 'bytes'],
  ['s', 'bytes'],
])
const SHORT_BARE = 'FVcnvh'
const LONG_ADDRESSES = ['beanstalkd', 'memcache', 'metrics']
const LONG_VALUES = [
  ...['sync', 'tls-cert', 'tls-key', 'token-file', 'connections-max', 'idle-timeout'],
  'stop-timeout',
]
const LONG_BARE = ['help', 'version']

/**
 * What stands in the words, by name; lists in the order in which they were given, and the names in the order
 * in which each was given last.
 */
export type Found = ReadonlyMap<string, readonly string[]>

/** The words cannot be meant. */
export class WordError extends Error {}

/** Notes what it finds in `found`, also where it throws {@link WordError} in the middle. */
export function findWords(words: readonly string[], found: Map<string, string[]>): void {
  const note = (name: string, value: string): void => {
    const values = found.get(name) ?? []
    values.push(value)
    // A name that comes again stands behind the others: of some of them the last one counts.
    found.delete(name)
    found.set(name, values)
  }
  const rest = [...words]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word.startsWith('--')) readLong(word, rest, note)
    else if (word.startsWith('-') && word.length > 1) readShort(word, rest, note)
    else note('directory', word)
  }
}

function readLong(word: string, rest: string[], note: (name: string, value: string) => void): void {
  const equals = word.indexOf('=')
  const name = equals < 0 ? word.slice(2) : word.slice(2, equals)
  const joined = equals < 0 ? undefined : word.slice(equals + 1)
  if (LONG_ADDRESSES.includes(name)) {
    const next = rest[0]
    // A word behind it belongs to it where it can be nothing else.
    const isNext = joined === undefined && next !== undefined && isAddress(next)
    // Nearly always a port that was meant.
    if (joined === undefined && next !== undefined && /^\d{1,5}$/.test(next)) {
      throw new WordError(
        `--${name} takes an address: the port ${next} is :${next}, a directory ${next} is ./${next}`,
      )
    }
    note(name, joined ?? (isNext ? (rest.shift() ?? '') : ''))
  } else if (LONG_VALUES.includes(name)) {
    const value = joined ?? rest.shift()
    if (value === undefined) throw new WordError(`--${name} needs a value`)
    note(name, value)
  } else if (LONG_BARE.includes(name) && joined === undefined) {
    note(name, '')
  } else {
    throw new WordError(`unknown option ${word}`)
  }
}

function readShort(
  word: string,
  rest: string[],
  note: (name: string, value: string) => void,
): void {
  for (let at = 1; at < word.length; at += 1) {
    const flag = word.charAt(at)
    const takes = SHORT_VALUES.get(flag)
    if (takes !== undefined) {
      note(flag, shortValue(flag, takes, word.slice(at + 1), rest))
      return
    }
    if (!SHORT_BARE.includes(flag)) throw new WordError(`unknown flag: -${flag}`)
    note(flag, '')
  }
}

function shortValue(flag: string, takes: string, joined: string, rest: string[]): string {
  const value = joined || rest.shift()
  if (value === undefined) throw new WordError(`flag requires an argument: -${flag} (${takes})`)
  // Its own value was forgotten: the one of the next flag would be taken for a directory.
  if (joined === '' && /^-./.test(value))
    throw new WordError(`-${flag} takes ${takes}, not ${value}`)
  return value
}

function isAddress(word: string): boolean {
  try {
    parseAddress(word)
    return true
  } catch {
    return false
  }
}
