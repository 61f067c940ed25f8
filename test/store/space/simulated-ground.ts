/** A store on a simulated disk, for the tests of its space. */
import { type FileUse, Ground } from '../../../bench/space/ground.ts'
import type { LogOptions } from '../../../src/log/types.ts'
import type { SimulatedProcess } from '../../../src/system/simulated/process.ts'
import { Simulation } from '../../../src/system/simulated/simulation.ts'
import type { System } from '../../../src/system/system.ts'

/** Waits of the test itself. */
const TEST = { name: 'test', alive: true, paused: false }

export class SimulatedGround extends Ground {
  protected readonly directory = '/log'
  readonly simulation: Simulation
  #owner: SimulatedProcess | undefined

  constructor(seed: number, options: LogOptions) {
    super(options)
    this.simulation = new Simulation({ seed, stepsMax: Number.POSITIVE_INFINITY })
  }

  protected system(): System {
    this.#owner?.kill()
    this.#owner = this.simulation.process('owner')
    return this.#owner
  }

  /** The owner's process ends where it stands; with a power cut the disk loses what was not flushed. */
  crash(isPowerCut: boolean): void {
    this.#owner?.kill()
    if (isPowerCut) this.simulation.powerCut()
  }

  files(): readonly FileUse[] {
    const files: FileUse[] = []
    for (const [path, { length }] of this.simulation.disk.tree()) {
      files.push({ name: path.slice(this.directory.length + 1), bytes: length })
    }
    return files
  }

  pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.simulation.clock.after(TEST, ms, resolve))
  }

  run<T>(body: () => Promise<T>): Promise<T> {
    return this.simulation.run(body)
  }
}
