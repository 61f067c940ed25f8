/** Tables of the codecs' results, for a terminal and for native-free/README.md. */

import type { CodecResult } from './codecs.ts'
import { writeTables } from './readme-tables.ts'

export function writeCodecs(
  header: Readonly<Record<string, unknown>>,
  results: readonly CodecResult[],
): void {
  writeTables('codecs', header, tables(results))
}

/** Both tables, as lines. */
export function tables(results: readonly CodecResult[]): string[] {
  const lz4 = results.filter(({ operation }) => operation !== 'crc32')
  const crc = results.filter(({ operation }) => operation === 'crc32')
  return [...table('LZ4, MB/s (stored size)', lz4), '', ...table('CRC-32, MB/s', crc)]
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
