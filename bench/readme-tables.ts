/** Puts what a benchmark measured between two marks of a document. */

import { readFileSync, writeFileSync } from 'node:fs'

const NATIVE_FREE = 'native-free/README.md'

/** Tables of native-free/README.md; the lines stand behind one that says how they came about. */
export function writeTables(
  name: string,
  header: Readonly<Record<string, unknown>>,
  lines: readonly string[],
): void {
  const command = `npm run bench -- ${name} --write`
  const text = readFileSync(NATIVE_FREE, 'utf8')
  const body = [circumstances(header), '', ...lines]
  writeFileSync(NATIVE_FREE, betweenMarks(text, name, command, body))
}

/** The text with these lines between the marks of `name`, which it must have. */
export function betweenMarks(
  text: string,
  name: string,
  command: string,
  lines: readonly string[],
): string {
  const beginMark = `<!-- ${name}: begin, made by \`${command}\` -->`
  const endMark = `<!-- ${name}: end -->`
  const begin = text.indexOf(beginMark)
  const end = text.indexOf(endMark)
  if (begin < 0 || end < begin) throw new Error(`the document has no place for ${name}`)
  return `${text.slice(0, begin)}${[beginMark, '', ...lines, ''].join('\n')}${text.slice(end)}`
}

function circumstances(header: Readonly<Record<string, unknown>>): string {
  const { machine, kernel, node, rounds, load, date } = header
  const day = String(date).slice(0, 10)
  const version = String(kernel).split('.').slice(0, 2).join('.')
  const words = `${machine}, ${version}, Node ${node}, ${day}; medians of ${rounds} rounds.`
  const loads = Array.isArray(load) ? load.join(', ') : String(load)
  return `${words} Load of the machine before: ${loads}.`
}
