/** How the inspecting commands say what they found, and how far they are. */
import type { Finding, FindingLevel, Progress, QueueShare } from '../inspect/index.ts'
import type { ExitCode } from './exit-codes.ts'
import { EXIT } from './exit-codes.ts'
import type { Output, Styles } from './output.ts'
import { oneLine } from './output.ts'
import { formatBytes, formatCount, formatMs, plural } from './text.ts'

/** The version of every JSON line these commands print. */
export const JSON_VERSION = 1

const LEVEL_WIDTH = 6
/** A line of progress is rewritten this often. */
const PROGRESS_MS = 200

export function exitOf(verdict: 'fine' | 'torn-tail' | 'rot'): ExitCode {
  if (verdict === 'rot') return EXIT.rot
  return verdict === 'torn-tail' ? EXIT.tornTail : EXIT.fine
}

/** 5 -> 'message 5', 5 to 8 -> 'messages 5 to 8'. */
export function idRange(firstId: number, endId: number): string {
  if (endId === firstId + 1) return `message ${firstId}`
  return `messages ${firstId} to ${endId - 1}`
}

/** One finding as one line. */
export function findingLine(finding: Finding, styles: Styles): string {
  const { level, file, offset, bytes, what, detail, follows } = finding
  const place = bytes > 0 ? ` at ${offset}, ${plural(bytes, 'byte')}` : ''
  const lost = level === 'rot' ? `, ${lostWords(finding)}` : ''
  const seen = detail === undefined ? '' : ` (${detail})`
  const head = paint(styles, level, level.padEnd(LEVEL_WIDTH))
  return `${head}${oneLine(`${file}${place}${lost}: ${what}${seen}. ${capital(follows)}.`)}\n`
}

function lostWords({ firstId, endId, unopened, uncounted }: Finding): string {
  const how = unopened ? 'not read' : 'lost'
  if (endId > firstId) return `${idRange(firstId, endId)} ${how}`
  return uncounted ? `messages ${how}, nobody knows how many` : 'no message lost'
}

export function paint(styles: Styles, level: FindingLevel, words: string): string {
  if (level === 'rot') return styles.red(words)
  return level === 'tail' ? styles.yellow(words) : styles.dim(words)
}

function capital(words: string): string {
  return words.slice(0, 1).toUpperCase() + words.slice(1)
}

/** Queues named in a line of words. */
const QUEUES_SHOWN_MAX = 5

/** '12 of orders, 3 of busy'; of many queues the first. */
export function queueShares(shares: readonly QueueShare[]): string {
  const named = shares
    .slice(0, QUEUES_SHOWN_MAX)
    .map(({ queue, messages }) => `${formatCount(messages)} of ${oneLine(queue)}`)
  const more = shares.slice(QUEUES_SHOWN_MAX)
  if (more.length > 0) {
    const messages = more.reduce((sum, share) => sum + share.messages, 0)
    named.push(`${formatCount(messages)} of ${plural(more.length, 'other queue')}`)
  }
  return named.join(', ')
}

/** A function that shows bytes done, their rate and the time left on a terminal. */
export function progressOf(output: Output, verb: string): (progress: Progress) => void {
  const startedMs = performance.now()
  let shownMs = 0
  return ({ bytes, totalBytes }) => {
    const nowMs = performance.now()
    if (!output.showsProgress || nowMs - shownMs < PROGRESS_MS || totalBytes === 0) return
    shownMs = nowMs
    const elapsedMs = nowMs - startedMs
    const rate = elapsedMs > 0 ? (bytes * 1000) / elapsedMs : 0
    const left = rate > 0 ? `, ${formatMs(((totalBytes - bytes) * 1000) / rate)} left` : ''
    const percent = formatCount((100 * bytes) / totalBytes)
    output.progress(
      `${verb} ${percent} % of ${formatBytes(totalBytes)}, ${formatBytes(rate)}/s${left}`,
    )
  }
}
