/** On what and how the figures of docs/benchmarks.md were measured, and what is missing. Pure. */

import { publishedNotes } from './published.ts'
import { type ContenderFacts, type PeersResults, ranOf } from './result.ts'
import { cellText, table } from './tables.ts'
import { countText, minutesText } from './words.ts'

/** The section of the page. */
export function circumstances(results: PeersResults): string[] {
  const { header } = results
  const missing = header.contenders.filter((facts) => facts.missing !== undefined)
  const lines = [
    ...missing.map(({ id, missing: why }) => `* \`${id}\` was left out: ${cellText(why ?? '')}.`),
    ...results.failures.map(
      ({ contender, what, reason }) =>
        `* \`${contender}\` FAILED and has no figure there: ${cellText(what)}: ${cellText(reason)}.`,
    ),
    ...leftOutNotes(results, (what) => !/^(latency|backlog)/.test(what)).filter(
      (line) => line !== '',
    ),
    ...header.contenders.flatMap(({ id, notes }) =>
      notes === undefined ? [] : [`* \`${id}\`: ${cellText(notes)}`],
    ),
    ...publishedNotes(results),
  ]
  return [
    '## On what',
    '',
    machineText(results),
    '',
    methodText(results),
    '',
    ...table(
      ['contender', 'an answer is', 'what', 'version', 'settings', 'as explained in'],
      6,
      ranOf(results).map((facts) => [
        `\`${facts.id}\``,
        durabilityText(facts),
        ...[
          `${facts.name}, ${facts.kind}, ${SHAPE_WORDS[facts.shape]}`,
          facts.version,
          settingsText(facts),
          facts.source,
        ].map(cellText),
      ]),
    ),
    '',
    ...lines,
    ...(lines.length > 0 ? [''] : []),
  ]
}

const SHAPE_WORDS: Readonly<Record<ContenderFacts['shape'], string>> = {
  queue: 'a queue',
  rows: 'rows or keys, of which this benchmark makes a queue',
  log: 'a log',
}

function machineText({ header, end }: PeersResults): string {
  const { machine, kernel, fileSystem, node, load, date } = header
  const before = `load of the machine before: ${load.join(', ')}`
  const after =
    end === undefined
      ? '; the run was stopped before its end'
      : `, after: ${end.load.join(', ')}; ${minutesText(end.seconds)} in all`
  return `${machine}, ${kernel}, ${fileSystem}, Node ${node}; ${before}${after}; ${date.slice(0, 10)}.`
}

function methodText({ header }: PeersResults): string {
  const { rounds, runSeconds, latencySeconds, seed } = header
  return `Every contender has a process of its own. In each cell all of them begin with an empty directory and take turns: ${countText(rounds)} rounds of ${runSeconds} s a rate and ${latencySeconds} s a latency behind a run that is not counted, in each round in another order (seed ${seed}), and after each turn the file system is synced and rests. So short a run on a fresh directory is not the steady state of weeks. Backlogs are one sample each and take no turns.`
}

function durabilityText({ durability, takeDurability }: ContenderFacts): string {
  return takeDurability === undefined ? durability : `${durability}; of a take ${takeDurability}`
}

function settingsText({ settings, env = {} }: ContenderFacts): string {
  return [settings, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)].join('; ')
}

/** What was not measured because of a rule that is the same for all. */
export function leftOutNotes(
  { leftOut }: PeersResults,
  isHere: (what: string) => boolean,
): string[] {
  const lines = leftOut
    .filter(({ what }) => isHere(what))
    .map(
      ({ contender, what, reason }) =>
        `* \`${contender}\` is left out, ${cellText(what)}: ${cellText(reason)}.`,
    )
  return lines.length === 0 ? [] : [...lines, '']
}
