/** Virtual time: it moves with the scheduler's steps, and jumps when nothing else can happen. Pure. */
import type { Caller } from './scheduler.ts'

export interface Timer {
  readonly dueMs: number
  readonly owner: Caller
  readonly callback: () => void
}

export class VirtualClock {
  #timeMs = 0
  #bootedMs = 0
  #wallOffsetMs: number
  #timers: Timer[] = []

  constructor(startMs: number) {
    this.#wallOffsetMs = startMs
  }

  nowMs(): number {
    return Math.floor(this.#wallOffsetMs + this.#timeMs)
  }

  monotonicMs(): number {
    return this.#timeMs
  }

  sinceBootMs(): number {
    return this.#timeMs - this.#bootedMs
  }

  /** The machine boots again. */
  boot(): void {
    this.#bootedMs = this.#timeMs
  }

  advance(ms: number): void {
    this.#timeMs += ms
  }

  /** Somebody sets the wall clock, forwards or back; timers and the monotonic clock don't notice. */
  jump(ms: number): void {
    this.#wallOffsetMs += ms
  }

  after(owner: Caller, delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.#timeMs + Math.max(0, delayMs), owner, callback }
    this.#timers.push(timer)
    return () => this.#drop(timer)
  }

  /** Timers of living, running processes whose time has come. */
  dueTimers(): Timer[] {
    if (this.#timers.length === 0) return this.#timers
    return this.#timers.filter((timer) => canFire(timer) && timer.dueMs <= this.#timeMs)
  }

  fire(timer: Timer | undefined): void {
    if (timer === undefined) throw new Error('there is no such timer')
    this.#drop(timer)
    timer.callback()
  }

  /** Moves to the next timer that can fire; false where there is none. */
  jumpToNextTimer(): boolean {
    this.#timers = this.#timers.filter((timer) => timer.owner.alive)
    const next = Math.min(...this.#timers.filter(canFire).map((timer) => timer.dueMs))
    if (next === Number.POSITIVE_INFINITY) return false
    this.#timeMs = Math.max(this.#timeMs, next)
    return true
  }

  #drop(timer: Timer): void {
    this.#timers = this.#timers.filter((other) => other !== timer)
  }
}

function canFire(timer: Timer): boolean {
  return timer.owner.alive && !timer.owner.paused
}
