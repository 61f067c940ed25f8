/** The table of `qlog top`: a row a queue, and one for each of its groups. Pure. */
import { type DeliveryTotals, GROUP_DEFAULT, type GroupStats, type QueueStats } from '../index.ts'
import { cell, cellRight, cleanText, columnsOf, shortCount, shortSpan } from './cells.ts'
import { formatCount } from './text.ts'
import { rateOf, type Span, secondsBetween, type TopFigures, type TopSize } from './top-figures.ts'

interface Row {
  readonly kind: 'queue' | 'group'
  readonly name: string
  /** Of a queue what is not gone, of a group what it has not finished. */
  readonly left: number
  /** Finished ones that the queue keeps; undefined for a group. */
  readonly retained: number | undefined
  readonly states:
    | Pick<GroupStats, 'ready' | 'delayed' | 'leased' | 'buried' | 'waiting'>
    | undefined
  readonly oldestMs: number | undefined
  /** Undefined where it does not count for the row. */
  readonly put: number | undefined
  readonly totals: DeliveryTotals
  readonly totalsBefore: DeliveryTotals | undefined
  readonly putBefore: number
}

interface Column {
  readonly head: string
  readonly columns: number
  /** What is of rank 0 is shown first where there is little room. */
  readonly rank: number
  text(row: Row, seconds: number): string
  /** Where it says something; always unless told. */
  isWanted?(rows: readonly Row[]): boolean
}

const state = (head: string, rank: number, key: keyof NonNullable<Row['states']>): Column => ({
  head,
  columns: Math.max(6, head.length),
  rank,
  text: ({ states }) => (states === undefined ? '-' : shortCount(states[key])),
})

const rate = (head: string, rank: number, key: keyof DeliveryTotals): Column => ({
  head,
  columns: Math.max(6, head.length),
  rank,
  text: ({ totals, totalsBefore }, seconds) =>
    rateOf(totals[key] - (totalsBefore?.[key] ?? 0), seconds),
})

const COLUMNS: readonly Column[] = [
  {
    head: 'depth/lag',
    columns: 9,
    rank: 0,
    text: ({ left }) => (left < 10_000_000 ? formatCount(left) : shortCount(left)),
  },
  {
    head: 'retained',
    columns: 8,
    rank: 4.5,
    text: ({ retained }) => (retained === undefined ? '' : shortCount(retained)),
    isWanted: (rows) => rows.some(({ retained = 0 }) => retained > 0),
  },
  state('ready', 7, 'ready'),
  state('leased', 2, 'leased'),
  state('delayed', 8, 'delayed'),
  state('buried', 3, 'buried'),
  {
    head: 'oldest',
    columns: 6,
    rank: 4,
    text: ({ oldestMs }) => (oldestMs === undefined ? '-' : shortSpan(oldestMs)),
  },
  {
    head: 'put/s',
    columns: 6,
    rank: 5,
    text: ({ put, putBefore }, seconds) =>
      put === undefined ? '' : rateOf(put - putBefore, seconds),
  },
  rate('deliv/s', 6, 'delivered'),
  rate('acked/s', 1, 'acked'),
  rate('retry/s', 9, 'retried'),
  state('waiting', 10, 'waiting'),
]

/** Less than this for the names, and a column is left out. */
const NAME_COLUMNS_MIN = 24
/** Names keep so much in a very narrow terminal. */
const NAME_COLUMNS_LEAST = 12
const INDENT = '  '

/** At most `rows` lines with the head; what does not fit is counted in the last. */
export function topTable(
  figures: TopFigures,
  before: TopFigures | undefined,
  { columns, rows }: TopSize,
): Span[][] {
  if (rows < 1) return []
  if (figures.queues.length === 0) return [[['There is no queue yet.'.slice(0, columns)]]]
  const comparable = secondsBetween(before, figures) > 0 ? before : undefined
  const all = rowsOf(figures, comparable, rows - 1)
  const shown = shownColumns(columns, all)
  const figureColumns = shown.reduce((sum, one) => sum + one.columns + 1, 0)
  const longest = all.reduce((most, { name }) => Math.max(most, columnsOf(name)), NAME_COLUMNS_MIN)
  const nameColumns = Math.min(columns - figureColumns, longest)
  const seconds = secondsBetween(before, figures)
  const head = shown.map((one) => ` ${cellRight(one.head, one.columns)}`).join('')
  const lines: Span[][] = [[[cell('queue', nameColumns) + head, 'bold']]]
  const isCut = lines.length + all.length + (figures.moreQueues > 0 ? 1 : 0) > rows
  const fitting = isCut ? all.slice(0, Math.max(0, rows - 2)) : all
  for (const row of fitting) lines.push(rowLine(row, shown, nameColumns, seconds))
  const rest = moreWords(all.slice(fitting.length), figures.moreQueues)
  if (rest !== '') lines.push([[rest.slice(0, columns), 'dim']])
  return lines
}

/** By name where all have room, so that no row moves; else the deepest first. */
function rowsOf(figures: TopFigures, before: TopFigures | undefined, room: number): Row[] {
  const earlier = new Map(before?.queues.map((one) => [one.queue, one]))
  const queues = figures.queues.toSorted((a, b) => (a.queue < b.queue ? -1 : 1))
  const rows = (): Row[] => queues.flatMap((one) => rowsOfQueue(one, earlier.get(one.queue)))
  const byName = rows()
  if (byName.length + (figures.moreQueues > 0 ? 1 : 0) <= room) return byName
  queues.sort((a, b) => b.messages - a.messages)
  return rows()
}

function rowsOfQueue(stats: QueueStats, before: QueueStats | undefined): Row[] {
  const { queue, groups, messages, retained, oldestMs, pausedMs, totals } = stats
  const row: Row = {
    kind: 'queue',
    name: cleanText(queue) + (pausedMs > 0 ? ' (paused)' : ''),
    left: messages,
    retained,
    states: groups.length === 0 ? undefined : sumOf(groups),
    oldestMs,
    put: totals.put,
    putBefore: before?.totals.put ?? 0,
    totals,
    totalsBefore: before?.totals,
  }
  // The only group of a queue that names none says nothing that its queue does not.
  if (groups.length === 0) return [row]
  if (groups.length === 1 && groups[0]?.group === GROUP_DEFAULT) return [row]
  const earlier = new Map(before?.groups.map((one) => [one.group, one]))
  const sorted = groups.toSorted((a, b) => (a.group < b.group ? -1 : 1))
  return [row, ...sorted.map((one) => rowOfGroup(one, earlier.get(one.group)))]
}

function rowOfGroup(stats: GroupStats, before: GroupStats | undefined): Row {
  const { group, lag, oldestMs, totals } = stats
  return {
    kind: 'group',
    name: INDENT + cleanText(group),
    left: lag,
    retained: undefined,
    states: stats,
    oldestMs,
    put: undefined,
    putBefore: 0,
    totals,
    totalsBefore: before?.totals,
  }
}

function sumOf(groups: readonly GroupStats[]): NonNullable<Row['states']> {
  const sum = { ready: 0, delayed: 0, leased: 0, buried: 0, waiting: 0 }
  for (const one of groups) {
    sum.ready += one.ready
    sum.delayed += one.delayed
    sum.leased += one.leased
    sum.buried += one.buried
    sum.waiting += one.waiting
  }
  return sum
}

/** As many as leave room for names, the most wanted ones, in their order. */
function shownColumns(columns: number, rows: readonly Row[]): Column[] {
  let left = columns
  const chosen = new Set<Column>()
  const wanted = COLUMNS.filter(({ isWanted }) => isWanted?.(rows) ?? true)
  for (const one of wanted.sort((a, b) => a.rank - b.rank)) {
    left -= one.columns + 1
    if (left < (chosen.size === 0 ? NAME_COLUMNS_LEAST : NAME_COLUMNS_MIN)) break
    chosen.add(one)
  }
  return COLUMNS.filter((one) => chosen.has(one))
}

function rowLine(row: Row, shown: readonly Column[], nameColumns: number, seconds: number): Span[] {
  const line: Span[] = [[cell(row.name, nameColumns), row.kind === 'group' ? 'dim' : undefined]]
  for (const one of shown) {
    const text = ` ${cellRight(one.text(row, seconds), one.columns)}`
    const isAlarm = one.head === 'buried' && (row.states?.buried ?? 0) > 0
    line.push([text, isAlarm ? 'yellow' : undefined])
  }
  return line
}

function moreWords(rows: readonly Row[], moreQueues: number): string {
  const queues = rows.filter(({ kind }) => kind === 'queue').length + moreQueues
  const groups = rows.filter(({ kind }) => kind === 'group').length
  const words: string[] = []
  if (queues > 0) words.push(`${formatCount(queues)} more ${queues === 1 ? 'queue' : 'queues'}`)
  if (groups > 0) words.push(`${formatCount(groups)} more ${groups === 1 ? 'group' : 'groups'}`)
  return words.length === 0 ? '' : `... ${words.join(', ')}`
}
