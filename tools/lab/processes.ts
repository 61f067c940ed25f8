/**
 * The seeds of one trial shared between processes, one seed at a time, so that what was done is one range
 * without a hole. The list stays with the first process: its stretches are costly to make.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { type Outcome, type Plan, runTrial } from './run-trial.ts'
import type { Trial } from './trial.ts'

/** What the command line of such a process begins with. */
export const SHARE = '--share-of'

/** From a process that shares: it wants a seed, or is done. */
type Word = { readonly kind: 'ask' } | { readonly kind: 'done'; readonly outcome: Outcome }

/** Runs the trial in so many processes, this one among them; `start` starts one that calls {@link share}. */
export async function runInProcesses(
  trial: Trial,
  plan: Plan,
  processes: number,
  start = startShare,
): Promise<Outcome> {
  if (processes === 1 || plan.seedFrom === undefined) return runTrial(trial, plan)
  const endMs = performance.now() + plan.seconds * 1000
  const seeds = new Seeds(plan.seedFrom, endMs)
  const others = Array.from({ length: processes - 1 }, () =>
    outcomeOf(start(trial, plan.seconds), trial, plan.seconds, seeds),
  )
  const own = runTrial(trial, { ...plan, nextSeed: () => Promise.resolve(seeds.next()) })
  const [first, ...rest] = await Promise.all([own, ...others])
  const all = [first, ...rest]
  return {
    ...first,
    seeds: { from: plan.seedFrom, to: seeds.given },
    counts: sums(all.map(({ counts }) => counts)),
    failures: all.flatMap(({ failures }) => failures),
  }
}

/** What a process does that {@link runInProcesses} started. */
export async function share(trial: Trial, seconds: number): Promise<void> {
  const nextSeed = async (): Promise<number | undefined> => {
    const answer = new Promise<unknown>((resolve) => process.once('message', resolve))
    say({ kind: 'ask' })
    const seed = await answer
    return typeof seed === 'number' ? seed : undefined
  }
  const plan = { seconds, listFrom: undefined, seedFrom: 0, unitsMax: Number.POSITIVE_INFINITY }
  const outcome = await runTrial(trial, { ...plan, nextSeed })
  say({ kind: 'done', outcome })
  process.disconnect()
}

class Seeds {
  /** Behind the last one that was given. */
  given: number
  readonly #endMs: number

  constructor(from: number, endMs: number) {
    this.given = from
    this.#endMs = endMs
  }

  next(): number | undefined {
    return performance.now() < this.#endMs ? this.given++ : undefined
  }
}

function startShare({ name }: Trial, seconds: number): ChildProcess {
  const [, main = ''] = process.argv
  return fork(main, [SHARE, name, String(seconds)])
}

function outcomeOf(
  child: ChildProcess,
  trial: Trial,
  seconds: number,
  seeds: Seeds,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let last: number | undefined
    let outcome: Outcome | undefined
    child.on('message', (word: Word) => {
      if (word.kind === 'done') {
        outcome = word.outcome
        return
      }
      last = seeds.next()
      child.send(last ?? 'none')
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      resolve(outcome ?? lost(trial, child, `${code ?? signal}`, last, seconds))
    })
  })
}

/** A process that did not come to its end: that is a failure like any other. */
function lost(
  trial: Trial,
  child: ChildProcess,
  how: string,
  seed: number | undefined,
  seconds: number,
): Outcome {
  const where = seed === undefined ? '' : ` --seed ${seed}`
  const command = `npm run lab -- --only ${trial.name}${where} --units 1`
  const failure = `process ${child.pid} ended with ${how}\nrepeat it with: ${command}`
  console.error(`lab ${trial.name} FAILED: ${failure}`)
  return { seconds, counts: {}, failures: [failure] }
}

function sums(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total = new Map<string, number>()
  for (const counts of all) {
    for (const [what, times] of Object.entries(counts)) {
      total.set(what, (total.get(what) ?? 0) + times)
    }
  }
  return Object.fromEntries([...total].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function say(word: Word): void {
  if (process.send === undefined) throw new Error('this process was not started to share a trial')
  process.send(word)
}
