/** Numbers and tables as people read them. Pure. */

/** Made when it is used first: it takes longer to make than most commands take. */
let counts: Intl.NumberFormat | undefined

/** 1234567 -> '1,234,567'. */
export function formatCount(count: number): string {
  counts ??= new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
  return counts.format(count)
}

/** 1234567 -> '1.2 MB' (decimal units, as disks are sold). */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return unit === 0 ? plural(value, 'byte') : `${value.toFixed(1)} ${units[unit]}`
}

/** 0.1234 -> '123 µs', 12.34 -> '12.3 ms', 1234 -> '1.23 s'. */
export function formatMs(milliseconds: number): string {
  if (milliseconds < 1) return `${Math.round(milliseconds * 1000)} µs`
  if (milliseconds < 10) return `${milliseconds.toFixed(2)} ms`
  if (milliseconds < 1000) return `${milliseconds.toFixed(1)} ms`
  return `${(milliseconds / 1000).toFixed(2)} s`
}

/** Things done in a time, as a count a second. */
export function ratePerSecond(count: number, milliseconds: number): number {
  return milliseconds <= 0 ? 0 : (count * 1000) / milliseconds
}

/** 1 message, 2 messages. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

/** A row of a table of figures: what, how much, and what to know about it. */
export type FigureRow = readonly [label: string, value: string, note?: string]

/** Labels flush left, values flush right, notes behind them; each line ends with a newline. */
export function formatFigures(rows: readonly FigureRow[]): string {
  return formatSections([{ rows }])
}

/** Rows that belong together, below a line that says what they have in common. */
export interface FigureSection {
  readonly title?: string
  readonly rows: readonly FigureRow[]
}

/** Several such tables whose columns stand below each other. */
export function formatSections(sections: readonly FigureSection[]): string {
  const all = sections.flatMap(({ rows }) => rows)
  const labelWidth = Math.max(...all.map(([label]) => label.length))
  const valueWidth = Math.max(...all.map(([, value]) => value.length))
  const lineOf = ([label, value, note]: FigureRow): string => {
    const line = `  ${label.padEnd(labelWidth)}  ${value.padStart(valueWidth)}`
    return note === undefined ? `${line}\n` : `${line}  ${note}\n`
  }
  return sections
    .map(({ title, rows }) => (title === undefined ? '' : `${title}\n`) + rows.map(lineOf).join(''))
    .join('\n')
}

/** Columns under their heads, those named in `figures` flush right; each line ends with a newline. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  figures: ReadonlySet<string>,
): string {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all
    .map((row) => {
      const cells = row.map((cell, column) => {
        const width = widths[column] ?? 0
        return figures.has(head[column] ?? '') ? cell.padStart(width) : cell.padEnd(width)
      })
      return `${cells.join('  ').trimEnd()}\n`
    })
    .join('')
}

/** 1732566376000 -> '2024-11-25 20:26:16 UTC'. A file may name a time that no calendar has. */
export function formatTime(timeMs: number): string {
  const date = new Date(timeMs)
  if (Number.isNaN(date.getTime())) return String(timeMs)
  return `${date.toISOString().replace('T', ' ').slice(0, -'.000Z'.length)} UTC`
}

/** 0.1234 -> '12 %'; what is not quite nothing or everything is not called so. */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.01) return 'below 1 %'
  if (share > 0.99 && share < 1) return 'above 99 %'
  return `${Math.round(share * 100)} %`
}

/** Breaks words into lines of at most `width`; lines after the first begin with `indent` spaces. */
export function wrapWords(text: string, width: number, indent: number): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const start = lines.length === 0 ? '' : ' '.repeat(indent)
    if (line === '') line = start + word
    else if (line.length + 1 + word.length <= width) line += ` ${word}`
    else {
      lines.push(line)
      line = ' '.repeat(indent) + word
    }
  }
  lines.push(line)
  return lines.join('\n')
}

/** Control characters as \xNN, so that no name or message can move a terminal's cursor. */
export function escapeControl(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not pass.
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}
