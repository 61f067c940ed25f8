/** Puts what a benchmark measured between two marks of native-free/README.md. */

import { readFileSync, writeFileSync } from 'node:fs'

const README = 'native-free/README.md'

/** The lines stand behind one that says how they came about. */
export function writeTables(
  name: string,
  header: Readonly<Record<string, unknown>>,
  lines: readonly string[],
): void {
  const beginMark = `<!-- ${name}: begin, made by \`npm run bench -- ${name} --write\` -->`
  const endMark = `<!-- ${name}: end -->`
  const text = readFileSync(README, 'utf8')
  const begin = text.indexOf(beginMark)
  const end = text.indexOf(endMark)
  if (begin < 0 || end < begin) throw new Error(`${README} has no place for ${name}`)
  const made = [beginMark, '', circumstances(header), '', ...lines, ''].join('\n')
  writeFileSync(README, `${text.slice(0, begin)}${made}${text.slice(end)}`)
}

function circumstances(header: Readonly<Record<string, unknown>>): string {
  const { machine, kernel, node, rounds, load, date } = header
  const day = String(date).slice(0, 10)
  const version = String(kernel).split('.').slice(0, 2).join('.')
  const words = `${machine}, ${version}, Node ${node}, ${day}; medians of ${rounds} rounds.`
  const loads = Array.isArray(load) ? load.join(', ') : String(load)
  return `${words} Load of the machine before: ${loads}.`
}
