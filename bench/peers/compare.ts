/**
 * `npm run bench -- peers-compare A B`: what became of each rate from run A to run B, each relative to the raw
 * loop of its own run, so that a slower disk or a busier machine is no regression. Absolute times are never
 * compared. Reads two files, prints a table.
 */

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { keyOf, type PeersResults, type RateLine, rawRateOf, resultsOf } from './result.ts'

export const PEERS_COMPARE_USAGE = 'peers-compare A.jsonl B.jsonl [--bound RATIO] [--only PREFIX]'

export interface Compared {
  readonly cell: string
  /** B to A, each of the raw loop of its run. */
  readonly ratio: number
  /** The ratios of the quartiles that lie farthest apart and nearest together. */
  readonly range: readonly [low: number, high: number]
  /** False where the quartiles of both runs overlap: that is noise. */
  readonly isChange: boolean
}

export interface Comparison {
  readonly compared: readonly Compared[]
  readonly onlyInA: readonly string[]
  readonly onlyInB: readonly string[]
}

/** Only cells of contenders whose id begins with `prefix`. */
export function comparisonOf(a: PeersResults, b: PeersResults, prefix = ''): Comparison {
  const cellsOf = (results: PeersResults) =>
    new Map(
      results.rates
        .filter(({ contender }) => contender.startsWith(prefix))
        .map((line) => [keyOf(line), line]),
    )
  const cellsOfA = cellsOf(a)
  const cellsOfB = cellsOf(b)
  const compared = [...cellsOfA].flatMap(([cell, lineOfA]) => {
    const lineOfB = cellsOfB.get(cell)
    return lineOfB === undefined
      ? []
      : [comparedOf(cell, lineOfA, lineOfB, yardstick(a, b, lineOfA))]
  })
  return {
    compared,
    onlyInA: [...cellsOfA.keys()].filter((cell) => !cellsOfB.has(cell)),
    onlyInB: [...cellsOfB.keys()].filter((cell) => !cellsOfA.has(cell)),
  }
}

/** Prints the table; 1 where a ratio is below the bound, 2 where the command line makes no sense. */
export function runPeersCompare(commandArguments: readonly string[]): number {
  const wanted = readArguments(commandArguments)
  if (wanted === undefined) {
    process.stderr.write(`usage: npm run bench -- ${PEERS_COMPARE_USAGE}\n`)
    return 2
  }
  const [a, b] = wanted.files.map((file) => resultsOf(readFileSync(file, 'utf8')))
  if (a === undefined || b === undefined) throw new Error('two files were read')
  const comparison = comparisonOf(a, b, wanted.only)
  if (comparison.compared.length === 0) throw new Error('the two runs have no cell in common')
  console.log(comparisonTable(comparison, wanted.bound).join('\n'))
  return comparison.compared.some(({ ratio }) => ratio < wanted.bound) ? 1 : 0
}

/** Worst first. */
export function comparisonTable(
  { compared, onlyInA, onlyInB }: Comparison,
  bound: number,
): string[] {
  const rows = compared
    .toSorted((a, b) => a.ratio - b.ratio)
    .map(({ cell, ratio, range: [low, high], isChange }) => {
      const judged = ratio < bound ? `**below ${bound}**` : ''
      const spread = `${ratio.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`
      return `| ${cell} | ${spread} | ${isChange ? 'change' : 'noise'} | ${judged} |`
    })
  return [
    '| cell | B to A, each of its raw loop | quartiles | |',
    '| --- | ---: | --- | --- |',
    ...rows,
    '',
    ...onlyInA.map((cell) => `only in A: ${cell}`),
    ...onlyInB.map((cell) => `only in B: ${cell}`),
  ]
}

interface Wanted {
  readonly files: readonly [string, string]
  readonly bound: number
  readonly only: string
}

function readArguments(commandArguments: readonly string[]): Wanted | undefined {
  try {
    return wantedOf(commandArguments)
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
    return undefined
  }
}

function wantedOf(commandArguments: readonly string[]): Wanted | undefined {
  const { values, positionals } = parseArgs({
    args: [...commandArguments],
    allowPositionals: true,
    options: {
      bound: { type: 'string', default: '0' },
      only: { type: 'string', default: '' },
    },
  })
  const [a, b, ...more] = positionals
  const bound = Number(values.bound)
  if (a === undefined || b === undefined || more.length > 0) return undefined
  if (!Number.isFinite(bound) || bound < 0) return undefined
  return { files: [a, b], bound, only: values.only }
}

/** How much faster the raw loop was in B than in A, with groups as near to the cell's as both have. */
function yardstick(a: PeersResults, b: PeersResults, line: RateLine): number {
  const bytes = line.bytes * (line.batch ?? line.inFlight ?? 1)
  const distanceOf = (groupBytes: number) => Math.abs(Math.log(groupBytes / bytes))
  const [nearest] = a.raws
    .map(({ groupBytes }) => groupBytes)
    .filter((groupBytes) => rawRateOf(b, groupBytes) !== undefined)
    .sort((one, other) => distanceOf(one) - distanceOf(other))
  const rateOfA = nearest === undefined ? undefined : rawRateOf(a, nearest)
  const rateOfB = nearest === undefined ? undefined : rawRateOf(b, nearest)
  if (rateOfA === undefined || rateOfB === undefined)
    throw new Error('the two runs have no raw loop in common')
  return rateOfB / rateOfA
}

function comparedOf(cell: string, a: RateLine, b: RateLine, faster: number): Compared {
  const low = b.quartiles[0] / a.quartiles[1] / faster
  const high = b.quartiles[1] / a.quartiles[0] / faster
  return {
    cell,
    ratio: b.rate / a.rate / faster,
    range: [low, high],
    isChange: low > 1 || high < 1,
  }
}
