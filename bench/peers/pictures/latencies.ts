/** Percentiles of latency, a row for each contender: four marks on a line over a logarithmic scale. */

import type { LatencyLine, PeersResults } from '../result.ts'
import { ranOf } from '../result.ts'
import { millisecondsText, shortText } from '../words.ts'
import { Canvas, TEXT_SIZE, textWidth, WIDTH } from './canvas.ts'
import { labelOf } from './labels.ts'
import { drawHead, drawHeading, EDGE, finished, HEADINGS, type Picture } from './picture.ts'
import { decades, type Scale } from './scale.ts'
import { type Look, looksOf, panelOf } from './style.ts'

export interface LatenciesWanted {
  readonly file: string
  readonly title: string
  readonly lines: readonly LatencyLine[]
  /** Contenders that have no line, since they failed. */
  readonly failed: readonly string[]
  /** A message is done with its take, and not with its put. */
  readonly isOfTakes: boolean
}

const LEFT = EDGE + 8
const RIGHT = WIDTH - EDGE - 12
const ROW = 42
/** Of the line that says what was offered, where that is each one's own. */
const OFFERED = 17
const MARKS = {
  p50: 'M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0Z',
  p99: 'M-4 -4H4V4H-4Z',
  p999: 'M0 -5.5L5 4H-5Z',
  max: 'M-1.5 -7H1.5V7H-1.5Z',
}

/** Undefined where there is nothing to draw. */
export function latenciesPicture(
  results: PeersResults,
  { file, title, lines, failed, isOfTakes }: LatenciesWanted,
): Picture | undefined {
  if (lines.length === 0) return undefined
  const canvas = new Canvas()
  const values = lines.flatMap(({ p50Ms, p99Ms, maxMs }) => [p50Ms, p99Ms, maxMs])
  const x = decades(values, LEFT, RIGHT, 52)
  let top = drawHead(canvas, title, 'Milliseconds on a logarithmic scale; further left is better.')
  top = drawKey(canvas, top)
  const looks = looksOf(results)
  const rowHeight = lines.some(({ share }) => share !== undefined) ? ROW + OFFERED : ROW
  const told: string[] = []
  for (const [panel, heading] of Object.entries(HEADINGS)) {
    const rows = ranOf(results)
      .filter((facts) => panelOf(facts, isOfTakes) === panel)
      .flatMap((facts) => {
        const line = lines.find(({ contender }) => contender === facts.id)
        const look = looks.get(facts.id)
        return line === undefined || look === undefined
          ? []
          : [{ label: labelOf(facts, isOfTakes), line, look }]
      })
    if (rows.length === 0) continue
    drawHeading(canvas, top + 12, panel)
    top += 30
    drawGrid(canvas, x, top, top + rows.length * rowHeight)
    told.push(`${heading}.`)
    for (const { label, line, look } of rows) {
      drawRow(canvas, x, top, label, line, look)
      told.push(sentenceOf(label, line))
      top += rowHeight
    }
    for (const tick of x.ticks) {
      canvas.text(x.place(tick), top + 12, shortText(tick), { anchor: 'middle', as: 'quiet' })
    }
    canvas.text(LEFT, top + 30, 'milliseconds', { as: 'quiet' })
    top += 48
  }
  const failedFacts = ranOf(results).filter(({ id }) => failed.includes(id))
  if (failedFacts.length > 0) {
    canvas.text(EDGE, top + 10, 'Failed here, and has no figure:', { as: 'quiet' })
    top += 18
    for (const facts of failedFacts) {
      const label = labelOf(facts, isOfTakes)
      canvas.text(EDGE, top + 10, label, { as: looks.get(facts.id)?.label ?? 'ink' })
      told.push(`${label}: failed.`)
      top += 18
    }
    top += 12
  }
  const description = ['Milliseconds, on a logarithmic scale.', ...told].join(' ')
  return finished(canvas, file, top, title, description)
}

function drawKey(canvas: Canvas, top: number): number {
  let x = LEFT
  for (const [shape, words, width] of [
    [MARKS.p50, 'p50', 62],
    [MARKS.p99, 'p99', 62],
    [MARKS.p999, 'p99.9', 78],
    [MARKS.max, 'max', 0],
  ] as const) {
    canvas.shape(x, top + 6, shape, 'quiet')
    canvas.text(x + 12, top + 6, words, { as: 'quiet' })
    x += width
  }
  return top + 26
}

function drawGrid(canvas: Canvas, { ticks, place }: Scale, top: number, bottom: number): void {
  for (const tick of ticks) {
    canvas.line(
      [
        [place(tick), top],
        [place(tick), bottom],
      ],
      'grid',
    )
  }
}

function drawRow(
  canvas: Canvas,
  { place }: Scale,
  top: number,
  label: string,
  { p50Ms, p99Ms, p999Ms, maxMs, share, rate }: LatencyLine,
  look: Look,
): void {
  canvas.text(EDGE, top + 10, label, { as: look.label })
  const figure = `p99 ${millisecondsText(p99Ms)}`
  const taken =
    textWidth(label, TEXT_SIZE, look.label.includes('strong')) + textWidth(` ${figure}`, TEXT_SIZE)
  if (taken <= WIDTH - 2 * EDGE)
    canvas.text(WIDTH - EDGE, top + 10, figure, { anchor: 'end', as: 'quiet' })
  if (share !== undefined)
    canvas.text(EDGE, top + 10 + OFFERED, `${shortText(rate)} a second offered`, { as: 'quiet' })
  const y = top + (share === undefined ? 29 : 29 + OFFERED)
  canvas.line(
    [
      [place(p50Ms), y],
      [place(maxMs), y],
    ],
    look.line,
  )
  canvas.shape(place(maxMs), y, MARKS.max, look.marker)
  if (p999Ms !== undefined) canvas.shape(place(p999Ms), y, MARKS.p999, look.marker)
  canvas.shape(place(p99Ms), y, MARKS.p99, look.marker)
  canvas.shape(place(p50Ms), y, MARKS.p50, look.marker)
}

function sentenceOf(label: string, { p50Ms, p99Ms, p999Ms, maxMs, rate }: LatencyLine): string {
  const figures = [
    `p50 ${millisecondsText(p50Ms)}`,
    `p99 ${millisecondsText(p99Ms)}`,
    ...(p999Ms === undefined ? [] : [`p99.9 ${millisecondsText(p999Ms)}`]),
    `max ${millisecondsText(maxMs)}`,
  ]
  return `${label}, ${shortText(rate)} messages/s offered: ${figures.join(', ')}.`
}
