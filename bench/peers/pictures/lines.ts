/**
 * Lines on two logarithmic scales, one panel for each promise and kind, so that a line stands beside those that
 * it may be compared with. A panel without a contender of qlog's shows one of them, flushed, for orientation.
 */

import { type ContenderFacts, isOurs, type PeersResults, ranOf } from '../result.ts'
import { figureText, shortText } from '../words.ts'
import { Canvas, LINE_HEIGHT, WIDTH } from './canvas.ts'
import { heightOf, labelLines, labelOf, pushedApart } from './labels.ts'
import { drawHead, drawHeading, EDGE, finished, HEADINGS, type Picture } from './picture.ts'
import { decades, type Scale } from './scale.ts'
import { type Look, looksOf, panelOf } from './style.ts'

export interface LinesWanted {
  readonly file: string
  readonly title: string
  readonly xTitle: string
  readonly yTitle: string
  /** Of takes, and not of what was put. Absent: false. */
  readonly isOfTakes?: boolean
  /** By contender, in any order. Values below or at 0 are left out: no logarithm shows them. */
  readonly points: ReadonlyMap<string, readonly Point[]>
}

export interface Point {
  readonly x: number
  readonly y: number
}

interface Series {
  readonly facts: ContenderFacts
  readonly look: Look
  readonly points: readonly Point[]
}

interface Panel {
  readonly name: string
  readonly series: readonly Series[]
}

const PLOT_LEFT = 48
const PLOT_RIGHT = 200
const PLOT_HEIGHT_MIN = 200
const LABEL_MARKER = PLOT_RIGHT + 15
const LABEL_LEFT = LABEL_MARKER + 9
const LABEL_WIDTH = WIDTH - 5 - LABEL_LEFT

/** Undefined where there is nothing to draw. */
export function linesPicture(results: PeersResults, wanted: LinesWanted): Picture | undefined {
  const panels = panelsOf(seriesOf(results, wanted), wanted.isOfTakes)
  const points = panels.flatMap(({ series }) => series.flatMap((one) => one.points))
  if (points.length === 0) return undefined
  const canvas = new Canvas()
  const x = decades(
    points.map((point) => point.x),
    PLOT_LEFT,
    PLOT_RIGHT,
    30,
  )
  let top = drawHead(canvas, wanted.title, 'Both scales are logarithmic; qlog in bold.')
  const values = points.map((point) => point.y)
  for (const { name, series } of panels) {
    top = drawPanel(canvas, top, name, series, wanted, x, values)
  }
  return finished(canvas, wanted.file, top, wanted.title, descriptionOf(wanted, panels))
}

function seriesOf(results: PeersResults, { points }: LinesWanted): Series[] {
  const looks = looksOf(results)
  return ranOf(results).flatMap((facts) => {
    const look = looks.get(facts.id)
    const shown = (points.get(facts.id) ?? [])
      .filter(({ x, y }) => x > 0 && y > 0)
      .toSorted((a, b) => a.x - b.x)
    return look === undefined || shown.length === 0 ? [] : [{ facts, look, points: shown }]
  })
}

function panelsOf(series: readonly Series[], isOfTakes = false): Panel[] {
  return Object.keys(HEADINGS).flatMap((name) => {
    const own = series.filter(({ facts }) => panelOf(facts, isOfTakes) === name)
    if (own.length === 0) return []
    if (own.some(({ facts }) => isOurs(facts.id))) return [{ name, series: own }]
    const ours = series.filter(({ facts }) => isOurs(facts.id))
    const sameKind = ours.find(({ facts }) => name.endsWith(facts.kind))
    const [reference = sameKind] = sameKind === undefined ? ours : [sameKind]
    return [{ name, series: reference === undefined ? own : [reference, ...own] }]
  })
}

/** Gives where the next may begin. */
function drawPanel(
  canvas: Canvas,
  top: number,
  name: string,
  series: readonly Series[],
  { xTitle, yTitle, isOfTakes = false }: LinesWanted,
  x: Scale,
  values: readonly number[],
): number {
  drawHeading(canvas, top + 12, name)
  canvas.text(EDGE, top + 32, yTitle, { as: 'quiet' })
  const labels = series.map(({ facts, look }) =>
    labelLines(facts, isOfTakes, { width: LABEL_WIDTH, isStrong: look.label.includes('strong') }),
  )
  const heights = labels.map(heightOf)
  const plotTop = top + 50
  const needed = heights.reduce((sum, height) => sum + height, 0)
  const plotBottom = plotTop + Math.max(PLOT_HEIGHT_MIN, needed)
  const y = decades(values, plotBottom, plotTop, 24)
  drawAxes(canvas, x, y, plotTop, plotBottom)
  canvas.text(PLOT_LEFT, plotBottom + 36, xTitle, { as: 'quiet' })
  const ends = series.map(({ points }, i) => {
    const last = points.at(-1)
    if (last === undefined) throw new Error('a line without a point')
    return { x: x.place(last.x), y: y.place(last.y), height: heights[i] ?? 0 }
  })
  const middles = pushedApart(ends, plotTop, plotBottom)
  // qlog's come last, so that they lie on top of the others.
  const order = series
    .map((_, i) => i)
    .sort((a, b) => Number(isOursAt(series, a)) - Number(isOursAt(series, b)))
  for (const i of order) {
    const [one, end, middle] = [series[i], ends[i], middles[i]]
    if (one === undefined || end === undefined || middle === undefined) continue
    drawSeries(canvas, one, x, y)
    canvas.line(
      [
        [end.x, end.y],
        [Math.max(end.x, PLOT_RIGHT + 2), end.x < PLOT_RIGHT - 1 ? middle : end.y],
        [LABEL_MARKER, middle],
      ],
      `leader ${one.look.line.split(' ')[1]}`,
      '1 3',
    )
    drawLabel(canvas, one.look, labels[i] ?? [], middle)
  }
  return plotBottom + 58
}

function isOursAt(series: readonly Series[], index: number): boolean {
  return isOurs(series[index]?.facts.id ?? '')
}

function drawAxes(canvas: Canvas, x: Scale, y: Scale, top: number, bottom: number): void {
  for (const tick of y.ticks) {
    const place = y.place(tick)
    canvas.line(
      [
        [PLOT_LEFT, place],
        [PLOT_RIGHT, place],
      ],
      'grid',
    )
    canvas.text(PLOT_LEFT - 6, place, shortText(tick), { anchor: 'end', as: 'quiet' })
  }
  for (const tick of x.ticks) {
    const place = x.place(tick)
    canvas.line(
      [
        [place, top],
        [place, bottom],
      ],
      'grid',
    )
    canvas.text(place, bottom + 17, shortText(tick), { anchor: 'middle', as: 'quiet' })
  }
  canvas.line(
    [
      [PLOT_LEFT, top],
      [PLOT_LEFT, bottom],
      [PLOT_RIGHT, bottom],
    ],
    'axis',
  )
}

function drawSeries(canvas: Canvas, { look, points }: Series, x: Scale, y: Scale): void {
  const places = points.map((point) => [x.place(point.x), y.place(point.y)] as const)
  if (places.length > 1) canvas.line(places, look.line, look.dash)
  for (const [left, top] of places) canvas.shape(left, top, look.shape, look.marker)
}

function drawLabel(canvas: Canvas, look: Look, lines: readonly string[], middle: number): void {
  canvas.shape(LABEL_MARKER, middle, look.shape, look.marker)
  const first = middle - ((lines.length - 1) * LINE_HEIGHT) / 2
  for (const [i, line] of lines.entries()) {
    canvas.text(LABEL_LEFT, first + i * LINE_HEIGHT, line, { as: look.label })
  }
}

function descriptionOf(
  { xTitle, yTitle, isOfTakes }: LinesWanted,
  panels: readonly Panel[],
): string {
  const lines = panels.flatMap(({ name, series }) => [
    `${HEADINGS[name] ?? name}.`,
    ...series.map(({ facts, points }) => {
      const figures = points.map(({ x, y }) => `${figureText(y)} at ${figureText(x)}`)
      return `${labelOf(facts, isOfTakes)}: ${figures.join(', ')}.`
    }),
  ])
  return [`${yTitle} over ${xTitle}, both on logarithmic scales.`, ...lines].join(' ')
}
