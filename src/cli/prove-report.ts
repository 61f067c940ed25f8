/** The result of `qlog prove` as a table for people and as one object for scripts. Pure. */
import type { Styles } from './output.ts'
import { oneLine } from './output.ts'
import type { FigureRow } from './text.ts'
import { formatBytes, formatCount, formatFigures, formatMs, plural } from './text.ts'

export interface ProveResult {
  readonly verdict: 'ok' | 'failed'
  readonly seed: number
  readonly messages: number
  readonly bytes: number
  readonly acknowledged: number
  readonly lost: number
  readonly wrong: number
  /** There after a kill though never acknowledged, over all kills. */
  readonly unacknowledged: number
  /** Appends kept in flight: no kill may leave more than that unacknowledged. */
  readonly inFlightMax: number
  readonly kills: number
  readonly appendedPerSecond: number
  readonly appendedBytesPerSecond: number
  readonly flushP50Ms: number
  readonly flushP99Ms: number
  readonly reopenMsMax: number
  readonly readPerSecond: number
  readonly diskBytes: number
  readonly seconds: number
  /** What was wrong, at most the first ten; empty where nothing was. */
  readonly faults: readonly string[]
}

export function formatProof(result: ProveResult, styles: Styles): string {
  const flush = `${formatMs(result.flushP50Ms)} / ${formatMs(result.flushP99Ms)}`
  const rows: FigureRow[] = [
    ['messages', formatCount(result.messages), formatBytes(result.bytes)],
    ['acknowledged', formatCount(result.acknowledged), 'each compared byte for byte'],
    ['lost', formatCount(result.lost)],
    ['wrong', formatCount(result.wrong)],
    [
      'unacknowledged but there',
      formatCount(result.unacknowledged),
      `at most ${formatCount(result.inFlightMax)} in flight a kill`,
    ],
    [
      'kills (SIGKILL)',
      formatCount(result.kills),
      `slowest reopening ${formatMs(result.reopenMsMax)}`,
    ],
    [
      'append rate',
      `${formatCount(result.appendedPerSecond)}/s`,
      `${formatBytes(result.appendedBytesPerSecond)}/s, each durable`,
    ],
    ['flush p50 / p99', flush],
    ['read rate', `${formatCount(result.readPerSecond)}/s`, 'comparison included'],
    ['disk use', formatBytes(result.diskBytes)],
  ]
  const faults = result.faults
    .map((fault) => `  ${styles.red('fault:')} ${oneLine(fault)}\n`)
    .join('')
  return `${formatFigures(rows)}\n${faults}${verdictLine(result, styles)}\n`
}

function verdictLine(result: ProveResult, styles: Styles): string {
  const kills = plural(result.kills, 'kill')
  if (result.verdict === 'ok') {
    const all = `all ${formatCount(result.acknowledged)} acknowledged messages survived ${kills}`
    return styles.green(`PROVEN: ${all}, byte for byte.`)
  }
  const bad = plural(result.lost + result.wrong, 'message')
  return styles.red(`FAILED: ${bad} lost or wrong after ${kills}. Seed ${result.seed}.`)
}
