/**
 * One random life of a log, decided by its seed: openings with random work, crashes at random calls
 * (also while recovering), faults, owners that stop and wake up after another took over, clocks that
 * jump, bits that rot. After each crash the oracle compares what is left.
 */
import { QlogError } from '../../src/errors.ts'
import type { LogOptions } from '../../src/log/types.ts'
import type { Moment } from '../../src/system/simulated/calls.ts'
import { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import type { FaultRule } from '../../src/system/simulated/faults.ts'
import { Random } from '../../src/system/simulated/random.ts'
import type { Report } from '../../src/system/simulated/report.ts'
import { SimulatedDeath, SimulatedSystemError } from '../../src/system/simulated/system-error.ts'
import { flipOneBit } from './damage.ts'
import { assessDisk } from './disk-reader.ts'
import { Follower } from './follower.ts'
import { DIRECTORY, isDamage, Machine, modeOf, type Opening } from './machine.ts'
import { isFalseAlarm, Violation } from './oracle.ts'
import { expectCachesAreCaches, expectIdleOpeningChangesNothing } from './quiet.ts'

const UNCLEAR: readonly string[] = ['QLOG_LOCK_UNCLEAR', 'QLOG_LOCKED', 'QLOG_FENCED']
const MOMENTS: readonly Moment[] = ['before', 'during', 'after']
export const FALSE_ALARM = 'a torn block one bit away from a valid one'
/** One in so many schedules packs its blocks. */
const PACKED_EVERY = 3
/** Openings that may crash one inside the other before one is left in peace. */
const NESTED_CRASHES_MAX = 3
/** Followers of one opening at once. */
const FOLLOWERS_MAX = 3
/** Virtual time in which any follower catches up. */
const CATCH_UP_MS = 60

type Ending = 'closed' | 'ended' | 'died' | 'paused' | 'refused'

interface Plan {
  readonly crash: 'kill' | 'power-cut' | 'pause' | undefined
  /** Calls from the start of the opening. */
  readonly crashAt: number
  readonly moment: Moment
  readonly faults: readonly FaultRule[]
  /** The process may end without closing. */
  readonly mayDie: boolean
}

export class Schedule {
  readonly machine: Machine
  readonly random: Random
  readonly report: Report
  readonly options: LogOptions
  readonly #seed: number
  readonly #traced: boolean
  /** A writer that stopped, to be woken while another owns the log. */
  #sleeper: { opening: Opening; life: Promise<unknown> } | undefined
  /** A writer that had stopped was woken: from then on two boots were alive at once. */
  #woken = false
  /** Whether the last owner is known to have closed in order. */
  #closed = false
  /** A bit has rotted: openings may refuse or leave gaps, exactly told. */
  #rotten = false
  #wasAlarmed = false
  /** What the disk has room for while the log is at work; everything where it is undefined. */
  readonly #capacityBytes: number | undefined
  /** Of the opening that lives now. */
  #followers: Follower[] = []

  constructor(seed: number, report: Report, trace = false) {
    this.#seed = seed
    this.#traced = trace
    this.report = report
    this.random = new Random(seed)
    const { random } = this
    const durableWrites = random.chance(0.6) ? 'dsync' : 'flush'
    this.machine = new Machine({ seed, report, durableWrites, trace, disk: new SimulatedDisk() })
    const idleSyncMs = random.pick([0, 1, 1, 5, 50])
    const shape = random.below(10)
    const sync: LogOptions['sync'] =
      shape === 0 ? 'never' : shape === 1 ? { intervalMs: 3, bytes: 6_000 } : 'always'
    const retained = random.chance(0.1) ? random.between(2, 12) : undefined
    this.machine.oracle.retainedMessages = retained
    this.#capacityBytes = random.chance(0.1) ? random.between(60, 220) * 1024 : undefined
    // By the seed and not by chance, so that the other schedules are what they always were.
    const compression = seed % PACKED_EVERY === 0 ? 'lz4' : 'none'
    const retention = retained && { retention: { messages: retained } }
    this.options = { sync, idleSyncMs, compression, ...retention }
  }

  async run(): Promise<void> {
    const { random, machine } = this
    const openings = random.between(1, 2)
    for (let count = 0; count < openings; count += 1) {
      await this.#live(this.#plan(0), true)
      await this.#between()
      await this.#recover()
    }
    await this.#end()
    machine.check()
  }

  /** The last opening is left in peace; a log at rest stays as it is. */
  async #end(): Promise<void> {
    const { random } = this
    await this.#wakeSleeper()
    const ending = await this.#live(CALM, random.chance(0.5))
    if (ending === 'refused') return
    if (ending !== 'closed') throw new Violation(`an opening in peace ended as ${ending}`)
    if (this.#rotten) return
    const shape = random.below(4)
    if (shape === 0) await expectIdleOpeningChangesNothing(this.machine, this.options)
    // Without the index nothing but the headers tells which of two stores that began at once is meant.
    if (shape === 1 && !this.#woken) await expectCachesAreCaches(this.machine, this.options)
  }

  /** Opens until an opening was left in peace; crashes may strike within each recovery. */
  async #recover(): Promise<void> {
    const { random } = this
    const nested = random.chance(0.35) ? random.between(1, NESTED_CRASHES_MAX) : 0
    for (let depth = 1; depth <= nested; depth += 1) {
      await this.#live(this.#plan(depth), random.chance(0.3))
      await this.#between()
    }
  }

  #plan(depth: number): Plan {
    const { random } = this
    // A crash within recovery must come early; one within the work may come at any time.
    const crashAt = depth > 0 ? random.between(1, 90) : random.between(20, 260)
    const shape = random.below(20)
    const crash =
      shape < 8
        ? 'kill'
        : shape < 14
          ? 'power-cut'
          : shape < 16 && !this.#sleeper
            ? 'pause'
            : undefined
    return {
      crash,
      crashAt,
      moment: random.pick(MOMENTS),
      faults: random.chance(0.3) ? [this.#fault()] : [],
      mayDie: true,
    }
  }

  #fault(): FaultRule {
    const { random } = this
    const nth = random.between(1, 12)
    const writes = ['write', 'writeMany', 'writeSync'] as const
    const process = 'writer'
    switch (random.below(9)) {
      case 0:
      case 1:
        return { process, call: writes, error: 'short', probability: random.pick([0.1, 0.5, 1]) }
      case 2:
        return { process, call: writes, error: 'EIO', nth }
      case 3:
        return { process, call: writes, error: 'ENOSPC', nth, times: random.between(1, 3) }
      case 4:
        return {
          process,
          call: ['open', 'openSync'],
          error: 'EMFILE',
          nth,
          times: random.between(1, 3),
        }
      case 5:
      case 6:
        return { process, call: ['flush', 'flushSync'], error: 'EIO', nth }
      case 7:
        return {
          process,
          call: ['flushDirectory', 'flushDirectorySync'],
          error: 'EIO',
          nth: random.between(1, 6),
        }
      default:
        return {
          process,
          call: ['link', 'linkSync', 'rename', 'unlink', 'unlinkSync', 'list', 'stat', 'statSync'],
          error: 'EIO',
          nth,
        }
    }
  }

  /** One opening from start to end, whatever end that is. */
  async #live(plan: Plan, works: boolean): Promise<Ending> {
    const { machine, random } = this
    const { simulation } = machine
    await this.#noteVerdicts()
    this.#followers = []
    const onDamage = this.#rotten && (!plan.mayDie || random.chance(0.5)) ? 'quarantine' : undefined
    const opening = machine.opening({
      ...this.options,
      ...(onDamage && { onDamage }),
      breakLock: this.#woken,
    })
    const hasOthers = machine.openings.some((other) => other !== opening && other.process.alive)
    const faults = plan.faults.map((rule) => simulation.fault(rule))
    const isNarrow = this.#capacityBytes !== undefined && plan.mayDie
    simulation.disk.capacityBytes = (isNarrow && this.#capacityBytes) || Number.POSITIVE_INFINITY
    let paused = (): void => {}
    const pausing = new Promise<'paused'>((resolve) => {
      paused = () => resolve('paused')
    })
    const at = simulation.callCount + plan.crashAt
    if (this.#traced) simulation.trace.push(`opening ${JSON.stringify({ ...plan, at, onDamage })}`)
    if (plan.crash === 'pause') {
      simulation.at(at, 'before', (process) => {
        if (process !== opening.process) return
        this.report.count('crashes', 'pause')
        process.pause()
        paused()
      })
    } else if (plan.crash) simulation.crashAt(at, plan.crash, plan.moment)
    const life = opening.process
      .run(() => this.#life(opening, works, plan.mayDie))
      .then((outcome): Ending => (outcome.state === 'done' ? outcome.value : 'died'))
    let ending: Ending
    try {
      ending = await simulation.run(() => Promise.race([life, pausing]))
    } catch (error) {
      const mayFail = isNarrow || faults.some((fault) => fault.hits > 0)
      ending = this.#refused(error, mayFail, hasOthers)
    }
    simulation.disk.capacityBytes = Number.POSITIVE_INFINITY
    if (!opening.process.alive) ending = 'died'
    const faulted = faults.some((fault) => fault.hits > 0)
    const powerWent = ending === 'died' && plan.crash === 'power-cut'
    if (powerWent || faulted) machine.oracle.weaken()
    if (powerWent) {
      this.#sleeper = undefined
      machine.powerWent()
    }
    simulation.clearFaults()
    simulation.clearPlans()
    if (ending === 'paused') {
      life.catch((error: unknown) => this.#sleeperFailed(error))
      this.#sleeper = { opening, life }
      machine.rebootForOthers()
    }
    machine.buryTheDead()
    machine.check()
    // A log that failed while it closed says so to nobody, but it is not closed in order.
    this.#closed = ending === 'closed' && !faulted
    return ending
  }

  /** An opening may be refused where calls failed, where bytes have rotted, or beside an owner. */
  #refused(error: unknown, faulted: boolean, hasOthers: boolean): Ending {
    if (error instanceof Violation || !(error instanceof QlogError)) throw error
    if (faulted && !isDamage(error)) return 'refused'
    if (this.#rotten && isDamage(error)) return 'refused'
    // Two boots that both live are no case of this world: what the awakened one cleared away as
    // dead may be somebody's proof. Refusing to guess is right then, and so is being fenced.
    if (this.#woken && UNCLEAR.includes(error.code)) return 'refused'
    // Or the lock file of an opener, while there is somebody to clear it away.
    if (this.#woken && hasOthers && lostItsLockFile(error)) {
      const { allowances } = this.machine.oracle
      allowances.add('the lock file of an opener was cleared away as that of a dead one')
      return 'refused'
    }
    if (isDamage(error) && error.gaps.every(isFalseAlarm)) {
      this.#noteFalseAlarm()
      return 'refused'
    }
    throw new Violation(`opening was refused without a reason: ${String(error)}`, { cause: error })
  }

  #sleeperFailed(error: unknown): void {
    const { oracle } = this.machine
    if (error instanceof QlogError && !(error instanceof Violation)) return
    oracle.violation ??= new Violation(`a woken writer failed: ${String(error)}`, { cause: error })
  }

  /** What the process does. Everything it learns is compared by the oracle. */
  async #life(opening: Opening, works: boolean, mayDie: boolean): Promise<Ending> {
    const { random } = this
    const { process } = opening
    // A writer that stopped may still have a write in the kernel.
    if (!this.#sleeper && random.chance(0.2)) await opening.openWatched()
    else await opening.open()
    const { allowances } = this.machine.oracle
    if (allowances.has('a torn block that looks like rot was set aside')) this.#noteFalseAlarm()
    if (works) {
      for (let steps = random.between(2, 12); steps > 0; steps -= 1) {
        if (opening.current.status !== 'open' || !process.alive) break
        await this.#step(opening)
        if (this.#sleeper && opening !== this.#sleeper.opening && random.chance(0.2)) {
          this.#woken = true
          this.#sleeper.opening.process.resume()
        }
      }
    }
    if (random.chance(0.5)) await opening.settled()
    await this.#expectFollowed(opening)
    if (mayDie && random.chance(0.3)) return never(process)
    const stopped = opening.current.status !== 'open'
    const closed = await opening.current.close().then(
      () => true,
      (error: unknown) => {
        if (!(error instanceof QlogError)) throw error
        return false
      },
    )
    await opening.settled()
    return closed && !stopped ? 'closed' : 'ended'
  }

  async #step(opening: Opening): Promise<void> {
    const { random, machine } = this
    try {
      const shape = random.below(28)
      if (this.#traced)
        machine.simulation.trace.push(`step ${shape} at id ${opening.current.nextId}`)
      await this.#stepOf(opening, shape)
    } catch (error) {
      if (error instanceof SimulatedDeath) return never(opening.process)
      if (!(error instanceof QlogError) || error instanceof Violation) throw error
    }
    machine.check()
  }

  async #stepOf(opening: Opening, shape: number): Promise<void> {
    const { random, machine } = this
    if (shape < 6) void opening.append(random.between(0, 200))
    else if (shape < 8) void opening.append(random.between(1_000, 6_000))
    else if (shape === 8) void opening.append(0)
    else if (shape < 11) {
      const sizes = Array.from({ length: random.between(2, 8) }, () => random.between(0, 1_500))
      void opening.append(...sizes)
    } else if (shape === 11) void opening.append(random.between(14_000, 30_000), 10)
    else if (shape < 14) opening.appendSync(random.between(0, 3_000))
    else if (shape < 17) await opening.settled()
    else if (shape === 17) await opening.wait(random.pick([0.1, 1, 6, 60]))
    else if (shape < 20) this.#discard(opening)
    else if (shape === 20) await opening.verify()
    else if (shape === 21) {
      await machine.look(modeOf(this.options), () => false, opening)
      // The reader goes on where this process stands still, which does nothing until it is woken.
      if (opening.process.paused) await opening.wait(0)
    } else if (shape === 22) this.#jumpClock()
    else if (shape < 26) await this.#follow(opening)
    else if (shape === 26) await this.#get(opening)
    else this.#compact(opening)
  }

  /** Goes on beside whatever comes next. */
  #compact(opening: Opening): void {
    const { report, machine } = this
    const before = opening.current.stats().merging.merges
    opening.current.compact().then(
      () => {
        if (opening.current.stats().merging.merges > before) report.note('segments were merged')
      },
      (error: unknown) => {
        if (error instanceof SimulatedDeath || !opening.process.alive) return
        if (error instanceof QlogError) return
        machine.oracle.violation ??= new Violation('compact failed without a code', {
          cause: error,
        })
      },
    )
  }

  /** A follower begins somewhere in the log, or one that is there ends. */
  async #follow(opening: Opening): Promise<void> {
    const { random } = this
    const { firstId, nextId } = opening.current
    if (this.#followers.length >= FOLLOWERS_MAX || random.chance(0.1)) {
      this.report.note('a follower left')
      return this.#followers.shift()?.leave()
    }
    const from = random.chance(0.5) ? nextId : random.between(firstId, nextId)
    const pauseMs = random.pick([0, 0, 0.3, 2])
    this.report.note('a follower began')
    this.#followers.push(new Follower(opening, from, pauseMs))
  }

  /** Given time, followers have seen all that resolved. */
  async #expectFollowed(opening: Opening): Promise<void> {
    if (this.#followers.length === 0) return
    // What resolves while they catch up may still be on its way to them.
    const endId = opening.current.stats().durableEndId
    await opening.wait(CATCH_UP_MS)
    if (!opening.process.alive) return
    for (const follower of this.#followers) follower.expectComplete(opening, endId)
    this.machine.check()
  }

  #discard(opening: Opening): void {
    const { oracle } = this.machine
    const { firstId } = opening.current
    const last = Math.max(firstId, oracle.endSeen)
    const from = this.random.chance(0.8) ? firstId : this.random.between(firstId, last)
    const to = this.random.between(from, last)
    if (to > from) opening.discard(from, to)
  }

  async #get(opening: Opening): Promise<void> {
    const ids = [...this.machine.oracle.certain.keys()]
    if (ids.length === 0) return
    const id = this.random.pick(ids)
    const message = await opening.current.get(id)
    const { oracle } = this.machine
    const body = oracle.certain.get(id)
    // Who was taken over sees the files that are left of the log as it was.
    if (opening.writer.superseded) return
    if (!message) {
      oracle.applyDiscards({ messages: [], gaps: [], firstId: 0, nextId: opening.current.nextId })
      const mayBeGone = oracle.mayBeGone(id, opening.current.nextId)
      if (!mayBeGone && !oracle.damaged.has(id)) {
        throw new Violation(`invariant 1: get(${id}) found nothing`)
      }
    } else if (body && Buffer.compare(body, message.body) !== 0) {
      throw new Violation(`invariant 4: get(${id}) returned other bytes`)
    }
  }

  #jumpClock(): void {
    const { random, machine } = this
    machine.simulation.clock.jump(random.between(-10, 10) * random.pick([1, 1_000, 86_400_000]))
  }

  /** What happens while nobody has the log open: power goes, bits rot, readers look. */
  async #between(): Promise<void> {
    const { random, machine } = this
    const { simulation } = machine
    if (this.#sleeper && random.chance(0.4)) await this.#wakeSleeper()
    for (const opening of machine.openings) {
      if (opening !== this.#sleeper?.opening) machine.kill(opening)
    }
    machine.buryTheDead()
    if (random.chance(0.25)) {
      machine.oracle.weaken()
      machine.powerCut()
      this.#sleeper = undefined
    }
    if (random.chance(0.15) && !this.#sleeper && machine.simulation.disk.exists(DIRECTORY)) {
      if (await this.#hasLog()) {
        const look = () => machine.look(modeOf(this.options), () => !this.#rotten)
        await simulation.run(look)
        machine.check()
      }
    }
    if (this.#closed && !this.#rotten && !this.#sleeper && random.chance(0.15)) {
      this.#rotten = await flipOneBit(machine, random)
    }
  }

  /** Whether a log is there, with nothing in it that looks like rot by chance alone. */
  async #hasLog(): Promise<boolean> {
    const { oracle, simulation } = this.machine
    const { survey, rows, newest } = await assessDisk(simulation.disk, DIRECTORY)
    // Where a bit did rot, a block that was torn may look so beside it.
    const isTorn = newest?.tail.regions.some(
      ({ row, firstId, endId }) =>
        row === 'rot-single-bit' && firstId < endId && !oracle.damaged.has(firstId),
    )
    const isFalseAlarmed = rows.includes('rot-single-bit') && (!this.#rotten || isTorn === true)
    if (isFalseAlarmed) this.#noteFalseAlarm()
    return survey.heads.length > 0 && !isFalseAlarmed
  }

  /** The stopped writer goes on, finds itself fenced, and ends. */
  async #wakeSleeper(): Promise<void> {
    const sleeper = this.#sleeper
    if (!sleeper) return
    const { machine } = this
    this.#sleeper = undefined
    this.#woken = true
    sleeper.opening.process.resume()
    await machine.simulation.run(() =>
      Promise.race([
        sleeper.life.catch(() => undefined),
        // It may be waiting for ever where its schedule ends without closing.
        sleeper.opening.wait(10_000),
      ]),
    )
    machine.kill(sleeper.opening)
    machine.buryTheDead()
    machine.check()
  }

  /** Counts torn blocks, not how often each of them was looked at. */
  #noteFalseAlarm(): void {
    if (!this.#wasAlarmed) this.report.note(FALSE_ALARM)
    this.#wasAlarmed = true
  }

  async #noteVerdicts(): Promise<void> {
    const { disk } = this.machine.simulation
    if (!disk.exists(DIRECTORY)) return
    const { rows } = await assessDisk(disk, DIRECTORY)
    for (const row of new Set(rows)) this.report.note(row)
  }

  get seed(): number {
    return this.#seed
  }
}

const CALM: Plan = { crash: undefined, crashAt: 0, moment: 'during', faults: [], mayDie: false }

function lostItsLockFile({ code, cause }: QlogError): boolean {
  if (code !== 'QLOG_IO' || !(cause instanceof SimulatedSystemError)) return false
  return cause.code === 'ENOENT' && /\/lock-[0-9a-f]{32}\.tmp$/.test(cause.path)
}

/** A process that does nothing more, and is killed from outside. */
function never(process: { kill(): void }): Promise<never> {
  process.kill()
  return new Promise(() => {})
}
