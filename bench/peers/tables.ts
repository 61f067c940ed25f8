/** The tables of docs/benchmarks.md: rates, latencies, backlogs, reopening, what is left of the raw loop. Pure. */

import { median } from '../../src/measure/measures.ts'
import {
  type ContenderFacts,
  durabilityOf,
  FLOOR,
  groupOf,
  isOurs,
  type LatencyLine,
  MEMORY_NOISE_BYTES,
  type PeersResults,
  type RateLine,
  type RateWorkload,
  ranOf,
  ranWithFloorOf,
} from './result.ts'
import { bytesText, countText, figureText, millisecondsText, sizeText } from './words.ts'

/** A table of Markdown: the first `words` columns hold words, the others figures. */
export function table(
  head: readonly string[],
  words: number,
  rows: readonly (readonly string[])[],
): string[] {
  const rule = head.map((_, i) => (i < words ? '---' : '---:'))
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`)
}

/** Text from elsewhere, such that a cell of a table shows it as it is. */
export function cellText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('|', '\\|')
    .replaceAll(/\s+/g, ' ')
}

/** 'lmdb', qlog's in bold; every row says beside it what an answer is worth. */
function nameCells(facts: ContenderFacts, isOfTakes = false): string[] {
  const { id } = facts
  if (id === FLOOR) return ['*the measuring itself*', 'nothing is kept']
  const name = `\`${id}\``
  return [isOurs(id) ? `**${name}**` : name, durabilityOf(facts, isOfTakes)]
}

/** 'flushed; of a take memory': where figures of puts and of takes stand in one row. */
export function promiseText({ durability, takeDurability }: ContenderFacts): string {
  return takeDurability === undefined ? durability : `${durability}; of a take ${takeDurability}`
}

/** A queue delivers and hears of the end of a delivery; of the others a queue is made by whoever uses them. */
export const SHAPES: Readonly<Record<ContenderFacts['shape'], string>> = {
  queue: 'a queue',
  rows: 'rows or keys',
  log: 'a log',
}

/** Messages a second by how many go together, a table for each size of message. */
export function rateTables(results: PeersResults, workload: RateWorkload): string[] {
  const lines = results.rates.filter((line) => line.workload === workload)
  const sizes = [...new Set(lines.map(({ bytes }) => bytes))].sort((a, b) => a - b)
  return sizes.flatMap((bytes) => {
    const ofSize = lines.filter((line) => line.bytes === bytes)
    const columns = [...new Set(inOrder(ofSize).map(headOf))]
    const takes = workload === 'drain' || workload === 'steady'
    const words = ['contender', 'an answer is', ...(takes ? ['it is'] : [])]
    const head = [...words, ...columns]
    const rows = ranWithFloorOf(results).flatMap((facts) => {
      const own = ofSize.filter(({ contender }) => contender === facts.id)
      if (own.length === 0) return []
      const cells = columns.map((column) =>
        rateCell(
          own.find((line) => headOf(line) === column),
          results.header.runSeconds,
        ),
      )
      const shape = takes ? [SHAPES[facts.shape]] : []
      return [[...nameCells(facts, takes), ...shape, ...cells]]
    })
    const title = `Messages of ${bytesText(bytes)}, a second:`
    return [title, '', ...table(head, words.length, rows), '']
  })
}

/** Few together before many, one batch under way before several. */
export function inOrder(lines: readonly RateLine[]): RateLine[] {
  return lines.toSorted((a, b) => groupOf(a) - groupOf(b) || (a.batches ?? 1) - (b.batches ?? 1))
}

/** How many go together: '1,000 in flight'. */
export function headOf({ inFlight, batch, batches }: RateLine): string {
  if (batch === undefined)
    return inFlight === undefined ? 'rate' : `${countText(inFlight)} in flight`
  return `${countText(batch)} at a time${batches === undefined ? '' : `, ${batches} under way`}`
}

/** With how long its rounds took, where that was less than half of what they were given. */
function rateCell(line: RateLine | undefined, runSeconds: number): string {
  if (line === undefined) return ''
  const [low, high] = line.quartiles
  const seconds = line.seconds === undefined ? runSeconds : median(line.seconds)
  const short = seconds < runSeconds / 2 ? `, ${figureText(seconds)} s` : ''
  return `${figureText(line.rate)} (${figureText(low)}-${figureText(high)})${short}`
}

/** Where the rate is the same for all, rate by rate, or where it is a share of each one's own maximum. */
export function latencyTable(results: PeersResults, by: 'rate' | 'share'): string[] {
  const lines = results.latencies.filter(({ share }) => (share === undefined) === (by === 'rate'))
  const loads = [...new Set(lines.map(loadOf))].sort((a, b) => a - b)
  const rows = (['put', 'through'] as const).flatMap((workload) =>
    loads.flatMap((load) =>
      ranWithFloorOf(results).flatMap((facts) =>
        lines
          .filter(
            (line) =>
              line.contender === facts.id && line.workload === workload && loadOf(line) === load,
          )
          .map((line) => [...nameCells(facts, workload === 'through'), ...latencyCells(line)]),
      ),
    ),
  )
  if (rows.length === 0) return []
  const head = ['contender', 'an answer is', 'what', 'offered a second', 'p50', 'p99, of rounds']
  return [...table([...head, 'p99.9', 'max', 'messages', ''], 3, rows), '']
}

function loadOf({ share, rate }: LatencyLine): number {
  return share ?? rate
}

function latencyCells(line: LatencyLine): string[] {
  const { workload, bytes, share, rate, p50Ms, p99Ms, p999Ms, maxMs } = line
  const { p99sMs = [], samples, unfinished } = line
  const ofMaximum = share === undefined ? '' : `, ${figureText(share * 100)} % of its maximum`
  const spread =
    p99sMs.length < 2
      ? ''
      : ` (${millisecondsText(Math.min(...p99sMs))}-${millisecondsText(Math.max(...p99sMs))})`
  return [
    `${workload}, ${bytesText(bytes)}${ofMaximum}`,
    figureText(rate),
    millisecondsText(p50Ms),
    `${millisecondsText(p99Ms)}${spread}`,
    p999Ms === undefined ? '' : millisecondsText(p999Ms),
    millisecondsText(maxMs),
    samples === undefined ? '' : countText(samples),
    unfinished === undefined ? '' : `does not keep up: ${figureText(unfinished)} never done`,
  ]
}

export function backlogTable(results: PeersResults): string[] {
  const head = ['contender', 'an answer is', 'waiting', 'puts a second', 'takes a second']
  const rows = ranOf(results).flatMap((facts) =>
    results.backlogs
      .filter(({ contender }) => contender === facts.id)
      .map(({ waiting, putRate, takeRate, memoryBytes, diskBytes }) => [
        ...nameCells(facts).slice(0, -1),
        promiseText(facts),
        countText(waiting),
        figureText(putRate),
        figureText(takeRate),
        memoryBytes < MEMORY_NOISE_BYTES
          ? `< ${sizeText(MEMORY_NOISE_BYTES)}`
          : eachText(memoryBytes, waiting),
        eachText(diskBytes, waiting),
      ]),
  )
  return table([...head, 'memory', 'disk'], 2, rows)
}

/** All together, and a message. */
function eachText(bytes: number, waiting: number): string {
  return `${sizeText(bytes)} (${figureText(bytes / Math.max(1, waiting))} B each)`
}

export function reopenTable(results: PeersResults): string[] {
  const rows = ranOf(results).flatMap((facts) =>
    results.reopenings
      .filter(({ contender }) => contender === facts.id)
      .map(({ waiting, seconds }) => [
        ...nameCells(facts),
        countText(waiting),
        `${figureText(seconds)} s`,
      ]),
  )
  return table(['contender', 'an answer is', 'waiting', 'until the first answer'], 2, rows)
}

export function efficiencyTable(results: PeersResults): string[] {
  const rows = ranOf(results).flatMap((facts) =>
    results.rates
      .filter(({ contender, efficiency }) => contender === facts.id && efficiency !== undefined)
      .map((line) => [
        ...nameCells(facts),
        `${line.workload}, ${bytesText(line.bytes)}`,
        `${line.batches === undefined ? '' : `${line.batches} x `}${countText(groupOf(line))}`,
        (line.efficiency ?? 0).toFixed(2),
        line.cpu === undefined ? '' : line.cpu.toFixed(2),
      ]),
  )
  const head = ['contender', 'an answer is', 'what', 'together', 'of the raw loop', 'processors']
  return table(head, 3, rows)
}
