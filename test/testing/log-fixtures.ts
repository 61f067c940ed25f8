/** The logs of this repository as fixtures of the log suite, each on a simulated machine. */

import { MemoryMedium } from '../../src/log/memory/medium.ts'
import { openMemoryLog } from '../../src/log/memory/memory-log.ts'
import { openSegmentLog } from '../../src/log/open.ts'
import { checkOptions } from '../../src/log/options.ts'
import type { LogOwner, OwnedLog } from '../../src/log/seam.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import type { Clock } from '../../src/system/system.ts'
import type { LogFixture, LogPower } from '../../src/testing/log-suite.ts'
import { openSlowLog, type SlowLog } from '../../src/testing/slow-log.ts'

const KIB = 1024

/** The clock of a simulated machine, which is driven while a test runs. */
export class Machine {
  readonly simulation: Simulation
  #suite: SimulatedProcess

  constructor(seed: number) {
    this.simulation = new Simulation({ seed })
    this.#suite = this.simulation.process('suite')
  }

  get clock(): Clock {
    // A power cut ends every process, that of the suite too.
    if (!this.#suite.alive) this.#suite = this.simulation.process('suite')
    return this.#suite.clock
  }

  run(body: () => Promise<void>): Promise<void> {
    return this.simulation.run(body)
  }
}

export class MemoryFixture extends Machine implements LogFixture {
  readonly medium = new MemoryMedium()

  open(owner: LogOwner, options: { signal?: AbortSignal } = {}): Promise<OwnedLog> {
    const limits = { messageBytesMax: 48 * KIB, inFlightBytesMax: 128 * KIB }
    return openMemoryLog({ clock: this.clock }, this.medium, limits)(owner, options)
  }

  takeOver(owner: LogOwner): Promise<OwnedLog> {
    return this.open(owner)
  }

  async crash(): Promise<void> {
    this.medium.crash()
  }
}

export const MEMORY_LACKS: readonly LogPower[] = ['failNextCommit', 'setFull']

export class SlowFixture extends Machine implements LogFixture {
  readonly #medium = new MemoryMedium()
  readonly #seed: number
  #log: SlowLog | undefined

  constructor(seed: number) {
    super(seed)
    this.#seed = seed
  }

  async open(owner: LogOwner, options: { signal?: AbortSignal } = {}): Promise<OwnedLog> {
    const slow = { seed: this.#seed, inFlightBytesMax: 128 * KIB }
    this.#log = await openSlowLog({ clock: this.clock }, this.#medium, slow)(owner, options)
    return this.#log
  }

  takeOver(owner: LogOwner): Promise<OwnedLog> {
    return this.open(owner)
  }

  async crash(): Promise<void> {
    this.#medium.crash()
  }

  failNextCommit(): void {
    this.#log?.failAt(this.#log.lastTicket + 1)
  }

  setFull(full: boolean): void {
    this.#log?.setFull(full)
  }
}

export class SegmentFixture extends Machine implements LogFixture {
  #owner = this.simulation.process('owner')
  #crashes = 0

  async open(owner: LogOwner, options: { signal?: AbortSignal } = {}): Promise<OwnedLog> {
    if (!this.#owner.alive) this.#owner = this.simulation.process('owner')
    const checked = checkOptions({
      segmentBytesMin: 16 * KIB,
      segmentBytesMax: 64 * KIB,
      messageBytesMax: 48 * KIB,
      inFlightBytesMax: 128 * KIB,
      ...options,
    })
    return openSegmentLog(this.#owner, '/log', owner, checked)
  }

  /** Somebody takes LOCK away and opens, as a network file system may let them. */
  takeOver(owner: LogOwner): Promise<OwnedLog> {
    this.simulation.disk.removeFile('/log/LOCK')
    this.#owner = this.simulation.process('other')
    return this.open(owner)
  }

  async crash(): Promise<void> {
    this.#crashes += 1
    if (this.#crashes % 2 === 0) this.simulation.kill(this.#owner)
    else this.simulation.powerCut()
  }

  failNextCommit(): void {
    this.simulation.fault({
      call: ['write', 'writeMany', 'flush'],
      error: 'EIO',
      nth: 1,
      path: (path) => path.endsWith('.qls'),
    })
  }

  setFull(full: boolean): void {
    const { disk } = this.simulation
    disk.capacityBytes = full ? disk.usedBytes : Number.POSITIVE_INFINITY
  }
}
