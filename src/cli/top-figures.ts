/** What `qlog top` knows of a store, and how two looks become rates. Pure. */
import type { QueueStats } from '../index.ts'
import type { StatsDone } from '../server/index.ts'
import { shortRate } from './cells.ts'
import type { Styles } from './output.ts'

/** What a store told at one look. */
export interface TopFigures {
  /** The process that holds it; undefined where none does. */
  readonly pid: number | undefined
  readonly stats: StatsDone
  readonly queues: readonly QueueStats[]
  /** Queues that were not kept. */
  readonly moreQueues: number
}

export interface TopView {
  readonly directory: string
  /** As a clock on the wall shows it. */
  readonly timeOfDay: string
  readonly figures: TopFigures
  /** Of the same opening, or there are no rates. */
  readonly before: TopFigures | undefined
  /** Why the figures are not those of now. */
  readonly trouble: string | undefined
}

/** `rows` may be infinite: then everything is shown. */
export interface TopSize {
  readonly columns: number
  readonly rows: number
}

export type Style = keyof Styles
/** A piece of a line: cut to size before it is coloured. */
export type Span = readonly [text: string, style?: Style | undefined]

/** Of one opening, and one behind the other. */
export function secondsBetween(before: TopFigures | undefined, now: TopFigures): number {
  if (before === undefined || before.pid !== now.pid) return 0
  return Math.max(0, (now.stats.openMs - before.stats.openMs) / 1000)
}

/** A rate in words; a dash where there is none yet. A queue that was made anew counts anew. */
export function rateOf(count: number, seconds: number): string {
  return seconds === 0 ? '-' : shortRate(Math.max(0, count) / seconds)
}
