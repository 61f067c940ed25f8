/** A log at rest: opening and closing leaves it as it is, and its caches are nothing but caches. */
import type { LogOptions } from '../../src/log/types.ts'
import type { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import type { PagedBytes } from '../../src/system/simulated/paged-bytes.ts'
import { DIRECTORY, type Machine } from './machine.ts'
import { Violation } from './oracle.ts'

async function openAndClose(machine: Machine, options: LogOptions): Promise<void> {
  const opening = machine.opening(options)
  await machine.simulation.run(async () => {
    await opening.open()
    await opening.current.close()
  })
  machine.kill(opening)
  machine.check()
}

function contentOf(disk: SimulatedDisk): Map<string, PagedBytes> {
  const isTold = (path: string): boolean =>
    path.startsWith(DIRECTORY) && !path.startsWith(`${DIRECTORY}/LOCK`)
  return new Map([...disk.contents()].filter(([path]) => isTold(path)))
}

/** Invariant 8: after a clean close, open and close without an append changes nothing but LOCK. */
export async function expectIdleOpeningChangesNothing(
  machine: Machine,
  options: LogOptions,
): Promise<void> {
  // An opening in front may still have to set aside what an earlier crash left.
  await openAndClose(machine, options)
  const before = contentOf(machine.simulation.disk)
  await openAndClose(machine, options)
  const after = contentOf(machine.simulation.disk)
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const was = before.get(path)
    const is = after.get(path)
    if (was && is?.equals(was)) continue
    const what = !is ? 'removed' : !was ? 'made' : 'changed'
    throw new Violation(`invariant 8: opening and closing ${what} ${path}`)
  }
}

/** Invariant 9: index, lock, spares and temporary files may vanish while the log is closed. */
export async function expectCachesAreCaches(machine: Machine, options: LogOptions): Promise<void> {
  const { disk } = machine.simulation
  for (const path of disk.contents().keys()) {
    if (!path.startsWith(`${DIRECTORY}/`) || path.endsWith('.qls')) continue
    disk.removeFile(path)
  }
  await openAndClose(machine, options)
}
