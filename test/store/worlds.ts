/** Runs a test in one of the worlds of the store suite, and in one whose log is as slow as is told. */
import type { OwnedLog } from '../../src/log/seam.ts'
import { LogStore } from '../../src/store/log-store.ts'
import type { Store } from '../../src/store/types/store.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import { openSlowLog } from '../../src/testing/slow-log.ts'
import type { StoreFactory } from '../../src/testing/store-suite/factory.ts'
import { World } from '../../src/testing/store-suite/world.ts'
import { MemoryWorld } from '../testing/store-worlds.ts'

/** The process can be kept from its turns for a while, as by a handler that computes. */
export class StallingWorld extends MemoryWorld {
  async stall(ms: number): Promise<void> {
    this.owner?.pause()
    await this.advance(ms)
    this.owner?.resume()
  }
}

/** One group is on its way at a time, and so long. */
export const PACE_MS = 20

/** Every group takes its time, and the next waits for it: what is put meanwhile is not sent yet. */
export class PacedWorld extends StallingWorld {
  #setFull: ((full: boolean) => void) | undefined

  protected override openLog(process: SimulatedProcess) {
    const pace = { delayMsMin: PACE_MS, delayMsMax: PACE_MS, groupsInFlightMax: 1 }
    const open = openSlowLog(process, this.medium, pace)
    return async (...words: Parameters<typeof open>): Promise<OwnedLog> => {
      const log = await open(...words)
      this.#setFull = (full) => log.setFull(full)
      return log
    }
  }

  setFull(full: boolean): void {
    this.#setFull?.(full)
  }
}

/** The body runs with a store that is open. */
export async function inWorld(
  factory: StoreFactory,
  body: (world: World) => Promise<void>,
): Promise<void> {
  const world = new World(factory)
  const run = async (): Promise<void> => {
    await world.open()
    await body(world)
  }
  try {
    await (factory.run?.(run) ?? run())
  } finally {
    await factory.dispose()
  }
}

/** What a store lets its proof see. */
export function provable(store: Store): LogStore {
  if (store instanceof LogStore) return store
  throw new Error('the store cannot be proved')
}

/** The promise may never settle, or fail: that is somebody else's business. */
export function unheard(promise: Promise<unknown>): void {
  promise.catch(() => undefined)
}
