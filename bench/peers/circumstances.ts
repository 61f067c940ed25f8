/** On what and how the figures of docs/benchmarks.md were measured, and what is missing. Pure. */

import { GIVEN_BACK, type MemoryFacts } from './memory.ts'
import { publishedNotes } from './published.ts'
import { type ContenderFacts, type PeersHeader, type PeersResults, ranOf } from './result.ts'
import { cellText, promiseText, SHAPES, table } from './tables.ts'
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
        promiseText(facts),
        ...[
          `${facts.name}, ${facts.kind}, ${SHAPES[facts.shape]}`,
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

function machineText({ header, end }: PeersResults): string {
  const { machine, kernel, fileSystem, node, load, date, commit } = header
  const before = `load of the machine before: ${load.join(', ')}`
  const after =
    end === undefined
      ? '; the run was stopped before its end'
      : `, after: ${end.load.join(', ')}; ${minutesText(end.seconds)} in all`
  const what = `${machine}, ${kernel}, ${fileSystem}, Node ${node}`
  const made = commit === undefined ? '' : `, commit ${commit}`
  return `${what}; ${before}${after}; ${date.slice(0, 10)}${made}.${memoryText(header.memory)}`
}

function memoryText(memory: MemoryFacts | undefined): string {
  if (memory === undefined || memory.touchedBytes === 0) return ''
  const gibibytes = (memory.touchedBytes / 2 ** 30).toFixed(0)
  const touched = ` ${gibibytes} GiB of free memory were touched once before: a virtual machine is given its pages when it first writes to them, and who came first would have paid for all.`
  return memory.isGivenBack ? `${touched} But ${GIVEN_BACK}.` : touched
}

function methodText({ header }: PeersResults): string {
  const { rounds, roundsMin = rounds, runSeconds, seed } = header
  const fewer =
    roundsMin === rounds ? '' : ` (${countText(roundsMin)} of the cells that no bar is about)`
  const each = `${countText(rounds)} rounds${fewer} of ${runSeconds} s a rate and ${latencyRoundsText(header)} behind a run that is not counted`
  return `Every contender has a process of its own. All of them are open for the whole of a cell, each with what its server does meanwhile, and take turns: ${each}, in each round in another order (seed ${seed}); ${leadText(header)}, since whoever waited for its turn is cold. After each turn the file system is synced and rests. For a rate each begins with an empty directory. For latencies of puts, and again for those of the whole way, each begins with one in which its maximum is looked for and all loads follow: ${leftoverText(header)}. So short a run on a fresh directory is not the steady state of weeks. Backlogs are one sample each and take no turns.`
}

/** Results without `latencyRounds` are of runs that were made in another way, and their page says how. */
function isOfOldMethod({ latencyRounds }: PeersHeader): boolean {
  return latencyRounds === undefined
}

function latencyRoundsText(header: PeersHeader): string {
  const { latencyRounds = header.rounds, latencySeconds } = header
  const one = `${latencySeconds} s a latency`
  return isOfOldMethod(header) ? one : `${countText(latencyRounds)} of ${one}`
}

function leadText(header: PeersHeader): string {
  const { leadInSeconds } = header
  if (leadInSeconds === undefined)
    return 'a rate is led in by some tenths of a second that do not count either'
  const how = isOfOldMethod(header) ? 'flat out' : 'of the same load'
  return `each is led in by ${leadInSeconds} s ${how} that do not count either`
}

function leftoverText(header: PeersHeader): string {
  return isOfOldMethod(header)
    ? 'what was put before stays, but before each run of the whole way what is left is taken out'
    : 'before each run what is left of those before is taken out of whoever gives it back'
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
