/** How `qlog bench` shows what was measured: a table of 80 columns, and what it means. Pure. */
import type { DiskCase, DiskResult } from '../measure/disk-cases.ts'
import type { DiskHeader } from '../measure/own-disk.ts'
import { formatBytes, formatCount, formatMs, formatShare, wrapWords } from './text.ts'

/** Longer lines are hard to read, however wide the terminal is. */
const COLUMNS_MAX = 80

const WIDTHS = [26, 11, 8, 8, 9, 9, 8] as const

const NAMES: Readonly<Record<string, string>> = {
  appendSync: 'appendSync',
  'append-awaited': 'append, awaited',
  'append-1000-in-flight': 'append, 1,000 in flight',
  'appendMany-100': 'appendMany of 100',
  'appendMany-1000': 'appendMany of 1,000',
  'replay-batches': 'replay, readBatches',
}

const SIZES: Readonly<Record<string, string>> = { '100B': '100 bytes', '1KiB': '1 KiB' }

/** `appendSync/100B` -> `appendSync, 100 bytes`. */
export function caseWords({ name, kind }: Pick<DiskCase, 'name' | 'kind'>): string {
  const [call = '', size = ''] = name.split('/')
  const how = kind === 'sustained' ? ', giving back' : ''
  return `${NAMES[call] ?? call}${how}, ${SIZES[size] ?? size}`
}

/** What the figures depend on, and the titles of the columns. */
export function benchHead(header: DiskHeader): string {
  const { fileSystem, node, machine, sync, kernel, load } = header
  const about = [
    `File system ${fileSystem}; Node ${node}; ${kernel}`,
    `${machine}; load ${load[0] ?? 0}; mode ${sync}`,
    'raw: writeSync + fdatasyncSync of as many bytes a group, in turns',
  ]
  const titles = lineOf(['', 'messages/s', 'MB/s', 'of raw', 'p50 ms', 'p99 ms', 'loop ms'])
  return `${about.join('\n')}\n\n${titles}`
}

/** One case; sizes of messages stand above the first of each. */
export function benchLine(result: DiskResult, before: DiskResult | undefined): string {
  const { variant, rate, bodyBytesRate, efficiency, p50Ms, p99Ms, loopDelayP99Ms } = result
  const [call = '', size = ''] = result.case.split('/')
  const title =
    before?.messageBytes === result.messageBytes ? '' : `Messages of ${SIZES[size] ?? size}\n`
  const name = variant === 'sustained' ? 'the same, giving back' : (NAMES[call] ?? call)
  return (
    title +
    lineOf([
      `  ${name}`,
      formatCount(rate),
      (bodyBytesRate / 1e6).toFixed(1),
      formatShare(efficiency),
      milliseconds(p50Ms),
      milliseconds(p99Ms),
      loopDelayP99Ms === undefined ? '-' : milliseconds(loopDelayP99Ms),
    ])
  )
}

function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(1)
}

/** What the figures mean: what the disk allows, and what shares its flushes. */
export function benchConclusion(results: readonly DiskResult[], columns: number): string {
  const find = (name: string): DiskResult | undefined => results.find((one) => one.case === name)
  const [alone, crowd, batch] = [
    find('appendSync/100B'),
    find('append-1000-in-flight/100B'),
    find('appendMany-1000/1KiB'),
  ]
  if (!alone || !crowd || !batch) return ''
  const flushMs = 1000 / alone.rawRate
  const gain = crowd.rate / alone.rate
  const rawBytes = (batch.rawRate * (batch.groupBytes ?? 0)) / (batch.groupMessages ?? 1)
  const sentences = [
    `One write with its flush takes this disk ${formatMs(flushMs)}, so no program appends more than ${formatCount(alone.rawRate)} messages a second durably one by one; appendSync reaches ${formatShare(alone.efficiency)} of that.`,
    `Messages that wait together share a flush: with 1,000 in flight ${gain < 10 ? gain.toFixed(1) : formatCount(gain)} times as many a second.`,
    `In large batches the disk takes ${formatBytes(rawBytes)}/s from the raw loop and ${formatShare(batch.efficiency)} of that from the engine: ${limitOf(batch.efficiency)}.`,
    'loop ms: how late a timer of 1 ms came (p99, itself included). Giving back: over many segments, messages are discarded meanwhile. Replay: beside plain reads, both from the page cache.',
  ]
  const unsteady = results.filter(isUnsteady).length
  if (unsteady > 0) sentences.push(unsteadyWords(unsteady, results.length))
  const width = Math.min(columns, COLUMNS_MAX)
  return `\n${sentences.map((sentence) => `${wrapWords(sentence, width, 0)}\n`).join('')}`
}

/** The middle half of the rounds lies so far apart that the median says little. */
function isUnsteady({ efficiencyQuartiles: [low, high] }: DiskResult): boolean {
  return high > low * UNSTEADY
}

const UNSTEADY = 1.5

function unsteadyWords(unsteady: number, cases: number): string {
  return `Of raw varied by more than half between the rounds of ${unsteady} of ${cases} cases: other programs used this machine or its disk. Measure again while they rest, or with more --seconds.`
}

/** Above this the rest is small beside what a shared disk varies by. */
const DISK_BOUND = 0.8

function limitOf(efficiency: number): string {
  return efficiency >= DISK_BOUND
    ? 'there the disk is the limit'
    : 'there the processor is part of the limit, not the disk alone'
}

function lineOf(cells: readonly string[]): string {
  const padded = cells.map((cell, column) => {
    const width = WIDTHS[column] ?? 0
    return column === 0 ? cell.padEnd(width) : cell.padStart(width)
  })
  return `${padded.join('').trimEnd()}\n`
}
