/**
 * Lines of the text protocol: words between spaces, and the numbers among them, as memcached takes them.
 * Pure.
 */
import { DECLARED_BYTES_MAX, KEY_BYTES_MAX } from './limits.ts'

/** A command that is followed by a body. */
export interface StorageLine {
  readonly isBad: false
  readonly verb: string
  /** Latin1: one character a byte. */
  readonly key: string
  readonly flags: number
  readonly exptime: number
  readonly bytes: number
  readonly isQuiet: boolean
}

/** The same, with a number that is none, or a key that is too long. */
export interface BadStorageLine {
  readonly isBad: true
  /** Of the body that follows; undefined where it is its length that is no number. */
  readonly bytes: number | undefined
  readonly isQuiet: boolean
}

/** Commands that are followed by a body, and how many words they take. */
const STORAGE_WORDS: ReadonlyMap<string, number> = new Map([
  ['set', 5],
  ['add', 5],
  ['replace', 5],
  ['append', 5],
  ['prepend', 5],
  ['cas', 6],
])
const FLAGS_MAX = 0xffff_ffff
/** As seconds since 1970 this is in 2038. */
const EXPTIME_MAX = 0x7fff_ffff
/** memcached takes so many, and clients send milliseconds since 1970. */
const EXPTIME_TAKEN_MAX = 2n ** 63n - 1n

/** A line without its end. Several spaces are as good as one. */
export function wordsOf(line: string): string[] {
  const words = line.split(' ')
  return words.includes('') ? words.filter((word) => word !== '') : words
}

/** memcached takes its commands in lower case alone, Kestrel in any. */
export function verbOf(words: readonly string[]): string {
  return (words[0] ?? '').toLowerCase()
}

export function isStorage(verb: string): boolean {
  return STORAGE_WORDS.has(verb)
}

/** Undefined where it has not so many words as it takes. */
export function parseStorage(
  verb: string,
  words: readonly string[],
): StorageLine | BadStorageLine | undefined {
  const needed = STORAGE_WORDS.get(verb) ?? 0
  if (words.length !== needed && words.length !== needed + 1) return undefined
  const isQuiet = isQuietLine(words)
  const [, key = '', flagsWord = '', exptimeWord = '', bytesWord = ''] = words
  const flags = wholeOf(flagsWord, FLAGS_MAX)
  const exptime = exptimeOf(exptimeWord)
  const bytes = wholeOf(bytesWord, DECLARED_BYTES_MAX)
  const isFault = flags === undefined || exptime === undefined || bytes === undefined
  if (isFault || key.length > KEY_BYTES_MAX) return { isBad: true, bytes, isQuiet }
  return { isBad: false, verb, key, flags, exptime, bytes, isQuiet }
}

/** The last word says that no reply is wanted. */
export function isQuietLine(words: readonly string[]): boolean {
  return words.at(-1) === 'noreply'
}

/** A whole number from 0 to `max`. */
export function wholeOf(word: string, max: number): number | undefined {
  if (!/^\+?\d{1,20}$/.test(word)) return undefined
  const value = Number(word)
  return value <= max ? value : undefined
}

/** Seconds; what is below zero has expired already. What 64 bits hold is taken, as the nearest of 32 bits. */
export function exptimeOf(word: string): number | undefined {
  if (!/^[+-]?\d{1,20}$/.test(word)) return undefined
  const value = Number(word)
  if (Math.abs(value) <= EXPTIME_MAX) return value
  const exact = BigInt(word.replace('+', ''))
  if (exact > EXPTIME_TAKEN_MAX || exact < -EXPTIME_TAKEN_MAX - 1n) return undefined
  return value < 0 ? -EXPTIME_MAX : EXPTIME_MAX
}
