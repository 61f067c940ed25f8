/** What is left of the raw loop: bars, up to three for each contender, each with its figure at its end. */

import { groupOf, type PeersResults, type RateLine, ranOf } from '../result.ts'
import { MESSAGE_BYTES } from '../scale.ts'
import { countText } from '../words.ts'
import { Canvas } from './canvas.ts'
import { labelOf } from './labels.ts'
import { drawHead, drawHeading, EDGE, finished, HEADINGS, type Picture } from './picture.ts'
import { looksOf, panelOf } from './style.ts'

/** The cells that the bars show: one at a time, many promises, one promise for many. */
const SHOWN: readonly (readonly ['put' | 'batch', number])[] = [
  ['put', 1],
  ['put', 1000],
  ['batch', 1000],
]
const LEFT = EDGE
/** Of the raw loop's rate. */
const ONE = LEFT + 160
/** Whatever does not wait for the disk may be many times faster than a loop that does: such a bar is cut. */
const CUT = 1.15
const BAR = 12
const TITLE = 'What is left of the raw disk loop, messages of 100 B'

/** Undefined where there is nothing to draw. */
export function efficienciesPicture(results: PeersResults): Picture | undefined {
  if (shownOf(results.rates).length === 0) return undefined
  const canvas = new Canvas()
  let top = drawHead(
    canvas,
    TITLE,
    'Share of the rate of a loop in C that writes and flushes the same bytes: the line stands at 1. A bar with a point is cut.',
  )
  const looks = looksOf(results)
  const told: string[] = []
  for (const [panel, heading] of Object.entries(HEADINGS)) {
    const rows = ranOf(results)
      .filter((facts) => panelOf(facts) === panel)
      .map((facts) => ({
        facts,
        lines: shownOf(results.rates).filter(({ contender }) => contender === facts.id),
      }))
      .filter(({ lines }) => lines.length > 0)
    if (rows.length === 0) continue
    drawHeading(canvas, top + 12, panel)
    top += 32
    told.push(`${heading}.`)
    for (const { facts, lines } of rows) {
      const look = looks.get(facts.id)
      canvas.text(LEFT, top + 6, labelOf(facts), { as: look?.label ?? 'ink' })
      top += 18
      const first = top
      for (const line of lines) {
        drawBar(canvas, top, line, look?.label.includes('strong') ? 'f0' : 'bar')
        top += BAR + 5
      }
      canvas.line(
        [
          [ONE, first - 2],
          [ONE, top - 3],
        ],
        'axis',
      )
      told.push(`${labelOf(facts)}: ${lines.map(figureOf).join(', ')}.`)
      top += 8
    }
    top += 8
  }
  const description = ['Share of the raw loop.', ...told].join(' ')
  return finished(canvas, 'efficiency.svg', top, TITLE, description)
}

function shownOf(rates: readonly RateLine[]): RateLine[] {
  return SHOWN.flatMap(([workload, group]) =>
    rates.filter(
      (line) =>
        line.efficiency !== undefined &&
        line.batches === undefined &&
        line.bytes === MESSAGE_BYTES &&
        line.workload === workload &&
        groupOf(line) === group,
    ),
  )
}

function drawBar(canvas: Canvas, top: number, line: RateLine, as: string): void {
  const efficiency = line.efficiency ?? 0
  const width = Math.max(1, Math.min(efficiency, CUT) * (ONE - LEFT))
  canvas.rectangle(LEFT, top, width, BAR, as)
  if (efficiency > CUT) canvas.shape(LEFT + width, top, `M0 0L7 ${BAR / 2}L0 ${BAR}Z`, as)
  // Beside the line at 1 rather than on it.
  const left = LEFT + Math.max(width + (efficiency > CUT ? 13 : 6), ONE - LEFT + 6)
  canvas.text(left, top + BAR / 2, figureOf(line))
}

function figureOf(line: RateLine): string {
  const share = (line.efficiency ?? 0).toPrecision(2)
  const group = groupOf(line)
  if (line.workload === 'batch') return `${share} · batches of ${countText(group)}`
  return `${share} · ${group === 1 ? 'one at a time' : `${countText(group)} in flight`}`
}
