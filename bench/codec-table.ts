/** Tables of the codecs' results, for a terminal and for native-free/README.md. Pure but for the file. */

import { readFileSync, writeFileSync } from 'node:fs'
import type { CodecResult } from './codecs.ts'

const README = 'native-free/README.md'
const BEGIN = '<!-- codecs: begin, made by `npm run bench -- codecs --write` -->'
const END = '<!-- codecs: end -->'

/** Puts the tables, under a line that says how they came about, between the marks of the README. */
export function writeReadme(
  header: Readonly<Record<string, unknown>>,
  results: readonly CodecResult[],
): void {
  const text = readFileSync(README, 'utf8')
  const begin = text.indexOf(BEGIN)
  const end = text.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`${README} has no place for the tables`)
  const made = [BEGIN, '', circumstances(header), '', ...tables(results), ''].join('\n')
  writeFileSync(README, `${text.slice(0, begin)}${made}${text.slice(end)}`)
}

/** The same tables as lines. */
export function tables(results: readonly CodecResult[]): string[] {
  const lz4 = results.filter(({ operation }) => operation !== 'crc32')
  const crc = results.filter(({ operation }) => operation === 'crc32')
  return [...table('LZ4, MB/s (stored size)', lz4), '', ...table('CRC-32, MB/s', crc)]
}

function circumstances(header: Readonly<Record<string, unknown>>): string {
  const { machine, kernel, node, rounds, load, date } = header
  const day = String(date).slice(0, 10)
  return `${machine}, ${kernel}, Node ${node}, ${day}, load ${String(load)}: medians of ${rounds} rounds.`
}

function table(title: string, results: readonly CodecResult[]): string[] {
  const names = [...new Set(results.map(({ codec }) => codec))]
  const rows = [...new Set(results.map(rowOf))]
  const cell = (row: string, name: string): string => {
    const result = results.find((one) => rowOf(one) === row && one.codec === name)
    if (result === undefined) return ''
    const { megabytesPerSecond, storedBytes } = result
    const rate = Math.round(megabytesPerSecond).toLocaleString('en-US')
    return storedBytes === undefined ? rate : `${rate} (${storedBytes.toLocaleString('en-US')})`
  }
  return [
    `| ${[title, ...names].join(' | ')} |`,
    `| --- |${' ---: |'.repeat(names.length)}`,
    ...rows.map((row) => `| ${[row, ...names.map((name) => cell(row, name))].join(' | ')} |`),
  ]
}

function rowOf({ operation, bytes }: CodecResult): string {
  const size = bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`
  return operation === 'crc32' ? size : `${operation} ${size}`
}
