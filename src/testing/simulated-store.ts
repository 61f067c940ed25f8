/**
 * A store in a process of the simulated machine: what `openStore` does on the real one. May touch whatever
 * opens logs and stores.
 */
import { openSegmentLog } from '../log/open.ts'
import { checkDirectory, checkStoreLogOptions } from '../log/options.ts'
import { openStoreOn } from '../store/open-store.ts'
import type { Store, StoreOptions } from '../store/types/store.ts'
import type { SimulatedProcess } from '../system/simulated/process.ts'

/**
 * Opens the store in `directory` on the disk of the simulation that the process belongs to, making one where
 * there is none. It runs on the simulation's clock, so only while `simulation.run` does. Rejects like
 * `openStore`; once the process is killed nothing of it settles any more.
 */
export async function openSimulatedStore(
  process: SimulatedProcess,
  directory: string,
  options: StoreOptions = {},
): Promise<Store> {
  const path = checkDirectory(directory)
  const checked = checkStoreLogOptions(options.log)
  return openStoreOn(
    process,
    (owner, { signal }) => openSegmentLog(process, path, owner, { ...checked, signal }),
    options,
    path,
  )
}
