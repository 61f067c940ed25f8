/** Worlds of the store suite on a simulated machine: over segment files, memory, and a log far away. */

import { MemoryMedium } from '../../src/log/memory/medium.ts'
import { openMemoryLog } from '../../src/log/memory/memory-log.ts'
import { openSegmentLog } from '../../src/log/open.ts'
import { checkOptions } from '../../src/log/options.ts'
import type { OpenLog } from '../../src/log/seam.ts'
import { openStoreOn } from '../../src/store/open-store.ts'
import type { Store, StoreOptions } from '../../src/store/types/store.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import { Random } from '../../src/system/simulated/random.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import { openSlowLog, type SlowLog } from '../../src/testing/slow-log.ts'
import type { StoreFactory } from '../../src/testing/store-suite/factory.ts'

const KIB = 1024
/** Waits of the suite itself, which no crash ends. */
const SUITE = { name: 'suite', alive: true, paused: false }

abstract class SimulatedWorld implements StoreFactory {
  protected readonly simulation: Simulation
  protected owner: SimulatedProcess | undefined

  constructor(seed: number) {
    this.simulation = new Simulation({ seed })
  }

  protected abstract openLog(process: SimulatedProcess): OpenLog

  /** Each opening is a process of its own. */
  async open(options: StoreOptions = {}): Promise<Store> {
    this.owner?.kill()
    this.owner = this.simulation.process('owner')
    return openStoreOn(this.owner, this.openLog(this.owner), options)
  }

  nowMs(): number {
    return this.simulation.clock.nowMs()
  }

  advance(ms: number): Promise<void> {
    return new Promise((resolve) => this.simulation.clock.after(SUITE, ms, resolve))
  }

  async crash(): Promise<void> {
    if (this.owner) this.simulation.kill(this.owner)
  }

  jumpWallClock(ms: number): void {
    this.simulation.clock.jump(ms)
  }

  async advanceWhileDown(ms: number, sameBoot: boolean): Promise<void> {
    const { clock } = this.simulation
    const startMs = clock.monotonicMs()
    // A boot takes up to a minute, which is part of the time.
    if (!sameBoot) this.simulation.powerCut()
    await this.advance(startMs + ms - clock.monotonicMs())
  }

  run(body: () => Promise<void>): Promise<void> {
    return this.simulation.run(body)
  }

  async dispose(): Promise<void> {
    this.owner?.kill()
  }
}

/** Half of the crashes also lose what was not synced. */
export class SegmentWorld extends SimulatedWorld {
  #crashes = 0
  readonly #random = new Random(11)

  protected override openLog(process: SimulatedProcess): OpenLog {
    const sizes = { segmentBytesMin: 16 * KIB, segmentBytesMax: 64 * KIB }
    return async (owner, { signal }) => {
      const options = checkOptions({
        ...sizes,
        messageBytesMax: 48 * KIB,
        ...(signal && { signal }),
      })
      return openSegmentLog(process, '/log', owner, options)
    }
  }

  override async crash(): Promise<void> {
    await super.crash()
    this.#crashes += 1
    if (this.#crashes % 2 === 1) this.simulation.disk.powerCut(this.#random)
  }

  setFull(full: boolean): void {
    const { disk } = this.simulation
    disk.capacityBytes = full ? disk.usedBytes : Number.POSITIVE_INFINITY
  }

  failNextWrite(): void {
    this.simulation.fault({
      call: ['write', 'writeMany', 'flush'],
      error: 'EIO',
      nth: 1,
      path: (path) => path.endsWith('.qls'),
    })
  }
}

export class MemoryWorld extends SimulatedWorld {
  protected readonly medium = new MemoryMedium()

  protected override openLog(process: SimulatedProcess): OpenLog {
    return openMemoryLog(process, this.medium)
  }

  override async crash(): Promise<void> {
    this.medium.crash()
    await super.crash()
  }

  override async advanceWhileDown(ms: number, sameBoot: boolean): Promise<void> {
    if (!sameBoot) this.medium.crash()
    await super.advanceWhileDown(ms, sameBoot)
  }
}

/** Every answer takes its time, and what a crash leaves is a matter of chance. */
export class SlowWorld extends MemoryWorld {
  #log: SlowLog | undefined

  protected override openLog(process: SimulatedProcess): OpenLog {
    const open = openSlowLog(process, this.medium, { seed: 5 })
    return async (owner, options) => {
      this.#log = await open(owner, options)
      return this.#log
    }
  }

  setFull(full: boolean): void {
    this.#log?.setFull(full)
  }

  failNextWrite(): void {
    this.#log?.failAt(this.#log.lastTicket + 1)
  }
}
