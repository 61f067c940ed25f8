/**
 * Lines of the text protocol: words between spaces, and the numbers among them, as memcached takes them.
 * Pure.
 */
import { DECLARED_BYTES_MAX, KEY_BYTES_MAX } from './limits.ts'

/** A command that is followed by a body. */
export interface StorageLine {
  readonly verb: string
  /** Latin1: one character a byte. */
  readonly key: string
  readonly flags: number
  readonly exptime: number
  readonly bytes: number
  readonly isQuiet: boolean
}

/** Not so many words as it takes, or a number that is none; of the latter a quiet one is not told. */
export type LineFault = 'words' | 'numbers' | 'numbers, quietly'

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
const EXPTIME_MAX = 0x7fff_ffff

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

export function parseStorage(verb: string, words: readonly string[]): StorageLine | LineFault {
  const needed = STORAGE_WORDS.get(verb) ?? 0
  if (words.length !== needed && words.length !== needed + 1) return 'words'
  const isQuiet = isQuietLine(words)
  const [, key = '', flagsWord = '', exptimeWord = '', bytesWord = ''] = words
  const flags = wholeOf(flagsWord, FLAGS_MAX)
  const exptime = exptimeOf(exptimeWord)
  const bytes = wholeOf(bytesWord, DECLARED_BYTES_MAX)
  const isFault = flags === undefined || exptime === undefined || bytes === undefined
  if (isFault || key.length > KEY_BYTES_MAX) return isQuiet ? 'numbers, quietly' : 'numbers'
  return { verb, key, flags, exptime, bytes, isQuiet }
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

/** Seconds; what is below zero has expired already. */
export function exptimeOf(word: string): number | undefined {
  return word.startsWith('-') ? negative(word) : wholeOf(word, EXPTIME_MAX)
}

function negative(word: string): number | undefined {
  const value = wholeOf(word.slice(1), EXPTIME_MAX)
  return value === undefined ? undefined : -value
}
