/**
 * Where a store under test lives: a simulated machine with a log on its disk, or a log in memory. Each can
 * die at any moment and be opened again, and gives its log a second time, to be replayed beside.
 */

import { MemoryMedium } from '../../../src/log/memory/medium.ts'
import { openMemoryLog } from '../../../src/log/memory/memory-log.ts'
import { openSegmentLog } from '../../../src/log/open.ts'
import { checkOptions } from '../../../src/log/options.ts'
import type { Lsn, OpenLog, OwnedLog } from '../../../src/log/seam.ts'
import type { LogOptions } from '../../../src/log/types.ts'
import { openStoreOn } from '../../../src/store/open-store.ts'
import type { Store } from '../../../src/store/types/store.ts'
import { SimulatedDisk } from '../../../src/system/simulated/disk.ts'
import type { SimulatedProcess } from '../../../src/system/simulated/process.ts'
import type { Random } from '../../../src/system/simulated/random.ts'
import type { Report } from '../../../src/system/simulated/report.ts'
import { type CrashKind, Simulation } from '../../../src/system/simulated/simulation.ts'
import type { System } from '../../../src/system/system.ts'
import { openSlowLog } from '../../../src/testing/slow-log.ts'
import type { Now } from './state.ts'

export const STORE_DIRECTORY = '/d/store'
const MOMENTS = ['before', 'during', 'after'] as const
/** What opening and some commands take. */
const CALLS_MAX = 260
const CRASH_MS_MAX = 400
/** Names that a process draws must be new on a disk that another one has drawn names on. */
const OTHER_SEED = 1_000_003

export type WorldKind = 'segments' | 'memory' | 'slow'

/** What a store lets its proof see. */
export interface ProvableStore extends Store {
  stateHash(): string
  checkpoint(): Promise<void>
}

type StoreSystem = Parameters<typeof openStoreOn>[0]

/** The machine: one process at a time has the store. */
export abstract class World {
  readonly simulation: Simulation
  process: SimulatedProcess
  /** A command is done within so many milliseconds, as a rule. */
  readonly aheadMs: number = 80
  /** What is called now is decided, and in the log, so many milliseconds later at most. */
  readonly lateMs: number = 60
  /** The log may stop by itself. */
  mayStop = false
  #saves = 0
  /** The LSN that the first group of all had. */
  #firstCommitted: Lsn = Number.POSITIVE_INFINITY
  /** The LSN at which the last replay began. */
  #firstRead: Lsn = Number.POSITIVE_INFINITY

  constructor(simulation: Simulation) {
    this.simulation = simulation
    this.process = this.newProcess()
  }

  protected newProcess(): SimulatedProcess {
    return this.simulation.process('store')
  }

  get now(): Now {
    const { clock } = this.simulation
    return { elapsedMs: clock.monotonicMs(), wallMs: clock.nowMs() }
  }

  get alive(): boolean {
    return this.process.alive
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.process.clock.after(ms, resolve))
  }

  jump(ms: number): void {
    this.simulation.clock.jump(ms)
  }

  async open(): Promise<ProvableStore> {
    return provable(await openStoreOn(this.process, this.#watched(this.openLog())))
  }

  /** A process to go on with after the last one died. */
  restart(): void {
    this.crash('kill')
    this.simulation.clearPlans()
    this.process = this.newProcess()
  }

  /**
   * What a store makes of the log as it lies there, while nobody has it open; without any snapshot where
   * `fromStart` says so.
   */
  async replayed(fromStart: boolean): Promise<Replayed> {
    const { process, simulation, openLog, leave } = this.beside()
    const opened = besideOnly(openLog, fromStart)
    const hash = await simulation.run(async () => {
      const store = await openStoreOn(process, this.#watched(opened))
      return provable(store).stateHash()
    })
    leave()
    // A log keeps what the last snapshot but one does not cover, and may drop the rest from its middle.
    // Where nothing was ever told of as committed, what was first is not known.
    const isKnown = this.#firstCommitted !== Number.POSITIVE_INFINITY
    const isWhole = isKnown && this.#firstRead <= this.#firstCommitted && this.#saves <= 1
    return { hash, isWhole }
  }

  /** From the next opening on nothing goes wrong by itself. */
  calmDown(): void {}

  /** Dies at some later moment, perhaps. */
  abstract planCrash(random: Random): void
  abstract crash(kind: CrashKind): void
  protected abstract openLog(): OpenLog
  /** The same log for another process, while no store has it open. */
  protected abstract beside(): Beside

  #watched(openLog: OpenLog): OpenLog {
    return async (owner, options) => {
      const log = await openLog(
        {
          committed: (upTo, lsn, timeMs) => {
            this.#firstCommitted = Math.min(this.#firstCommitted, lsn)
            owner.committed(upTo, lsn, timeMs)
          },
          failed: (from, outcome, cause) => owner.failed(from, outcome, cause),
          refused: (from, upTo, cause) => owner.refused(from, upTo, cause),
          space: (state) => owner.space(state),
        },
        options,
      )
      const saveSnapshot: OwnedLog['saveSnapshot'] = async (parts, how) => {
        // One that is on the disk counts, also where nobody lived to hear of it.
        this.#saves += 1
        await log.saveSnapshot(parts, how)
      }
      return changed(log, { saveSnapshot, read: (range) => this.#watchedRead(log, range) })
    }
  }

  async *#watchedRead(log: OwnedLog, range: Parameters<OwnedLog['read']>[0]) {
    let isFirst = true
    this.#firstRead = Number.POSITIVE_INFINITY
    for await (const entries of log.read(range)) {
      const [first] = entries
      if (isFirst && first) {
        this.#firstRead = first.lsn
        // A process may have died before it was told what it had committed.
        this.#firstCommitted = Math.min(this.#firstCommitted, first.lsn)
      }
      isFirst = false
      yield entries
    }
  }
}

export interface Replayed {
  readonly hash: string
  /** Nothing of the log was given back yet: it was replayed from its first entry on. */
  readonly isWhole: boolean
}

interface Beside {
  readonly simulation: Simulation
  readonly process: StoreSystem
  readonly openLog: OpenLog
  leave(): void
}

export class SegmentWorld extends World {
  readonly #options: LogOptions

  constructor(seed: number, random: Random, report: Report) {
    super(new Simulation({ seed, report, disk: new SimulatedDisk() }))
    this.#options = {
      segmentBytesMin: 16_384,
      segmentBytesMax: random.pick([16_384, 32_768]),
      idleSyncMs: random.pick([0, 1, 5, 50]),
      compression: random.chance(0.2) ? 'lz4' : 'none',
    }
  }

  planCrash(random: Random): void {
    const { simulation } = this
    const kind = random.chance(0.5) ? 'kill' : 'power-cut'
    const at = simulation.callCount + random.between(1, CALLS_MAX)
    simulation.crashAt(at, kind, random.pick(MOMENTS))
  }

  crash(kind: CrashKind): void {
    if (kind === 'power-cut') this.simulation.powerCut()
    else if (this.process.alive) this.simulation.kill(this.process)
  }

  protected openLog(): OpenLog {
    return openSegments(this.process, this.#options)
  }

  /** On another machine, whose disk and clocks are the same. */
  protected beside(): Beside {
    const disk = new SimulatedDisk(this.simulation.disk.snapshot())
    const simulation = new Simulation({ seed: this.simulation.seed + OTHER_SEED, disk })
    const { clock } = this.simulation
    simulation.clock.advance(clock.monotonicMs() - clock.sinceBootMs())
    simulation.clock.boot()
    simulation.clock.advance(clock.sinceBootMs())
    simulation.clock.jump(clock.nowMs() - simulation.clock.nowMs())
    const beside = simulation.process('beside')
    const { files, sockets, crc32, lz4, random, clock: ownClock, watchLoop, warn } = beside
    const { identity } = this.process
    const own = { files, sockets, crc32, lz4, random, clock: ownClock, watchLoop, warn }
    const process: System = { ...own, identity }
    return { simulation, process, openLog: openSegments(process, this.#options), leave: () => {} }
  }
}

function openSegments(process: System, options: LogOptions): OpenLog {
  return (owner) => openSegmentLog(process, STORE_DIRECTORY, owner, checkOptions(options))
}

export class MemoryWorld extends World {
  protected readonly medium = new MemoryMedium()

  constructor(seed: number, report: Report) {
    super(new Simulation({ seed, report }))
  }

  planCrash(_random: Random): void {}

  crash(kind: CrashKind): void {
    this.medium.crash()
    if (kind === 'power-cut') this.simulation.powerCut()
    else if (this.process.alive) this.simulation.kill(this.process)
  }

  protected openLog(): OpenLog {
    return openMemoryLog(this.process, this.medium)
  }

  protected beside(): Beside {
    const { simulation } = this
    const process = this.newProcess()
    const leave = (): void => {
      this.medium.crash()
      simulation.kill(process)
    }
    return { simulation, process, openLog: openMemoryLog(process, this.medium), leave }
  }
}

/** A log far away: late, narrow, and now and then taken over or failing. */
export class SlowWorld extends MemoryWorld {
  override readonly aheadMs = 300
  override readonly lateMs = 200
  readonly #seed: number
  #fenceChance = 0
  #failChance = 0

  constructor(seed: number, random: Random, report: Report) {
    super(seed, report)
    this.#seed = seed
    const isFaulty = random.chance(0.4)
    this.mayStop = isFaulty
    this.#fenceChance = isFaulty && random.chance(0.5) ? random.pick([0.02, 0.1]) : 0
    this.#failChance = isFaulty && this.#fenceChance === 0 ? random.pick([0.02, 0.1]) : 0
  }

  override planCrash(random: Random): void {
    this.process.clock.after(random.between(0, CRASH_MS_MAX), () => this.crash('kill'))
  }

  override calmDown(): void {
    this.mayStop = false
    this.#fenceChance = 0
    this.#failChance = 0
  }

  protected override openLog(): OpenLog {
    return openSlowLog(this.process, this.medium, {
      seed: this.#seed,
      fenceChance: this.#fenceChance,
      failChance: this.#failChance,
    })
  }
}

function provable(store: Store): ProvableStore {
  if ('stateHash' in store && 'checkpoint' in store) return store as ProvableStore
  throw new Error('the store cannot be proved')
}

/** The log but for some members. */
function changed(log: OwnedLog, members: Partial<OwnedLog>): OwnedLog {
  return new Proxy(log, {
    get: (target, name) => {
      const own: unknown = Reflect.get(members, name)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** Whoever only looks gives nothing back: replayed in part, a log seems to hold much that is gone. */
function besideOnly(openLog: OpenLog, fromStart: boolean): OpenLog {
  return async (owner, options) => {
    const log = await openLog(owner, options)
    const discard = (): void => undefined
    return changed(log, { discard, ...(fromStart && { snapshot: async () => undefined }) })
  }
}
