/**
 * A whole simulated machine under one seed: disk, clock, processes, faults and crashes. The engine
 * runs in it unchanged, and the same seed gives the same run.
 */
import type { Moment } from './calls.ts'
import { VirtualClock } from './clock.ts'
import { SimulatedDisk } from './disk.ts'
import type { Fault, FaultRule } from './faults.ts'
import type { SimulatedWorld } from './file-handle.ts'
import { type ProcessOptions, SimulatedProcess } from './process.ts'
import { Random } from './random.ts'
import { Report } from './report.ts'
import { Scheduler } from './scheduler.ts'

export interface SimulationOptions {
  readonly seed: number
  /** Decides what crashes leave, and nothing before the first of them; the seed unless told. */
  readonly crashSeed?: number
  /** The disk to go on with; an empty one unless told. It is used itself, not copied. */
  readonly disk?: SimulatedDisk
  /** Counts go here, so that many runs can share one report. */
  readonly report?: Report
  /** Keeps a line for each step in `trace`, for finding out what a seed did. */
  readonly trace?: boolean
  /** A run that takes more steps is taken to be going round in circles. */
  readonly stepsMax?: number
  /** Steps in one turn of the event loop; 1 for whoever counts its turns. */
  readonly stepsPerTurn?: number
}

export type CrashKind = 'kill' | 'power-cut'

/** Wall clock of a simulated machine at its start: a round number in 2025. */
const START_MS = 1_750_000_000_000
const STEPS_MAX = 1_000_000
/** Turns of the event loop after which nothing more can come from JavaScript by itself. */
const IDLE_TURNS = 3
/**
 * Steps in one turn of the event loop, as long as something moves. All microtasks and ticks run between
 * two of them all the same; only what the loop itself brings has to wait.
 */
const STEPS_PER_TURN = 32

export class Simulation {
  readonly seed: number
  readonly disk: SimulatedDisk
  readonly clock: VirtualClock
  readonly report: Report
  /** One line a step where the option asks for it. */
  readonly trace: string[] = []
  readonly #random: Random
  readonly #crashRandom: Random
  readonly #scheduler: Scheduler
  readonly #world: SimulatedWorld
  readonly #stepsMax: number
  readonly #stepsPerTurn: number
  #processes: SimulatedProcess[] = []
  #nextPid = 100
  #bootId: string
  #bootTimeMs = START_MS
  #running = false

  constructor(options: SimulationOptions) {
    this.seed = options.seed
    this.disk = options.disk ?? new SimulatedDisk()
    this.clock = new VirtualClock(START_MS)
    this.report = options.report ?? new Report()
    this.#stepsMax = options.stepsMax ?? STEPS_MAX
    this.#stepsPerTurn = options.stepsPerTurn ?? STEPS_PER_TURN
    this.#random = new Random(options.seed)
    this.#crashRandom = new Random(options.crashSeed ?? options.seed).fork()
    this.#scheduler = new Scheduler(
      this.#random,
      this.#crashRandom,
      this.clock,
      this.report,
      options.trace === true ? this.trace : undefined,
    )
    this.#world = {
      disk: this.disk,
      scheduler: this.#scheduler,
      random: this.#random,
      crashRandom: this.#crashRandom,
    }
    this.#bootId = newBootId(this.#random)
  }

  /** Calls made so far by all processes; the first has number 1. */
  get callCount(): number {
    return this.#scheduler.callCount
  }

  /** Equal for two runs that took the same steps in the same order. */
  get traceHash(): number {
    return this.#scheduler.traceHash
  }

  /** Starts a process. Its name is for reports and fault rules; it may be used again. */
  process(name: string, options: ProcessOptions = {}): SimulatedProcess {
    const identity = {
      pid: options.pid ?? this.#nextPid++,
      host: options.host ?? 'simulated',
      bootId: this.#bootId,
      bootTimeMs: this.#bootTimeMs,
    }
    const started = new SimulatedProcess(name, this.#world, this.clock, identity, options)
    this.#processes.push(started)
    return started
  }

  /** Makes matching calls fail from now on. */
  fault(rule: FaultRule): Fault {
    return this.#scheduler.addFault(rule)
  }

  clearFaults(): void {
    this.#scheduler.clearFaults()
  }

  kill(process: SimulatedProcess): void {
    this.report.count('crashes', 'kill')
    process.kill()
  }

  /** Every process dies, what was not synced is lost, kept or torn, and the machine boots again. */
  powerCut(): void {
    this.report.count('crashes', 'power-cut')
    for (const process of this.#processes) process.kill()
    this.#processes = []
    this.disk.powerCut(this.#crashRandom)
    this.clock.advance(this.#crashRandom.between(1_000, 60_000))
    this.#bootId = newBootId(this.#crashRandom)
    this.#bootTimeMs = this.clock.nowMs()
    this.clock.boot()
    // Pids start again, so that an old LOCK may name one that somebody else has now.
    this.#nextPid = 100
  }

  /** Does something at a moment within the call with this number. */
  at(callNumber: number, moment: Moment, action: (process: SimulatedProcess) => void): void {
    this.#scheduler.addTrap(callNumber, moment, (caller) => {
      const process = this.#processes.find((one) => one === caller)
      if (process === undefined) throw new Error('a call was made by no process of this machine')
      action(process)
    })
  }

  /** Kills the process that makes the call with this number, or cuts the power, within that call. */
  crashAt(callNumber: number, kind: CrashKind, moment: Moment = 'during'): void {
    this.at(callNumber, moment, (process) => {
      this.report.count('crashes', `${kind} ${moment} call`)
      if (kind === 'kill') this.kill(process)
      else this.powerCut()
    })
  }

  /** Forgets the moments planned by `at` and `crashAt` that have not come. */
  clearPlans(): void {
    this.#scheduler.clearTraps()
  }

  /** Runs the body and takes steps until its promise settles. Throws where that can never be. */
  run<T>(body: () => Promise<T>): Promise<T> {
    return this.#drive(body, () => {
      const pending = this.#scheduler.pendingCalls()
      const list = pending.length === 0 ? 'no call is pending' : pending.join('\n  ')
      throw new Error(`seed ${this.seed}: nothing can happen any more:\n  ${list}`)
    })
  }

  /** Takes steps until nothing is ready; time stands still, so no timer fires that is not due. */
  async settle(): Promise<void> {
    let end = (): void => {}
    const idle = new Promise<void>((resolve) => {
      end = resolve
    })
    await this.#drive(
      () => idle,
      () => end(),
      false,
    )
  }

  #drive<T>(body: () => Promise<T>, stuck: () => void, moveTime = true): Promise<T> {
    if (this.#running) throw new Error('the simulation is running already')
    this.#running = true
    return new Promise<T>((resolve, reject) => {
      let finish: (() => void) | undefined
      let idleTurns = 0
      let steps = 0
      let queued: NodeJS.Immediate[] = []
      let left = 0
      const queue = (count: number): void => {
        if (left > 0) for (const immediate of queued) clearImmediate(immediate)
        queued = Array.from({ length: count }, () => setImmediate(turn))
        left = count
      }
      const turn = (): void => {
        left -= 1
        try {
          if (finish !== undefined) {
            queue(0)
            this.#running = false
            finish()
            return
          }
          let result = this.#scheduler.step()
          while (result === 'moved') result = this.#scheduler.step()
          steps += 1
          if (steps > this.#stepsMax) throw new Error(`seed ${this.seed}: no end in sight`)
          idleTurns = result === 'idle' ? idleTurns + 1 : 0
          if (idleTurns > IDLE_TURNS && !(moveTime && this.clock.jumpToNextTimer())) stuck()
          if (idleTurns > 0) queue(1)
          else if (left === 0) queue(this.#stepsPerTurn)
        } catch (error) {
          queue(0)
          this.#running = false
          reject(error)
        }
      }
      Promise.resolve()
        .then(body)
        .then(
          (value) => {
            finish = () => resolve(value)
          },
          (error: unknown) => {
            finish = () => reject(error)
          },
        )
      queue(1)
    })
  }
}

function newBootId(random: Random): string {
  const bytes = new Uint8Array(16)
  random.fill(bytes)
  return Buffer.from(bytes).toString('hex')
}
