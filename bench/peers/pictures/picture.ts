/** A finished picture, and the head that all of them have. */

import { type Box, type Canvas, LINE_HEIGHT, TEXT_SIZE, textWidth, WIDTH } from './canvas.ts'

export interface Picture {
  /** Below docs/images/benchmarks. */
  readonly file: string
  /** What the picture is of, in one sentence. */
  readonly alt: string
  readonly svg: string
  /** What its texts take up, for tests. */
  readonly boxes: readonly Box[]
  readonly height: number
}

export const EDGE = 14
const TITLE_SIZE = 17
/** Of the headings between panels. */
const HEADING_SIZE = 15

/** Draws the title and what stands under it; gives where the rest may begin. */
export function drawHead(canvas: Canvas, title: string, below: string): number {
  let y = 24
  for (const line of brokenLines(title, TITLE_SIZE, true)) {
    canvas.text(EDGE, y, line, { size: TITLE_SIZE, as: 'ink strong' })
    y += 21
  }
  for (const line of brokenLines(below, TEXT_SIZE, false)) {
    canvas.text(EDGE, y, line, { as: 'quiet' })
    y += LINE_HEIGHT
  }
  return y + 6
}

/** What a panel or a group of rows is of: 'Flushed before the answer · servers'. */
export function drawHeading(canvas: Canvas, y: number, panel: string): void {
  canvas.line(
    [
      [EDGE, y - 12],
      [WIDTH - EDGE, y - 12],
    ],
    'grid',
  )
  canvas.text(EDGE, y + 2, HEADINGS[panel] ?? panel, { size: HEADING_SIZE, as: 'ink strong' })
}

/** In the order in which they stand. */
export const HEADINGS: Readonly<Record<string, string>> = {
  'flushed, embedded': 'Flushed before the answer · embedded',
  'flushed, server': 'Flushed before the answer · servers',
  'flushed later, embedded': 'Flushed later, by a clock · embedded',
  'flushed later, server': 'Flushed later, by a clock · servers',
  'kernel, embedded': 'Left to the kernel · embedded',
  'kernel, server': 'Left to the kernel · servers',
  'memory, embedded': 'In the memory of its process · embedded',
  'memory, server': 'In the memory of its process · servers',
}

export function finished(
  canvas: Canvas,
  file: string,
  height: number,
  alt: string,
  description: string,
): Picture {
  return { file, alt, svg: canvas.toSvg(height, alt, description), boxes: canvas.boxes, height }
}

function brokenLines(text: string, size: number, isStrong: boolean): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    const longer = last === undefined ? word : `${last} ${word}`
    if (last !== undefined && textWidth(longer, size, isStrong) <= WIDTH - 2 * EDGE)
      lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}
