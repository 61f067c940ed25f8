/** Tables of the store's results, for a terminal and for docs/decisions: made from JSON lines. Pure. */

import type { Bar, Figure, StoreResult } from './result.ts'

/** Markdown from the output of `store --json`: a line about the machine, then the table. */
export function storeTableOf(
  header: Readonly<Record<string, unknown>>,
  results: readonly StoreResult[],
): string {
  const { machine, kernel, fileSystem, node, peer, load, date } = header
  const [loadBefore] = Array.isArray(load) ? load : []
  const about =
    `${machine}, ${kernel}, ${fileSystem}, Node ${node}; ` +
    `${peer === undefined ? 'without its peer' : `beside ${peer}`}; medians, in brackets the ` +
    `quartiles; load of the machine before: ${loadBefore}; ${String(date).slice(0, 10)}.`
  const head = ['case', 'messages', 'runs', 'figure', 'value', 'bar', '']
  const lines = [head, head.map((_, i) => (i === 0 || i === 3 ? '---' : '---:'))]
  for (const { case: name, messages, runs, figures } of results) {
    for (const [row, figure] of figures.entries()) {
      const first = [`\`${name}\``, messages.toLocaleString('en-US'), String(runs)]
      lines.push([...(row === 0 ? first : ['', '', '']), ...cellsOf(figure)])
    }
  }
  return `${about}\n\n${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`
}

/** For people at a terminal. */
export function storeRows({ case: name, messages, runs, figures }: StoreResult): string[] {
  const head = `${name}: ${messages.toLocaleString('en-US')} messages, ${runs} runs`
  const rows = figures.map((figure) => {
    const [title = '', value = '', bar = '', met = ''] = cellsOf(figure)
    return `  ${title.padEnd(36)}${value.padStart(38)}  ${bar.padEnd(10)}${met}`.trimEnd()
  })
  return [head, ...rows]
}

function cellsOf({ name, value, unit, quartiles, bar }: Figure): string[] {
  const words = unit === 'ratio' || unit === 'share' ? '' : ` ${unit}`
  const spread = quartiles ? ` (${quartiles.map(shown).join('-')})` : ''
  const met = bar === undefined ? '' : bar.met ? 'met' : 'missed'
  return [name, `${shown(value)}${words}${spread}`, limitOf(bar), met]
}

function limitOf(bar: Bar | undefined): string {
  if (bar?.atLeast !== undefined) return `>= ${bar.atLeast}`
  if (bar?.atMost !== undefined) return `<= ${bar.atMost}`
  return ''
}

function shown(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 })
}
