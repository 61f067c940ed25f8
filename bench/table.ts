/** The table of docs/decisions that belongs to a run: made from its JSON lines, never by hand. Pure. */

import type { Result } from './result.ts'
import type { StoreResult } from './store/result.ts'
import { storeTableOf } from './store/table.ts'

const HEAD = [
  'case',
  'variant',
  'messages/s',
  'of C',
  'of bare',
  'p50 / p99 ms',
  'messages a group',
  'loop p99 ms',
]

/** Markdown from the output of `efficiency --json`, `store --json` or `serve --json`: a line about the machine, then the table. */
export function tableOf(jsonLines: string): string {
  const lines = jsonLines.split('\n').filter((line) => line.startsWith('{'))
  const [header, ...results] = lines.map((line): unknown => JSON.parse(line))
  const about = header as Record<string, unknown>
  if (about['bench'] === 'store' || about['bench'] === 'serve')
    return storeTableOf(about, results.filter(isOfStore))
  const rows = results.map((result) => cellsOf(result as Result))
  const table = [HEAD, HEAD.map((_, i) => (i < 2 ? '---' : '---:')), ...rows]
  const body = table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  return `${aboutOf(about)}\n\n${body}\n`
}

/** Several runs may stand in one file: their headers are passed over. */
function isOfStore(line: unknown): line is StoreResult {
  return Array.isArray(Reflect.get(Object(line), 'figures'))
}

function aboutOf(header: Record<string, unknown>): string {
  const { machine, kernel, fileSystem, node, pairs, load, date } = header
  const [loadBefore] = Array.isArray(load) ? load : []
  return (
    `${machine}, ${kernel}, ${fileSystem}, Node ${node}; medians of ${pairs} pairs, in brackets the ` +
    `quartiles; load of the machine before: ${loadBefore}; ${String(date).slice(0, 10)}.`
  )
}

function cellsOf(result: Result): string[] {
  const { efficiencyQuartiles, loopDelayP99Ms, space, variant, groupMessages, bytesRate } = result
  const [low, high] = efficiencyQuartiles
  const gigabytes = bytesRate === undefined ? '' : ` (${(bytesRate / 1e9).toFixed(2)} GB/s)`
  return [
    `\`${result.case}\``,
    space === undefined ? variant : `${variant}, ${space}`,
    `${Math.round(result.rate).toLocaleString('en-US')}${gigabytes}`,
    `${result.efficiency.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`,
    result.ofBare.toFixed(2),
    `${result.p50Ms} / ${result.p99Ms}`,
    groupMessages === undefined ? '' : groupMessages.toLocaleString('en-US'),
    loopDelayP99Ms === undefined ? '' : String(loopDelayP99Ms),
  ]
}
