/**
 * How contenders look, in light and dark: colours that people who tell few colours apart can tell apart (after
 * Okabe and Ito), and a marker and a dash beside each, so that none is told by its colour alone. Pure.
 */

import { type ContenderFacts, durabilityOf, isOurs, type PeersResults } from '../result.ts'

export interface Look {
  /** Classes for lines and for markers. */
  readonly line: string
  readonly marker: string
  /** Class for other strokes. */
  readonly colour: string
  /** For the label's text. */
  readonly label: string
  readonly dash: string
  /** A path around 0,0. */
  readonly shape: string
}

/** Light paper, dark paper. qlog's first. */
const COLOURS: readonly (readonly [light: string, dark: string])[] = [
  ['#0550ae', '#6cb6ff'],
  ['#b35900', '#f0a03c'],
  ['#00735c', '#3ecfa6'],
  ['#a03f86', '#e59fd0'],
  ['#57606a', '#b6bfc9'],
  ['#6f6400', '#ddd366'],
  ['#b03a22', '#ff8f73'],
]

/** The paper is drawn, not left transparent: a page may be dark where the system is light. */
const PAPERS = {
  light: { paper: '#ffffff', edge: '#d0d7de', ink: '#1f2328', quiet: '#57606a', grid: '#e3e7eb' },
  dark: { paper: '#0d1117', edge: '#3d444d', ink: '#f0f6fc', quiet: '#a3adb8', grid: '#272d36' },
}

export const STYLE = [
  'text{font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;font-size:13px}',
  'text[font-size="15"]{font-size:15px}text[font-size="17"]{font-size:17px}',
  '.strong{font-weight:700}.line,.grid,.axis,.stroke{fill:none}',
  '.line{stroke-width:1.6;stroke-linejoin:round}.ours{stroke-width:3.2}',
  '.grid,.axis{stroke-width:1}.stroke{stroke-width:1.6}',
  ...coloursOf(0),
  '@media (prefers-color-scheme:dark){',
  ...coloursOf(1),
  '}',
].join('')

const SHAPES = [
  'M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z',
  'M-3.6 -3.6H3.6V3.6H-3.6Z',
  'M0 -4.8L4.6 3.6H-4.6Z',
  'M0 -5L5 0L0 5L-5 0Z',
  'M0 4.8L4.6 -3.6H-4.6Z',
  'M-1.6 -4.6H1.6V-1.6H4.6V1.6H1.6V4.6H-1.6V1.6H-4.6V-1.6H-1.6Z',
]
const DASHES = ['', '7 3', '2 3', '9 3 2 3', '4 2', '1 2']

/**
 * Of every contender, those that were left out too, so that one looks the same whoever else ran. Within a panel,
 * of puts or of takes, no two look alike.
 */
export function looksOf({ header }: PeersResults): ReadonlyMap<string, Look> {
  const used = new Map<string, Set<number>>()
  return new Map(
    header.contenders.map((facts) => {
      const panels = isOurs(facts.id) ? ['ours'] : [panelOf(facts), panelOf(facts, true)]
      let index = 0
      while (panels.some((panel) => used.get(panel)?.has(index))) index++
      for (const panel of panels) used.set(panel, new Set(used.get(panel)).add(index))
      return [facts.id, lookOf(isOurs(facts.id), index)]
    }),
  )
}

/** Contenders that stand together: the same promise, reached in the same way. */
export function panelOf(facts: ContenderFacts, isOfTakes = false): string {
  return `${durabilityOf(facts, isOfTakes)}, ${facts.kind}`
}

function lookOf(isOurs: boolean, index: number): Look {
  const colour = isOurs ? 0 : 1 + (index % (COLOURS.length - 1))
  return {
    line: `line c${colour}${isOurs ? ' ours' : ''}`,
    marker: `f${colour}`,
    colour: `c${colour}`,
    label: isOurs ? 'ink strong' : 'ink',
    dash: DASHES[index % DASHES.length] ?? '',
    shape: SHAPES[index % SHAPES.length] ?? '',
  }
}

function coloursOf(theme: 0 | 1): string[] {
  const { paper, edge, ink, quiet, grid } = theme === 0 ? PAPERS.light : PAPERS.dark
  return [
    `.paper{fill:${paper};stroke:${edge}}.ink,text{fill:${ink}}.quiet{fill:${quiet}}`,
    `.grid{stroke:${grid}}.axis{stroke:${quiet}}.bar{fill:${quiet}}`,
    ...COLOURS.map((colour, i) => `.c${i}{stroke:${colour[theme]}}.f${i}{fill:${colour[theme]}}`),
  ]
}
