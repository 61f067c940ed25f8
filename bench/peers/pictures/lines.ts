/**
 * Lines on two logarithmic scales, one panel for each promise and kind, so that a line stands beside those that
 * it may be compared with. A panel without a contender of qlog's shows one of them, flushed, for orientation. Names
 * stand below the plot, the highest end first, so that lines have the whole width.
 */

import { type ContenderFacts, isOurs, type PeersResults, ranOf } from '../result.ts'
import { figureText, shortText } from '../words.ts'
import { Canvas, TEXT_SIZE, textWidth, WIDTH } from './canvas.ts'
import { labelOf } from './labels.ts'
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
  /** What a mark below a point says, where any `isAtMost`. */
  readonly atMostText?: string
  /** By contender, in any order. Values below or at 0 are left out: no logarithm shows them. */
  readonly points: ReadonlyMap<string, readonly Point[]>
}

export interface Point {
  readonly x: number
  readonly y: number
  /** No figure, but a bound: it is less. Drawn at the bound with a mark, and no line goes there. */
  readonly isAtMost?: true
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
const PLOT_RIGHT = WIDTH - EDGE
const PLOT_HEIGHT = 260
/** Of a name below the plot: a piece of its line with a marker on it, then the words. */
const SAMPLE_WIDTH = 34
const NAME_LEFT = EDGE + SAMPLE_WIDTH + 8
const NAME_HEIGHT = 19
/** Points down from a marker. */
const LESS = 'M0 6V13M-3.5 9.5L0 13L3.5 9.5'

/** Undefined where there is nothing to draw; of one place on the x axis alone there is no line, and tables say more. */
export function linesPicture(results: PeersResults, wanted: LinesWanted): Picture | undefined {
  const panels = panelsOf(seriesOf(results, wanted), wanted.isOfTakes)
  const points = panels.flatMap(({ series }) => series.flatMap((one) => one.points))
  if (new Set(points.map(({ x }) => x)).size < 2) return undefined
  const canvas = new Canvas()
  const x = decades(
    points.map((point) => point.x),
    PLOT_LEFT,
    PLOT_RIGHT,
    30,
  )
  const isBound = points.some(({ isAtMost }) => isAtMost)
  const atMost = isBound && wanted.atMostText !== undefined ? ` ${wanted.atMostText}` : ''
  const below = `Both scales are logarithmic; qlog in bold. Beside a name its last point.${atMost}`
  let top = drawHead(canvas, wanted.title, below)
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
  const plotTop = top + 50
  const plotBottom = plotTop + PLOT_HEIGHT
  const y = decades(values, plotBottom, plotTop, 24)
  drawAxes(canvas, x, y, plotTop, plotBottom)
  canvas.text(PLOT_LEFT, plotBottom + 36, xTitle, { as: 'quiet' })
  // qlog's come last, so that they lie on top of the others.
  const isOursLast = (a: Series, b: Series) =>
    Number(isOurs(a.facts.id)) - Number(isOurs(b.facts.id))
  for (const one of series.toSorted(isOursLast)) drawSeries(canvas, one, x, y)
  let nameTop = plotBottom + 52
  for (const one of series.toSorted((a, b) => lastOf(b).y - lastOf(a).y)) {
    drawName(canvas, one, nameTop, labelOf(one.facts, isOfTakes))
    nameTop += NAME_HEIGHT
  }
  return nameTop + 16
}

function lastOf({ points }: Series): Point {
  const last = points.at(-1)
  if (last === undefined) throw new Error('a line without a point')
  return last
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
  const placeOf = (point: Point) => [x.place(point.x), y.place(point.y)] as const
  const measured = points.filter(({ isAtMost }) => !isAtMost).map(placeOf)
  if (measured.length > 1) canvas.line(measured, look.line, look.dash)
  for (const point of points) {
    const [left, top] = placeOf(point)
    canvas.shape(left, top, look.shape, look.marker)
    if (point.isAtMost) canvas.shape(left, top, LESS, `stroke ${look.colour}`)
  }
}

function drawName(canvas: Canvas, series: Series, top: number, label: string): void {
  const { look } = series
  const middle = top + NAME_HEIGHT / 2
  canvas.line(
    [
      [EDGE, middle],
      [EDGE + SAMPLE_WIDTH, middle],
    ],
    look.line,
    look.dash,
  )
  canvas.shape(EDGE + SAMPLE_WIDTH / 2, middle, look.shape, look.marker)
  canvas.text(NAME_LEFT, middle, label, { as: look.label })
  const { x, y, isAtMost } = lastOf(series)
  const figure = `${isAtMost ? '< ' : ''}${shortText(y)} at ${shortText(x)}`
  const taken =
    textWidth(label, TEXT_SIZE, look.label.includes('strong')) + textWidth(` ${figure}`, TEXT_SIZE)
  if (NAME_LEFT + taken <= WIDTH - EDGE)
    canvas.text(WIDTH - EDGE, middle, figure, { anchor: 'end', as: 'quiet' })
}

function descriptionOf(
  { xTitle, yTitle, isOfTakes }: LinesWanted,
  panels: readonly Panel[],
): string {
  const lines = panels.flatMap(({ name, series }) => [
    `${HEADINGS[name] ?? name}.`,
    ...series.map(({ facts, points }) => {
      const figures = points.map(
        ({ x, y, isAtMost }) =>
          `${isAtMost ? 'less than ' : ''}${figureText(y)} at ${figureText(x)}`,
      )
      return `${labelOf(facts, isOfTakes)}: ${figures.join(', ')}.`
    }),
  ])
  return [`${yTitle} over ${xTitle}, both on logarithmic scales.`, ...lines].join(' ')
}
