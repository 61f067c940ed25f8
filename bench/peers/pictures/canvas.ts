/**
 * Writes SVG: shapes, texts and the boxes that texts take up, so that a test can see that none lies on another.
 * Knows no measurement. The same calls give the same bytes. Pure.
 */

import { STYLE } from './style.ts'

/** Of a picture, in its own units. A phone of 390 px shows a picture of this width in a page at 0.92. */
export const WIDTH = 390
/** The smallest text: on that phone 12 px. */
export const TEXT_SIZE = 13
export const LINE_HEIGHT = 16

export interface Box {
  readonly text: string
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

export interface TextOptions {
  readonly size?: number
  readonly anchor?: 'start' | 'middle' | 'end'
  /** Classes of `STYLE`. */
  readonly as?: string
}

export class Canvas {
  readonly boxes: Box[] = []
  readonly #parts: string[] = []

  /** `y` is the middle of the line. */
  text(x: number, y: number, text: string, options: TextOptions = {}): void {
    const { size = TEXT_SIZE, anchor = 'start', as = '' } = options
    const width = textWidth(text, size, as.includes('strong'))
    const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2
    const [top, bottom] = [y - size * 0.55, y + size * 0.55]
    this.boxes.push({ text, left, right: left + width, top, bottom })
    const attributes = [
      `x="${at(x)}" y="${at(y + size * 0.35)}"`,
      ...(size === TEXT_SIZE ? [] : [`font-size="${size}"`]),
      ...(anchor === 'start' ? [] : [`text-anchor="${anchor}"`]),
      ...(as === '' ? [] : [`class="${as}"`]),
    ]
    this.#parts.push(`<text ${attributes.join(' ')}>${escaped(text)}</text>`)
  }

  line(points: readonly (readonly [x: number, y: number])[], as: string, dash = ''): void {
    const path = points.map(([x, y]) => `${at(x)},${at(y)}`).join(' ')
    const dashes = dash === '' ? '' : ` stroke-dasharray="${dash}"`
    this.#parts.push(`<polyline points="${path}" class="${as}"${dashes}/>`)
  }

  rectangle(x: number, y: number, width: number, height: number, as: string): void {
    this.#parts.push(
      `<rect x="${at(x)}" y="${at(y)}" width="${at(width)}" height="${at(height)}" class="${as}"/>`,
    )
  }

  /** A closed shape or strokes, drawn around a point. */
  shape(x: number, y: number, path: string, as: string): void {
    this.#parts.push(`<path d="${path}" transform="translate(${at(x)} ${at(y)})" class="${as}"/>`)
  }

  /** The whole file. `title` and `description` are for those who do not see it. */
  toSvg(height: number, title: string, description: string): string {
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${at(height)}" width="${WIDTH * SHOWN}" height="${at(height * SHOWN)}" role="img" aria-labelledby="title desc">`,
      `<title id="title">${escaped(title)}</title>`,
      `<desc id="desc">${escaped(description)}</desc>`,
      `<style>${STYLE}</style>`,
      `<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${at(height - 1)}" rx="6" class="paper"/>`,
      ...this.#parts,
      '</svg>',
      '',
    ].join('\n')
  }
}

/** How much larger than its own units a wide page shows a picture. */
const SHOWN = 1.4

/** Two digits are finer than any screen; more would only make files differ. */
function at(value: number): string {
  return String(Math.round(value * 100) / 100)
}

export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** Of the widest of the fonts that browsers take for `sans-serif`, so that no reader's text is wider. */
export function textWidth(text: string, size: number, isStrong = false): number {
  let width = 0
  for (const letter of text) width += WIDTHS.find(([letters]) => letters.test(letter))?.[1] ?? 0.62
  return width * size * (isStrong ? 1.1 : 1)
}

/** Shares of the size, of DejaVu Sans. */
const WIDTHS: readonly (readonly [RegExp, number])[] = [
  [/[ .,:;'|·()ijl\-ft]/, 0.37],
  [/[mwMW%]/, 0.96],
  [/[A-Z]/, 0.7],
]
