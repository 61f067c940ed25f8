/**
 * Runs one trial until its time is over: its list from where it is told, then seed after seed. A failure
 * does not end it: it is kept with the command that repeats it, up to a number.
 */
import type { Lab, Trial } from './trial.ts'

/** More failures than these tell nothing new. */
const FAILURES_MAX = 5
/** Of the time, where there are seeds as well. */
const LIST_SHARE = 0.5
const SAY_EVERY_MS = 10_000

export interface Plan {
  readonly seconds: number
  /** First unit of the list; undefined leaves the list out. */
  readonly listFrom: number | undefined
  /** First seed; undefined leaves the seeds out. */
  readonly seedFrom: number | undefined
  /** Where others take seeds as well: the next one for this process; undefined when there is none any more. */
  readonly nextSeed?: () => Promise<number | undefined>
  /** So many units or seeds at most. */
  readonly unitsMax: number
}

export interface ListDone {
  readonly from: number
  /** Behind the last unit that was done. */
  readonly to: number
  /** There is none behind that. */
  readonly ended: boolean
}

export interface SeedsDone {
  readonly from: number
  /** Behind the last one. */
  readonly to: number
}

export interface Outcome {
  readonly seconds: number
  readonly list?: ListDone
  readonly seeds?: SeedsDone
  readonly counts: Readonly<Record<string, number>>
  /** What was broken, and the command that repeats it. */
  readonly failures: readonly string[]
}

export async function runTrial(trial: Trial, plan: Plan): Promise<Outcome> {
  const running = new Running(trial, plan)
  const unheard = (reason: unknown): void => running.note(reason)
  process.on('unhandledRejection', unheard)
  try {
    return await running.run()
  } finally {
    process.off('unhandledRejection', unheard)
  }
}

class Running {
  readonly #trial: Trial
  readonly #plan: Plan
  readonly #started = performance.now()
  readonly #counts = new Map<string, number>()
  readonly #failures: string[] = []
  /** Rejections that nobody heard. */
  readonly #unheard: unknown[] = []
  #endMs: number
  #units = 0
  #saidMs = performance.now()

  constructor(trial: Trial, plan: Plan) {
    this.#trial = trial
    this.#plan = plan
    this.#endMs = this.#started + plan.seconds * 1000
  }

  note(reason: unknown): void {
    this.#unheard.push(reason)
  }

  async run(): Promise<Outcome> {
    const { seconds, listFrom, seedFrom } = this.#plan
    const hasSeeds = this.#trial.seed !== undefined && seedFrom !== undefined
    const wholeEndMs = this.#endMs
    if (hasSeeds) this.#endMs = this.#started + seconds * 1000 * LIST_SHARE
    const list = listFrom === undefined ? undefined : await this.#runList(listFrom)
    this.#endMs = wholeEndMs
    const seeds = hasSeeds ? await this.#runSeeds(seedFrom) : undefined
    return {
      seconds: Math.round((performance.now() - this.#started) / 1000),
      ...(list && { list }),
      ...(seeds && { seeds }),
      counts: Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1))),
      failures: this.#failures,
    }
  }

  async #runList(from: number): Promise<ListDone | undefined> {
    const stretches = this.#trial.list?.(this.#lab)
    if (stretches === undefined) return undefined
    let base = 0
    let to = from
    for await (const { name, units, run } of stretches) {
      for (let unit = Math.max(0, to - base); unit < units; unit += 1) {
        if (this.#isDone()) return { from, to, ended: false }
        this.#sayNow(then(name, unit, units))
        const at = base + unit
        await this.#try(`${name}, unit ${at}`, `--at ${at}`, () => run(unit))
        to = at + 1
      }
      base += units
    }
    if (from > base) throw new Error(`the list of ${this.#trial.name} has ${base} units`)
    return { from, to, ended: true }
  }

  async #runSeeds(from: number): Promise<SeedsDone> {
    let to = from
    const nextSeed = this.#plan.nextSeed ?? (() => Promise.resolve(to))
    while (!this.#isDone()) {
      const seed = await nextSeed()
      if (seed === undefined) break
      this.#sayNow(`seed ${seed}`)
      await this.#try(`seed ${seed}`, `--seed ${seed}`, () => this.#seed(seed))
      to = seed + 1
    }
    return { from, to }
  }

  async #seed(seed: number): Promise<void> {
    await this.#trial.seed?.(this.#lab, seed)
    await new Promise((resolve) => setImmediate(resolve))
  }

  async #try(what: string, where: string, act: () => Promise<void>): Promise<void> {
    this.#units += 1
    this.#unheard.length = 0
    try {
      await act()
      if (this.#unheard.length > 0) throw new Error('a rejection that nobody heard', this.#cause())
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      const command = `npm run lab -- --only ${this.#trial.name} ${where} --units 1`
      const failure = `${what}: ${why}\nrepeat it with: ${command}`
      this.#failures.push(failure)
      console.error(`lab ${this.#trial.name} FAILED: ${failure}`)
      if (error instanceof Error) console.error(error.cause ?? error.stack)
    }
  }

  #cause(): { cause: unknown } {
    return { cause: this.#unheard[0] }
  }

  #isDone(): boolean {
    const isEnough = this.#units >= this.#plan.unitsMax || this.#failures.length >= FAILURES_MAX
    return isEnough || this.#lab.isOver()
  }

  #sayNow(line: string): void {
    const nowMs = performance.now()
    if (nowMs - this.#saidMs < SAY_EVERY_MS) return
    this.#saidMs = nowMs
    this.#lab.say(line)
  }

  readonly #lab: Lab = {
    isOver: () => performance.now() >= this.#endMs,
    count: (what, times = 1) => {
      this.#counts.set(what, (this.#counts.get(what) ?? 0) + times)
    },
    say: (line) => console.log(`lab ${this.#trial.name}: ${line}`),
  }
}

function then(name: string, unit: number, units: number): string {
  return `${name}: ${unit} of ${units}`
}
