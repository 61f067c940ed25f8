/** Text in a given number of columns of a terminal, and numbers that take few. Pure. */
import { oneLine } from './output.ts'

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u
const NO_WIDTH = /\p{M}/u
/** Joiners, marks of direction and the like: they show nothing, and may move what does. */
const UNSEEN = /[\p{Cf}\p{Zl}\p{Zp}]/gu

/** A name as it can stand in a line: nothing in it moves the cursor. */
export function cleanText(text: string): string {
  return oneLine(text).replaceAll(UNSEEN, '')
}

/** Columns that the text takes; East Asian characters and emoji take two. */
export function columnsOf(text: string): number {
  let columns = 0
  for (const character of text) {
    if (!NO_WIDTH.test(character)) columns += WIDE.test(character) ? 2 : 1
  }
  return columns
}

/** The text in at most so many columns: what is longer loses its middle, for names often differ at the end. */
export function shorten(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text
  if (columns < 1) return ''
  const characters = [...text]
  const headColumns = Math.ceil((columns - 1) / 2)
  const tailColumns = columns - 1 - headColumns
  const tail = taken(characters.toReversed(), tailColumns).toReversed()
  return `${taken(characters, headColumns).join('')}…${tail.join('')}`
}

/** As many from the front as fit. */
function taken(characters: readonly string[], columns: number): string[] {
  let left = columns
  const fitting: string[] = []
  for (const character of characters) {
    left -= columnsOf(character)
    if (left < 0) break
    fitting.push(character)
  }
  return fitting
}

/** The text in exactly so many columns. */
export function cell(text: string, columns: number): string {
  const fitting = shorten(text, columns)
  return fitting + ' '.repeat(columns - columnsOf(fitting))
}

/** The same, flush right. */
export function cellRight(text: string, columns: number): string {
  const fitting = shorten(text, columns)
  return ' '.repeat(columns - columnsOf(fitting)) + fitting
}

const UNITS = ['k', 'M', 'G', 'T', 'P', 'E']

/** A count in at most five columns: 0, 9,999, 12.3k, 123k, 1.23M. */
export function shortCount(count: number): string {
  if (!(count < 9_999.5)) return withUnit(count)
  const whole = String(Math.round(count))
  return whole.length < 4 ? whole : `${whole.slice(0, 1)},${whole.slice(1)}`
}

/** The same of a rate: what is below ten has its tenths, and is 0 only where nothing happened. */
export function shortRate(rate: number): string {
  if (rate <= 0 || rate >= 9.95) return shortCount(rate)
  return rate < 0.1 ? '<0.1' : rate.toFixed(1)
}

function withUnit(count: number): string {
  let value = count
  let unit = -1
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
  return value.toFixed(digits) + (UNITS[unit] ?? '')
}

/** A time in at most five columns: 0.3s, 59s, 3.4m, 12h, 250d. */
export function shortSpan(milliseconds: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'm'],
  ] as const
  const [unitMs, name] = units.find(([least]) => milliseconds >= least) ?? [1000, 's']
  const value = Math.max(0, milliseconds) / unitMs
  return `${value < 9.95 ? value.toFixed(1) : Math.floor(value)}${name}`
}
