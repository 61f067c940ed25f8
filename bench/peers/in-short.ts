/** The first table of docs/benchmarks.md: each rate of qlog's in times of the best that is held against it. Pure. */

import { isPeerOf } from './lost-cells.ts'
import { isOurs, type PeersResults, type RateLine, ranOf } from './result.ts'
import { MESSAGE_BYTES } from './scale.ts'
import { headOf, inOrder, table } from './tables.ts'
import { figureText } from './words.ts'

const WORKLOADS = ['put', 'batch', 'drain', 'steady'] as const

/** A row for each cell of the smallest messages that one of qlog's and one held against it have a figure in. */
export function shortTable(results: PeersResults): string[] {
  const ours = ranOf(results).filter(({ id }) => isOurs(id))
  const rows = WORKLOADS.flatMap((workload) => {
    const lines = inOrder(
      results.rates.filter((line) => line.workload === workload && line.bytes === MESSAGE_BYTES),
    )
    const heads = [...new Set(lines.map(headOf))]
    return heads.map((head) => {
      const cell = lines.filter((line) => headOf(line) === head)
      return [`${workload}, ${head}`, ...ours.map((facts) => timesText(results, cell, facts.id))]
    })
  }).filter(([, ...cells]) => cells.some((text) => text !== ''))
  return table(['', ...ours.map(({ id }) => `\`${id}\``)], 1, rows)
}

/** Empty where one of the two has no figure. */
function timesText(results: PeersResults, cell: readonly RateLine[], id: string): string {
  const own = cell.find(({ contender }) => contender === id)
  const best = Math.max(
    ...cell.filter((line) => isPeerOf(results, id, line)).map(({ rate }) => rate),
  )
  return own === undefined || !(best > 0) ? '' : figureText(own.rate / best)
}
