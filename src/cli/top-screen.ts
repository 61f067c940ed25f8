/** What `qlog top` shows: figures of a store, and those before, as lines of a given size. Pure. */
import { cell, cleanText, columnsOf, shortCount, shorten } from './cells.ts'
import type { Styles } from './output.ts'
import { formatSpan } from './store-words.ts'
import { formatBytes, formatCount, formatMs, formatShare, plural } from './text.ts'
import {
  rateOf,
  type Span,
  type Style,
  secondsBetween,
  type TopFigures,
  type TopSize,
  type TopView,
} from './top-figures.ts'
import { topTable } from './top-table.ts'

/** A flush that takes so long is worth a warning: the store gives one as well. */
const SLOW_FLUSH_MS = 1_000
/** The name of a queue, or of a group, takes no more of a line beside others. */
const PINNED_NAME_COLUMNS = 16

/** Pieces that are shown whole or not at all, most wanted first. */
type Items = readonly (Span | undefined)[]

/** At most `rows` lines, none wider than `columns`. */
export function topLines(view: TopView, size: TopSize, styles: Styles): string[] {
  const { columns, rows } = size
  const lines = [
    titleLine(view, columns),
    ...troubleLines(view, columns),
    itemLine('rates', rateItems(view), columns),
    itemLine('messages', messageItems(view.figures), columns),
    itemLine('flush', flushItems(view.figures), columns),
    itemLine('disk', diskItems(view.figures), columns),
    itemLine('pinned', pinnedItems(view.figures), columns),
    [],
  ]
  const left = rows - lines.length
  const table = topTable(view.figures, view.before, { columns, rows: left })
  return [...lines, ...table].slice(0, rows).map((line) => {
    return line.map(([text, style]) => (style ? styles[style](text) : text)).join('')
  })
}

function titleLine({ directory, figures, timeOfDay }: TopView, columns: number): Span[] {
  const { pid, stats } = figures
  const held = pid === undefined ? 'held by no process' : `process ${pid}`
  const open = pid === undefined ? '' : `, open ${formatSpan(stats.openMs)}`
  const words = `  ${held}${open}`
  const end = `  ${timeOfDay}`
  const nameColumns = Math.min(columns, Math.max(8, columns - columnsOf(words + end)))
  const name = shorten(cleanText(directory), nameColumns)
  const left = Math.max(0, columns - columnsOf(name))
  const middle = columnsOf(words + end) <= left ? cell(words, left - columnsOf(end)) : ''
  const rest = middle === '' ? shorten(words, left) : middle + end
  return [[name, 'bold'], [rest]]
}

function troubleLines({ figures, trouble }: TopView, columns: number): Span[][] {
  const { status, space, damaged, clockWasAhead } = figures.stats
  const lines: Span[] = []
  if (trouble !== undefined) lines.push([trouble, 'yellow'])
  if (status === 'failed') lines.push(['the store has failed: it takes nothing more', 'red'])
  if (space === 'full') lines.push(['the disk is full: puts are refused', 'red'])
  if (damaged > 0) lines.push([`${plural(damaged, 'message')} cannot be read`, 'red'])
  if (clockWasAhead) lines.push(['the clock was set back before this opening', 'yellow'])
  return lines.map(([text, style]) => [[shorten(cleanText(text), columns), style]])
}

function rateItems({ figures, before, trouble }: TopView): Items {
  const seconds = secondsBetween(before, figures)
  const isAlone = figures.pid === undefined || trouble !== undefined
  if (seconds === 0) return [[isAlone ? 'none' : 'after the next look', 'dim']]
  const now = figures.stats.totals
  const item = (name: string, key: keyof typeof now): Span => {
    const count = now[key] - (before?.stats.totals[key] ?? 0)
    return [`${name} ${rateOf(count, seconds)}/s`]
  }
  return [
    item('put', 'put'),
    item('delivered', 'delivered'),
    item('acked', 'acked'),
    item('retried', 'retried'),
    item('timed out', 'timedOut'),
    item('expired', 'expired'),
  ]
}

function messageItems({ stats, queues }: TopFigures): Items {
  const oldest = queues.reduce((most, { oldestMs }) => Math.max(most, oldestMs ?? -1), -1)
  return [
    [formatCount(stats.messages)],
    oldest >= 0 ? [`oldest ${formatSpan(oldest)}`] : undefined,
    stats.retained > 0 ? [`retained ${shortCount(stats.retained)}`] : undefined,
    [`leased ${shortCount(stats.leased)}`],
    [`buried ${shortCount(stats.buried)}`, alarm(stats.buried > 0, 'yellow')],
    [`delayed ${shortCount(stats.delayed)}`],
    [`ready ${shortCount(stats.ready)}`],
    [`waiting sessions ${shortCount(stats.waitingSessions)}`],
  ]
}

function flushItems({ stats: { log } }: TopFigures): Items {
  if (log.flushes === 0) return [['none yet']]
  return [
    [`p50 ${formatMs(log.flushP50Ms)}`, alarm(log.flushP50Ms > SLOW_FLUSH_MS, 'red')],
    [`p99 ${formatMs(log.flushP99Ms)}`, alarm(log.flushP99Ms > SLOW_FLUSH_MS, 'red')],
    [`max ${formatMs(log.flushMaxMs)}`],
    [`in flight ${formatBytes(log.inFlightBytes)}`],
    [`${shortCount(log.flushes)} so far`],
  ]
}

function diskItems({ stats: { log, stateBytes } }: TopFigures): Items {
  if (log.segments === 0) return [['none: it lives in memory']]
  const share = log.deadBytes / Math.max(1, log.liveBytes + log.deadBytes)
  return [
    [formatBytes(log.diskBytes)],
    [`live ${formatBytes(log.liveBytes)}`],
    [`dead ${formatBytes(log.deadBytes)} (${formatShare(share)})`],
    [plural(log.segments, 'segment')],
    [`state ${formatBytes(stateBytes)}`],
  ]
}

/** Space that comes back once this group has finished, or is removed. */
function pinnedItems({ stats: { pinning } }: TopFigures): Items {
  if (pinning === undefined) return [['none']]
  const { queue, group, messages, bytes, isEstimate } = pinning
  const by = shorten(cleanText(group), PINNED_NAME_COLUMNS)
  const of = shorten(cleanText(queue), PINNED_NAME_COLUMNS)
  return [
    [`${isEstimate ? 'about ' : ''}${formatBytes(bytes)}`],
    [`by ${by} of ${of}`],
    [plural(messages, 'message')],
  ]
}

function alarm(isOn: boolean, style: Style): Style | undefined {
  return isOn ? style : undefined
}

const LABEL_COLUMNS = 10
const GAP = '   '

function itemLine(label: string, items: Items, columns: number): Span[] {
  const line: Span[] = [[cell(label, Math.min(LABEL_COLUMNS, columns)), 'dim']]
  let left = columns - LABEL_COLUMNS
  for (const item of items) {
    if (item === undefined) continue
    const gap = line.length === 1 ? '' : GAP
    left -= columnsOf(gap + item[0])
    if (left < 0) break
    if (gap !== '') line.push([gap])
    line.push(item)
  }
  return line
}
