/**
 * Decides by the seed which call takes effect next and which one returns next. A call has up to
 * three steps, and other calls may get between any two: its first part (a prefix of a write), its
 * effect, its return. Also counts calls, so that something can be made to happen at any of them.
 */
import type { CallKind, Moment } from './calls.ts'
import type { VirtualClock } from './clock.ts'
import { Fault, type FaultRule } from './faults.ts'
import type { Random } from './random.ts'
import type { Report } from './report.ts'
import { SimulatedDeath, SimulatedSystemError } from './system-error.ts'

/** What the scheduler needs to know of a process. */
export interface Caller {
  readonly name: string
  readonly alive: boolean
  readonly paused: boolean
}

/** What a call does. `interrupted` is what it may have done when its process dies within it. */
export interface Operation<T> {
  readonly first: (() => void) | undefined
  readonly effect: () => T
  readonly interrupted: (() => void) | undefined
}

/** A call that was made and counted. */
export interface Begun {
  readonly number: number
  readonly kind: CallKind
  readonly caller: Caller
  readonly path: string
  readonly fault: FaultRule | undefined
}

/** What a call that took effect returns, or the error it fails with. */
type Outcome<T> =
  | { readonly failed: false; readonly value: T }
  | { readonly failed: true; readonly value: SimulatedSystemError }

interface ActiveCall {
  readonly begun: Begun
  readonly operation: Operation<unknown>
  readonly returned: (() => void) | undefined
  state: 'queued' | 'begun' | 'done'
  /** Inside the kernel, where a stopped process's call still takes effect. */
  inKernel: boolean
  /** A crash planned exactly before this call must not let it happen by chance. */
  withheld: boolean
  /** Set with the effect. */
  outcome: Outcome<unknown> | undefined
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

interface Trap {
  readonly callNumber: number
  readonly moment: Moment
  readonly action: (caller: Caller) => void
}

/** Virtual time between two steps, at most. */
const STEP_MICROSECONDS_MAX = 200
/** FNV-1a, 32 bits. */
const HASH_START = 0x811c_9dc5
const HASH_PRIME = 0x0100_0193
/** Texts whose hash is kept. */
const HASHES_KEPT_MAX = 1_000

export class Scheduler {
  readonly #random: Random
  readonly #crashRandom: Random
  readonly #clock: VirtualClock
  readonly #report: Report
  readonly #trace: string[] | undefined
  #active: ActiveCall[] = []
  #faults: Fault[] = []
  #traps: Trap[] = []
  #callCount = 0
  #hash = HASH_START
  readonly #hashes = new Map<string, number>()

  constructor(
    random: Random,
    crashRandom: Random,
    clock: VirtualClock,
    report: Report,
    trace: string[] | undefined,
  ) {
    this.#random = random
    this.#crashRandom = crashRandom
    this.#clock = clock
    this.#report = report
    this.#trace = trace
  }

  get callCount(): number {
    return this.#callCount
  }

  /** Equal for two runs that took the same steps in the same order. */
  get traceHash(): number {
    return this.#hash >>> 0
  }

  addFault(rule: FaultRule): Fault {
    const fault = new Fault(rule)
    this.#faults.push(fault)
    return fault
  }

  clearFaults(): void {
    this.#faults = []
  }

  addTrap(callNumber: number, moment: Moment, action: (caller: Caller) => void): void {
    this.#traps.push({ callNumber, moment, action })
  }

  clearTraps(): void {
    this.#traps = []
  }

  /** Counts a call and looks whether it is to fail. */
  begin(caller: Caller, kind: CallKind, path: string): Begun {
    if (!caller.alive) return { number: 0, kind, caller, path, fault: undefined }
    this.#callCount += 1
    this.#report.count('calls', kind)
    let fault: FaultRule | undefined
    for (const candidate of this.#faults) {
      if (candidate.strikes(kind, caller.name, path, this.#random)) {
        fault = candidate.rule
        this.#report.count('faults', `${fault.error} ${kind}`)
        break
      }
    }
    this.#note('call', this.#callCount, kind, caller.name, path)
    return { number: this.#callCount, kind, caller, path, fault }
  }

  /**
   * An asynchronous call. Of a dead process it never returns and does nothing. `returned` is called just
   * before the caller's promise settles.
   */
  issue<T>(begun: Begun, operation: Operation<T>, returned?: () => void): Promise<T> {
    if (!begun.caller.alive) return new Promise(() => {})
    return new Promise<T>((resolve, reject) => {
      this.#active.push({
        begun,
        operation,
        returned,
        state: 'queued',
        inKernel: false,
        withheld: false,
        outcome: undefined,
        resolve: resolve as (value: unknown) => void,
        reject,
      })
    })
  }

  /** A synchronous call: it takes effect at once, in the middle of whatever is under way. */
  perform<T>(begun: Begun, operation: Operation<T>): T {
    const { caller } = begun
    if (!caller.alive) throw new SimulatedDeath(caller.name)
    this.#spring(begun, 'before')
    if (!caller.alive) throw new SimulatedDeath(caller.name)
    if (this.#hasTrap(begun.number, 'during')) {
      operation.interrupted?.()
      this.#spring(begun, 'during')
      if (!caller.alive) throw new SimulatedDeath(caller.name)
    }
    const outcome = outcomeOf(operation)
    this.#note('sync', begun.number, begun.kind, caller.name, begun.path)
    this.#spring(begun, 'after')
    // Even a failed call does not return into a process that died in it.
    if (!caller.alive) throw new SimulatedDeath(caller.name)
    if (outcome.failed) throw outcome.value
    return outcome.value
  }

  /**
   * Takes one step, chosen by the seed. 'woken' when JavaScript may have to run now, 'moved' when
   * none can, 'idle' when nothing is ready.
   */
  step(): 'woken' | 'moved' | 'idle' {
    const ready = this.#ready()
    const timers = this.#clock.dueTimers()
    const choiceCount = ready.length + timers.length
    if (choiceCount === 0) return 'idle'
    this.#clock.advance(this.#random.below(STEP_MICROSECONDS_MAX) / 1000)
    const chosen = this.#random.below(choiceCount)
    const call = ready[chosen]
    if (call === undefined) {
      this.#note('timer', 0, '', '', '')
      this.#clock.fire(timers[chosen - ready.length])
      return 'woken'
    }
    if (call.state === 'done') {
      this.#remove(call)
      this.#note('return', call.begun.number, '', '', '')
      call.returned?.()
      this.#settle(call)
      return 'woken'
    }
    return this.#advance(call) ? 'woken' : 'moved'
  }

  /** A process dies: what it had under way happened wholly, partly or not at all. */
  interrupt(caller: Caller): void {
    const interrupted = this.#active.filter((call) => call.begun.caller === caller)
    this.#active = this.#active.filter((call) => call.begun.caller !== caller)
    for (const call of interrupted) {
      if (call.state !== 'done' && !call.withheld) call.operation.interrupted?.()
    }
  }

  /** A process stops: of its calls some are in the kernel already and will take effect. */
  hold(caller: Caller): void {
    for (const call of this.#active) {
      if (call.begun.caller !== caller || call.state === 'done') continue
      call.inKernel = !call.withheld && this.#crashRandom.chance(0.5)
    }
  }

  pendingCalls(): string[] {
    return this.#active.map(({ begun, state }) => {
      const paused = begun.caller.paused ? ' (paused)' : ''
      return `#${begun.number} ${begun.caller.name}${paused}: ${begun.kind} ${begun.path} ${state}`
    })
  }

  /** Takes the call's next part. True where something was sprung, which may wake JavaScript. */
  #advance(call: ActiveCall): boolean {
    const { begun, operation } = call
    if (call.state === 'queued') {
      call.withheld = this.#hasTrap(begun.number, 'before')
      if (this.#spring(begun, 'before')) {
        // Where the action only paused the process, the call goes on when that resumes.
        call.withheld = false
        return true
      }
      call.state = 'begun'
      if (operation.first !== undefined) {
        operation.first()
        this.#note('first', begun.number, '', '', '')
        return false
      }
    }
    if (this.#spring(begun, 'during')) return true
    this.#note('effect', begun.number, '', '', '')
    call.state = 'done'
    call.outcome = outcomeOf(operation)
    return this.#spring(begun, 'after')
  }

  #settle(call: ActiveCall): void {
    const { outcome } = call
    if (outcome === undefined) throw new Error('a call returns before its effect')
    if (outcome.failed) call.reject(outcome.value)
    else call.resolve(outcome.value)
  }

  #ready(): ActiveCall[] {
    if (!this.#active.some((call) => call.begun.caller.paused)) return this.#active
    return this.#active.filter(
      (call) => !call.begun.caller.paused || (call.state !== 'done' && call.inKernel),
    )
  }

  #remove(call: ActiveCall): void {
    const last = this.#active.pop()
    if (last === undefined) throw new Error('no call is active')
    if (last === call) return
    this.#active[this.#active.indexOf(call)] = last
  }

  #hasTrap(callNumber: number, moment: Moment): boolean {
    return this.#traps.some((trap) => trap.callNumber === callNumber && trap.moment === moment)
  }

  /** Each trap springs once. */
  #spring(begun: Begun, moment: Moment): boolean {
    if (!this.#hasTrap(begun.number, moment)) return false
    const isSprung = (trap: Trap): boolean =>
      trap.callNumber === begun.number && trap.moment === moment
    const sprung = this.#traps.filter(isSprung)
    this.#traps = this.#traps.filter((trap) => !isSprung(trap))
    for (const trap of sprung) trap.action(begun.caller)
    return true
  }

  #note(step: string, callNumber: number, kind: string, callerName: string, path: string): void {
    this.#mix(step)
    this.#hash = Math.imul(this.#hash ^ callNumber, HASH_PRIME)
    this.#mix(kind)
    this.#mix(path)
    this.#trace?.push(`${step} #${callNumber} ${callerName} ${kind} ${path}`.trimEnd())
  }

  #mix(text: string): void {
    this.#hash = Math.imul(this.#hash ^ this.#hashOf(text), HASH_PRIME)
  }

  /** The same few texts come again and again. */
  #hashOf(text: string): number {
    const known = this.#hashes.get(text)
    if (known !== undefined) return known
    let hash = HASH_START
    for (let index = 0; index < text.length; index += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(index), HASH_PRIME)
    }
    if (this.#hashes.size >= HASHES_KEPT_MAX) this.#hashes.clear()
    this.#hashes.set(text, hash)
    return hash
  }
}

/** Lets the call happen now; what comes of it is told when the call returns. */
function outcomeOf<T>(operation: Operation<T>): Outcome<T> {
  try {
    return { failed: false, value: operation.effect() }
  } catch (error) {
    // Anything else is a mistake in the simulator itself, and must end the run.
    if (!(error instanceof SimulatedSystemError)) throw error
    return { failed: true, value: error }
  }
}
