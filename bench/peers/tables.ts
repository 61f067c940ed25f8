/** The tables of docs/benchmarks.md: rates, latencies, backlogs, reopening, what is left of the raw loop. Pure. */

import {
  type ContenderFacts,
  groupOf,
  isOurs,
  type PeersResults,
  type RateLine,
  type RateWorkload,
  ranOf,
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
function nameCells({ id, durability }: ContenderFacts): string[] {
  const name = `\`${id}\``
  return [isOurs(id) ? `**${name}**` : name, durability]
}

/** Messages a second by how many go together, a table for each size of message. */
export function rateTables(results: PeersResults, workload: RateWorkload): string[] {
  const lines = results.rates.filter((line) => line.workload === workload)
  const sizes = [...new Set(lines.map(({ bytes }) => bytes))].sort((a, b) => a - b)
  return sizes.flatMap((bytes) => {
    const ofSize = lines.filter((line) => line.bytes === bytes)
    const groups = [...new Set(ofSize.map(groupOf))].sort((a, b) => a - b)
    const head = ['contender', 'an answer is', ...groups.map((group) => headOf(ofSize, group))]
    const rows = ranOf(results).flatMap((facts) => {
      const own = ofSize.filter(({ contender }) => contender === facts.id)
      if (own.length === 0) return []
      const cells = groups.map((group) => rateCell(own.find((line) => groupOf(line) === group)))
      return [[...nameCells(facts), ...cells]]
    })
    return [`Messages of ${bytesText(bytes)}, a second:`, '', ...table(head, 2, rows), '']
  })
}

function headOf(lines: readonly RateLine[], group: number): string {
  const line = lines.find((one) => groupOf(one) === group)
  if (line?.batch !== undefined) return `${countText(group)} at a time`
  return line?.inFlight === undefined ? 'rate' : `${countText(group)} in flight`
}

function rateCell(line: RateLine | undefined): string {
  if (line === undefined) return ''
  const [low, high] = line.quartiles
  return `${figureText(line.rate)} (${figureText(low)}-${figureText(high)})`
}

export function latencyTable({ latencies, ...results }: PeersResults): string[] {
  const head = ['contender', 'an answer is', 'what', 'of its maximum', 'offered a second']
  const rows = ranOf({ latencies, ...results }).flatMap((facts) =>
    latencies
      .filter(({ contender }) => contender === facts.id)
      .map((line) => [
        ...nameCells(facts),
        `${line.workload}, ${bytesText(line.bytes)}`,
        `${figureText(line.share * 100)} %`,
        figureText(line.rate),
        ...[line.p50Ms, line.p99Ms, line.p999Ms, line.maxMs].map(millisecondsText),
        line.unfinished === undefined ? '' : `${figureText(line.unfinished)} never done`,
      ]),
  )
  return table([...head, 'p50', 'p99', 'p99.9', 'max', 'does not keep up'], 3, rows)
}

export function backlogTable(results: PeersResults): string[] {
  const head = ['contender', 'an answer is', 'waiting', 'puts a second', 'takes a second']
  const rows = ranOf(results).flatMap((facts) =>
    results.backlogs
      .filter(({ contender }) => contender === facts.id)
      .map(({ waiting, putRate, takeRate, memoryBytes, diskBytes }) => [
        ...nameCells(facts),
        countText(waiting),
        figureText(putRate),
        figureText(takeRate),
        sizeText(memoryBytes),
        sizeText(diskBytes),
      ]),
  )
  return table([...head, 'memory', 'disk'], 2, rows)
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
        countText(groupOf(line)),
        (line.efficiency ?? 0).toFixed(2),
        line.cpu === undefined ? '' : line.cpu.toFixed(2),
      ]),
  )
  const head = ['contender', 'an answer is', 'what', 'together', 'of the raw loop', 'processors']
  return table(head, 3, rows)
}
