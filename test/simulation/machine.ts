/**
 * A simulated machine with one log and the oracle beside it: opens the log in processes of their
 * own, keeps the oracle informed of every append, and compares what comes back.
 */
import { DamagedError, type Gap, QlogError } from '../../src/errors.ts'
import { socketName } from '../../src/log/lock/lock-file.ts'
import { openPublicLog } from '../../src/log/open.ts'
import { openPublicReader } from '../../src/log/open-reader.ts'
import type { IdRange, Log, LogOptions, LogReader, Message } from '../../src/log/types.ts'
import type { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import type { PagedBytes } from '../../src/system/simulated/paged-bytes.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import type { Report } from '../../src/system/simulated/report.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import { SimulatedDeath } from '../../src/system/simulated/system-error.ts'
import type { System } from '../../src/system/system.ts'
import { bodyOf } from './bodies.ts'
import { type Append, type Content, type Mode, Oracle, Violation, type Writer } from './oracle.ts'

export const DIRECTORY = '/d/log'

export const SMALL_SEGMENTS = { segmentBytesMin: 16_384, segmentBytesMax: 32_768 } as const

export interface MachineOptions {
  readonly seed: number
  readonly crashSeed?: number
  readonly disk?: SimulatedDisk
  readonly report?: Report
  readonly oracle?: Oracle
  readonly durableWrites?: 'dsync' | 'flush'
  readonly trace?: boolean
}

/** One opening: the process, its log once it is open, and what it appended. */
export class Opening {
  readonly machine: Machine
  readonly process: SimulatedProcess
  readonly system: System
  readonly writer: Writer
  readonly options: LogOptions
  /** Appends whose promise has not settled. */
  readonly waiting = new Set<Promise<void>>()
  log: Log | undefined

  constructor(machine: Machine, process: SimulatedProcess, system: System, options: LogOptions) {
    this.machine = machine
    this.process = process
    this.system = system
    this.options = options
    this.writer = machine.oracle.begin(modeOf(options))
  }

  /** The same, and whether opening left every segment that was there as it was (invariant 7). */
  async openWatched(): Promise<Log> {
    const before = this.machine.segments()
    const log = await this.open()
    const after = this.machine.segments()
    for (const [path, content] of before) {
      const now = after.get(path)
      if (now && !content.equals(now)) throw new Violation(`invariant 7: ${path} was changed`)
    }
    return log
  }

  /** Opens the log and compares everything in it with what is owed. */
  async open(): Promise<Log> {
    const { machine, writer } = this
    const turn = machine.turns
    // One that has ended since this opening began may have written behind what was read.
    const isOver = (other: Writer): boolean => !other.alive && other.serial < writer.serial
    const log = await openPublicLog(this.system, DIRECTORY, this.options)
    this.log = log
    const content = await this.contentOf(log)
    if (machine.turns === turn || machine.isOwner(this)) {
      machine.oracle.setAside(log.stats().gaps)
      machine.oracle.verifyOwner(content, isOver)
      machine.supersede(this)
    } else {
      // Another took the log over since: what this one sees is old, and it may resolve nothing.
      writer.superseded = true
    }
    return log
  }

  async contentOf(log: Log): Promise<Content> {
    const { firstId, nextId } = log
    return { ...(await readAll(log)), firstId, nextId }
  }

  get current(): Log {
    if (this.log === undefined) throw new Error('the log is not open')
    return this.log
  }

  append(...byteCounts: readonly number[]): Promise<void> {
    return this.appendBodies(...byteCounts.map((bytes) => this.machine.newBody(bytes)))
  }

  appendBodies(...bodies: readonly Uint8Array[]): Promise<void> {
    const { oracle } = this.machine
    const log = this.current
    const append = oracle.appended(this.writer, log.nextId, bodies)
    const only = bodies[0]
    // One `then` for both: a further one would be a turn later, and order is being watched.
    const promise: Promise<number | IdRange> =
      bodies.length === 1 && only !== undefined ? log.append(only) : log.appendMany(bodies)
    const settled = promise.then(
      (id) => this.#whenAlive(() => this.#resolved(append, firstIdOf(id))),
      (error: unknown) => this.#whenAlive(() => this.#failed(append, error)),
    )
    this.waiting.add(settled)
    void settled.then(() => this.waiting.delete(settled))
    return settled
  }

  appendSync(byteCount: number): void {
    const { oracle } = this.machine
    const log = this.current
    const append = oracle.appended(this.writer, log.nextId, [this.machine.newBody(byteCount)])
    let id: number
    try {
      id = log.appendSync(append.bodies[0] ?? new Uint8Array(0))
    } catch (error) {
      if (error instanceof SimulatedDeath || !this.process.alive) throw error
      this.#failed(append, error, true)
      return
    }
    if (this.process.alive) this.#resolved(append, id, false)
  }

  #resolved(append: Append, id: number, inOrder = true): void {
    const { oracle } = this.machine
    oracle.resolved(append, id, inOrder)
    // What is returned as durable must be readable at once.
    if (this.current.nextId < id + append.bodies.length) {
      oracle.violation ??= new Violation(`id ${id} resolved beyond the next id`)
    }
  }

  #failed(append: Append, error: unknown, sync = false): void {
    const { oracle } = this.machine
    if (!(error instanceof QlogError)) {
      oracle.violation ??= new Violation('an append failed without a code', { cause: error })
      return
    }
    const mayHaveHappened =
      error.code === 'QLOG_INDETERMINATE' ||
      (sync && (error.code === 'QLOG_FAILED' || error.code === 'QLOG_FENCED'))
    if (mayHaveHappened) oracle.indeterminate(append)
    else oracle.rejected(append)
    if (!mayHaveHappened && error.code !== 'QLOG_REJECTED') return
    if (!sync) append.writer.failed = true
    // What a failing synchronous append resolved in front of it is heard a few turns later.
    else void turns(8).then(() => this.#whenAlive(() => this.#markFailed()))
  }

  #markFailed(): void {
    this.writer.failed = true
  }

  /** JavaScript of a dead process may still run to its end; what it says there means nothing. */
  #whenAlive(act: () => void): void {
    if (this.process.alive) act()
  }

  async settled(): Promise<void> {
    await Promise.all([...this.waiting])
  }

  /** Virtual time passes, and whatever is due happens. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.system.clock.after(ms, resolve))
  }

  discard(firstId: number, endId: number): void {
    // Asked for before the call, since the call may be the last thing this process does.
    this.machine.oracle.discard(this.writer, firstId, endId)
    this.current.discard(firstId, endId)
  }

  /** A flush has failed, and with it may be gone what was only written before. */
  get hasLostWritten(): boolean {
    return this.writer.mode !== 'always' && this.current.status !== 'open'
  }

  /** Reads everything again while the log is in use. */
  async verify(): Promise<void> {
    if (this.writer.superseded) return
    const log = this.current
    const { oracle } = this.machine
    const { nextId } = log
    const content = await readAll(log, nextId)
    // Who was taken over meanwhile reads the files that are left of the log as it was.
    if (this.writer.superseded) return
    if (this.hasLostWritten) return
    const last = content.messages.at(-1)
    const firstId = log.firstId
    oracle.verifyRunning({
      messages: content.messages.filter(({ id }) => id >= firstId),
      gaps: content.gaps,
      firstId,
      // A retirement may have taken effect in the middle of the reading. What is lost counts for retention too.
      nextId: Math.max(firstId, last ? last.id + 1 : 0, ...content.gaps.map(({ endId }) => endId)),
    })
    oracle.sawFirstId(firstId)
  }
}

export class Machine {
  readonly simulation: Simulation
  readonly oracle: Oracle
  readonly durableWrites: 'dsync' | 'flush'
  openings: Opening[] = []
  /** How often the log has had a new owner. */
  turns = 0
  /** Changes where a stopped owner has to count as dead: only another boot proves that. */
  #foreignBoots = 0
  #boots = 0

  constructor(options: MachineOptions) {
    const { seed, crashSeed, disk, report, trace } = options
    this.simulation = new Simulation({
      seed,
      ...(crashSeed !== undefined && { crashSeed }),
      ...(disk && { disk }),
      ...(report && { report }),
      ...(trace !== undefined && { trace }),
    })
    this.oracle = options.oracle ?? new Oracle()
    this.durableWrites = options.durableWrites ?? 'dsync'
  }

  newBody(byteCount: number): Uint8Array {
    this.oracle.serial += 1
    return bodyOf(this.oracle.serial, byteCount)
  }

  opening(options: LogOptions = {}, name = 'writer'): Opening {
    const process = this.simulation.process(name, { durableWrites: this.durableWrites })
    const system = this.#systemOf(process)
    const opening = new Opening(this, process, system, { ...SMALL_SEGMENTS, ...options })
    this.openings.push(opening)
    return opening
  }

  /** From now on processes belong to another boot, so that an owner that is only stopped is dead. */
  rebootForOthers(): void {
    this.#boots += 1
    this.#foreignBoots = this.#boots
  }

  #bootOf(process: SimulatedProcess): string {
    if (this.#foreignBoots === 0) return process.identity.bootId
    return this.#foreignBoots.toString(16).padStart(32, '0')
  }

  #systemOf(process: SimulatedProcess, boot = this.#bootOf(process)): System {
    if (boot === process.identity.bootId) return process
    return {
      files: process.files,
      clock: process.clock,
      sockets: process.sockets,
      identity: { ...process.identity, bootId: boot },
      crc32: process.crc32,
      lz4: process.lz4,
      random: process.random,
      watchLoop: process.watchLoop,
      warn: process.warn,
    }
  }

  /** An opening has read the log: the others own it no more. */
  supersede(by: Opening): void {
    this.turns += 1
    for (const { writer } of this.openings) writer.superseded = writer !== by.writer
  }

  /** Every segment file as it stands. */
  segments(): Map<string, PagedBytes> {
    const { disk } = this.simulation
    const isSegment = (path: string): boolean =>
      path.endsWith('.qls') && !path.includes('quarantine')
    return new Map([...disk.contents()].filter(([path]) => isSegment(path)))
  }

  /** Whether LOCK names this opening, looked up on the disk. */
  isOwner(opening: Opening): boolean {
    const { disk } = this.simulation
    if (!disk.exists(`${DIRECTORY}/LOCK`)) return false
    const text = Buffer.from(disk.readFile(`${DIRECTORY}/LOCK`)).toString('latin1')
    return text.includes(`"pid":${opening.process.identity.pid},`)
  }

  #ownerHasSocket(): boolean {
    const { disk } = this.simulation
    const text = Buffer.from(disk.readFile(`${DIRECTORY}/LOCK`)).toString('latin1')
    const random = /"random":"([0-9a-f]+)"/.exec(text)?.[1] ?? ''
    return disk.exists(`${DIRECTORY}/${socketName(random)}`)
  }

  kill(opening: Opening): void {
    if (opening.process.alive) this.simulation.kill(opening.process)
    opening.writer.alive = false
  }

  powerCut(): void {
    this.simulation.powerCut()
    this.powerWent()
  }

  /** Every process is of a new boot now, and needs none of ours. */
  powerWent(): void {
    this.#foreignBoots = 0
    this.buryTheDead()
  }

  /** Looks whose process has died, by a planned crash or otherwise, and in which way. */
  buryTheDead(): void {
    for (const { process, writer } of this.openings) if (!process.alive) writer.alive = false
    this.openings = this.openings.filter(({ process }) => process.alive)
  }

  /**
   * Reads the log as somebody without the lock, and compares. `everything` as in the oracle. `beside`:
   * an owner at work, whose boot it must share to see that it lives. Where it is the owner no more, a living
   * one of another boot is dead to this reader: what it shows must have been appended, and no more is asked.
   */
  async look(mode: Mode, everything: () => boolean, beside?: Opening): Promise<void> {
    const reader = this.simulation.process('reader', { durableWrites: this.durableWrites })
    const { bootId } = (beside?.system ?? this.#systemOf(reader)).identity
    const system = this.#systemOf(reader, bootId)
    const isBesideOwner = (): boolean => beside === undefined || this.isOwner(beside)
    const wasBesideOwner = isBesideOwner()
    const outcome = await reader.run(async () => {
      const log = await openPublicReader(system, DIRECTORY)
      const { firstId, nextId } = log
      const { messages, gaps } = await readAll(log)
      await log.close()
      // Where a file went away under it, a reader looks again, and may see more than at first.
      const end = (messages.at(-1)?.id ?? 0) + 1
      return { messages, gaps, firstId, nextId: Math.max(nextId, end) }
    })
    if (outcome.state !== 'done') return
    const isForeign = bootId !== this.#bootOf(reader) && !(wasBesideOwner && isBesideOwner())
    // An opener of another boot took its owner for dead, and nothing says any more that he lives.
    const isUnseen = beside !== undefined && isBesideOwner() && !this.#ownerHasSocket()
    if (isForeign || isUnseen) this.oracle.verifyForeign(outcome.value)
    else this.oracle.verifyReader(outcome.value, mode, everything())
  }

  /** Nothing may have been said in a callback that breaks a promise. */
  check(): void {
    if (this.oracle.violation) throw this.oracle.violation
  }
}

export async function readAll(
  log: LogReader,
  to?: number,
): Promise<{ messages: Message[]; gaps: Gap[] }> {
  const messages: Message[] = []
  const gaps: Gap[] = []
  const onGap = (gap: Gap): void => {
    gaps.push(gap)
  }
  if (to !== 1) {
    for await (const batch of log.readBatches({ onGap, ...(to !== undefined && { to }) })) {
      messages.push(...batch)
    }
  }
  return { messages, gaps }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await undefined
}

function firstIdOf(appended: number | IdRange): number {
  return typeof appended === 'number' ? appended : appended.firstId
}

export function modeOf(options: LogOptions): Mode {
  const { sync } = options
  return sync === undefined || typeof sync === 'string' ? (sync ?? 'always') : 'interval'
}

export function isDamage(error: unknown): error is DamagedError {
  return error instanceof DamagedError
}
