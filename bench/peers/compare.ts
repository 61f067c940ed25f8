/**
 * `npm run bench -- peers-compare A B`: what became of each rate from run A to run B. Where the disk decides, each
 * is relative to the raw loop of its own run, so that a slower disk is no regression; the rest is compared as it
 * is, which says something only of one machine. Reads two files, prints a table.
 */

import { readFileSync } from 'node:fs'
import { readOptions, refuse } from '../command-line.ts'
import {
  factsOf,
  keyOf,
  type PeersResults,
  type RateLine,
  rawRateOf,
  underWayOf,
} from './result.ts'
import { resultsOf } from './results-file.ts'

export const PEERS_COMPARE_USAGE = 'peers-compare A.jsonl B.jsonl [--bound RATIO] [--only PREFIX]'

/** Of the raw loop's rate: from here on it is the disk that decides. */
const DISK_BOUND = 0.3

export interface Compared {
  readonly cell: string
  /** B to A; where the disk decides, each of the raw loop of its run. */
  readonly ratio: number
  readonly isOfRawLoop: boolean
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
    if (lineOfB === undefined) return []
    const isOfRawLoop = isDiskBound(a, lineOfA) && isDiskBound(b, lineOfB)
    const faster = isOfRawLoop ? yardstick(a, b, lineOfA) : 1
    return [{ ...comparedOf(cell, lineOfA, lineOfB, faster), isOfRawLoop }]
  })
  return {
    compared,
    onlyInA: [...cellsOfA.keys()].filter((cell) => !cellsOfB.has(cell)),
    onlyInB: [...cellsOfB.keys()].filter((cell) => !cellsOfA.has(cell)),
  }
}

/** Prints the table; 1 where a ratio is below the bound, 2 where the command line makes no sense. */
export function runPeersCompare(commandArguments: readonly string[]): number {
  const wanted = wantedOf(commandArguments)
  if (typeof wanted === 'string') return refuse(wanted, PEERS_COMPARE_USAGE)
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
    .map(({ cell, ratio, range: [low, high], isChange, isOfRawLoop }) => {
      const judged = ratio < bound ? `**below ${bound}**` : ''
      const spread = `${ratio.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`
      const of = isOfRawLoop ? 'raw loop' : ''
      return `| ${cell} | ${spread} | ${of} | ${isChange ? 'change' : 'noise'} | ${judged} |`
    })
  return [
    '| cell | B to A | each of its | quartiles | |',
    '| --- | ---: | --- | --- | --- |',
    ...rows,
    '',
    ...onlyInA.map((cell) => `only in A: ${cell}`),
    ...onlyInB.map((cell) => `only in B: ${cell}`),
  ]
}

interface Wanted {
  readonly files: readonly string[]
  readonly bound: number
  readonly only: string
}

function wantedOf(commandArguments: readonly string[]): Wanted | string {
  const options = {
    bound: { type: 'string', default: '0' },
    only: { type: 'string', default: '' },
  } as const
  const read = (values: { bound: string; only: string }, files: readonly string[]) => {
    const bound = Number(values.bound)
    if (!Number.isFinite(bound) || bound < 0) return 'a bound is a ratio'
    return { files, bound, only: values.only }
  }
  return readOptions(commandArguments, options, read, 2)
}

/** How much faster the raw loop was in B than in A, with groups as near to the cell's as both have. */
function yardstick(a: PeersResults, b: PeersResults, line: RateLine): number {
  const bytes = line.bytes * underWayOf(line)
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

/** What hardly waits for the disk gets no faster with it. */
function isDiskBound(results: PeersResults, { contender, efficiency = 0 }: RateLine): boolean {
  return factsOf(results, contender).durability === 'flushed' && efficiency > DISK_BOUND
}

function comparedOf(
  cell: string,
  a: RateLine,
  b: RateLine,
  faster: number,
): Omit<Compared, 'isOfRawLoop'> {
  const low = b.quartiles[0] / a.quartiles[1] / faster
  const high = b.quartiles[1] / a.quartiles[0] / faster
  return {
    cell,
    ratio: b.rate / a.rate / faster,
    range: [low, high],
    isChange: low > 1 || high < 1,
  }
}
