/** One simulated process: a System of its own that can be killed, stopped and woken. */
import { nativeFreeLz4 } from '../native-free-lz4.ts'
import { crc32 } from '../real/crc.ts'
import { soon } from '../soon.ts'
import type { Clock, Identity, System } from '../system.ts'
import type { VirtualClock } from './clock.ts'
import type { SimulatedWorld } from './file-handle.ts'
import { SimulatedFileSystem } from './file-system.ts'
import type { Caller } from './scheduler.ts'
import { SimulatedSockets } from './sockets.ts'

export interface ProcessOptions {
  readonly pid?: number
  readonly host?: string
  /** Which primitive this platform is said to have; 'dsync' unless told. */
  readonly durableWrites?: 'dsync' | 'flush'
  /** Open files at once; more fail with EMFILE. Unlimited unless told. */
  readonly descriptorsMax?: number
  /** Reads can pass the page cache by; unless told they can. */
  readonly hasDirect?: boolean
}

export type ProcessOutcome<T> =
  | { readonly state: 'done'; readonly value: T }
  | { readonly state: 'died' }

export class SimulatedProcess implements System, Caller {
  readonly name: string
  readonly files: SimulatedFileSystem
  readonly clock: Clock
  readonly sockets: SimulatedSockets
  readonly identity: Identity
  readonly crc32 = crc32
  readonly lz4 = nativeFreeLz4
  readonly random: (target: Uint8Array) => void
  /** What the event loop is said to be late by, until somebody asks; watchers that have not stopped. */
  loopDelayMs = 0
  loopWatchers = 0
  /** What this process was told by `warn`. */
  readonly warnings: { readonly code: string; readonly message: string }[] = []
  readonly watchLoop: System['watchLoop']
  readonly warn: System['warn']
  readonly #world: SimulatedWorld
  #alive = true
  #paused = false
  #deathWaiters: (() => void)[] = []

  constructor(
    name: string,
    world: SimulatedWorld,
    clock: VirtualClock,
    identity: Identity,
    options: ProcessOptions,
  ) {
    this.name = name
    this.#world = world
    const random = world.random.fork()
    this.random = (target) => random.fill(target)
    this.warn = (code, message) => void this.warnings.push({ code, message })
    this.watchLoop = () => {
      this.loopWatchers++
      return {
        takeMaxMs: () => {
          const delayMs = this.loopDelayMs
          this.loopDelayMs = 0
          return delayMs
        },
        stop: () => {
          this.loopWatchers--
        },
      }
    }
    this.identity = identity
    this.files = new SimulatedFileSystem(
      world,
      this,
      options.durableWrites ?? 'dsync',
      options.descriptorsMax ?? Number.POSITIVE_INFINITY,
      options.hasDirect ?? true,
    )
    this.sockets = new SimulatedSockets(world, this)
    this.clock = {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      sinceBootMs: () => clock.sinceBootMs(),
      after: (delayMs, callback) => clock.after(this, delayMs, callback),
      soon,
      // One event at a time comes to a simulated process.
      afterEvents: soon,
      // What keeps a real process alive is nothing that happens.
      hold: () => () => undefined,
    }
  }

  get alive(): boolean {
    return this.#alive
  }

  get paused(): boolean {
    return this.#paused
  }

  /** SIGKILL: the page cache stays, sockets refuse, calls under way never return. */
  kill(): void {
    if (!this.#alive) return
    this.#world.scheduler.interrupt(this)
    this.#alive = false
    this.files.releaseAll()
    for (const waiter of this.#deathWaiters) waiter()
    this.#deathWaiters = []
  }

  /**
   * SIGSTOP: no call returns and no timer fires, while sockets stay alive. A call that is in the
   * kernel already still takes effect. JavaScript that is running (pausing from within a
   * synchronous call) runs to its next await, since nothing can stop it there.
   */
  pause(): void {
    if (this.#paused || !this.#alive) return
    this.#paused = true
    this.#world.scheduler.hold(this)
  }

  resume(): void {
    this.#paused = false
  }

  /** Runs the body as this process: 'died' when the process dies first, whatever it still says. */
  run<T>(body: () => Promise<T>): Promise<ProcessOutcome<T>> {
    if (!this.#alive) return Promise.resolve({ state: 'died' })
    return new Promise((resolve, reject) => {
      this.#deathWaiters.push(() => resolve({ state: 'died' }))
      // After its death this promise is settled, and nothing said here changes that.
      body().then((value) => resolve({ state: 'done', value }), reject)
    })
  }
}
