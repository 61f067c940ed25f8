/**
 * The table of the lab in docs/guarantees.md, made of the registry and of the recorded runs alone: the same
 * files give the same page, whatever the source is now. Each row names the state of the source that its
 * counts are of.
 */
import { type MachineFacts, type RunResult, type Total, totalOf } from './results.ts'
import type { Trial } from './trial.ts'

export const PAGE = 'docs/guarantees.md'
const BEGIN = '<!-- lab: begin -->'
const END = '<!-- lab: end -->'

/** The page with the table as it should be. */
export function renewed(
  page: string,
  trials: readonly Trial[],
  results: readonly RunResult[],
): string {
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`${PAGE} has no place for the lab's table`)
  const table = tableOf(trials, results).join('\n')
  return `${page.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${page.slice(end)}`
}

function tableOf(trials: readonly Trial[], results: readonly RunResult[]): string[] {
  const rows = trials.map((trial) => rowOf(trial, totalOf(results, trial.name)))
  return [
    '| | promise | rests on | what is done | what it survived | repeat it with |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    ...machinesOf(trials, results),
  ]
}

function rowOf(trial: Trial, total: Total | undefined): string {
  const { letter, name, promise, restsOn, shownBy } = trial
  const survived = total ? survivedOf(total) : 'nothing is recorded'
  const command = `\`npm run lab -- --only ${name}\``
  return `| ${letter} ${name} | ${promise} | ${restsOn} | ${shownBy} | ${survived} | ${command} |`
}

function survivedOf(total: Total): string {
  const { counts, list, failures, state, nextSeed, seconds } = total
  const what = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, times]) => `${figure(times)} ${name}`)
  return [
    ...what,
    ...(list
      ? [
          list.ended
            ? `the whole list of ${figure(list.to)} units`
            : `${figure(list.to)} units of a longer list`,
        ]
      : []),
    ...(nextSeed > 1 ? [`seeds below ${figure(nextSeed)}`] : []),
    failures === 0 ? 'no failure' : `**${figure(failures)} failures**`,
    `${figure(Math.ceil(seconds / 60))} min; state \`${state}\``,
  ].join(', ')
}

/** On what, and when: one line for each machine. */
function machinesOf(trials: readonly Trial[], results: readonly RunResult[]): string[] {
  const totals = trials.flatMap(({ name }) => totalOf(results, name) ?? [])
  if (totals.length === 0) return ['No run of these is recorded yet.']
  const machines = new Set(totals.flatMap((total) => total.machines).map(wordsOf))
  const first = totals.map(({ firstDate }) => firstDate).sort()[0] ?? ''
  const last =
    totals
      .map(({ lastDate }) => lastDate)
      .sort()
      .at(-1) ?? ''
  const days =
    first.slice(0, 10) === last.slice(0, 10)
      ? first.slice(0, 10)
      : `${first.slice(0, 10)} to ${last.slice(0, 10)}`
  return [`Recorded ${days}, on ${[...machines].sort().join('; ')}.`]
}

function wordsOf({ platform, kernel, node, processors, fileSystem }: MachineFacts): string {
  return `${platform}, kernel ${kernel}, Node ${node}, ${processors} processors, ${fileSystem}`
}

function figure(count: number): string {
  return count.toLocaleString('en-US')
}
