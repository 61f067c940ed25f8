/** A group that nobody uses, and its removal by the store itself: somewhere in a long wait. */
import type { Random } from '../../../src/system/simulated/random.ts'
import type { Driver } from './driver.ts'
import { Violation } from './reference.ts'
import { pickGroup } from './take-queues.ts'
import * as verbs from './verbs.ts'

/** Longer than every lease, and than waiting for all of them. */
const IDLE_MS = 120_000
/** The removal is on its way at some time from so long before to so long behind the end. */
const AROUND_MS = 1_000

export async function takeLetIdle(driver: Driver, random: Random): Promise<void> {
  await driver.calm()
  const found = pickGroup(driver, random)
  if (found === undefined || driver.stopped) return
  const [{ name: queue, groups }, { name: idle }] = found
  const of = (one: { queue: string; group: string }): boolean =>
    one.queue === queue && one.group === idle
  // Its time would count from their end.
  if ([...driver.reference.leases.values()].some(({ place }) => of(place))) return
  for (const holder of driver.holders) {
    if (!holder.watched.some(of)) continue
    holder.session.ignore(queue, idle)
    holder.watched = holder.watched.filter((one) => !of(one))
  }
  const session = driver.store.session()
  for (const group of groups.keys()) if (group !== idle) await session.watch(queue, { group })
  await driver.whileAlive()
  if (await configureIdle(driver, queue, IDLE_MS)) {
    const startMs = driver.now.elapsedMs
    await driver.world.wait(IDLE_MS / 2)
    // Leases of before have run out.
    await driver.stepAside()
    await driver.quiesce()
    if (driver.stopped) return
    await driver.world.wait(startMs + IDLE_MS - AROUND_MS - driver.now.elapsedMs)
    await driver.whileAlive()
    const isLast = groups.size === 1
    if (!isLast) {
      driver.reference.append(`idle removal of ${queue}/${idle}`, (state) =>
        verbs.removeGroup(state, queue, idle),
      )
      driver.becomesVague(of)
    }
    await driver.world.wait(2 * AROUND_MS)
    await driver.quiesce()
    if (driver.stopped) return
    const left = driver
      .queue(queue)
      .stats()
      .groups.map(({ group }) => group)
    if (left.includes(idle) !== isLast)
      throw new Violation(`idle ${queue}/${idle}: ${left} are left`)
    if (!isLast) driver.world.simulation.report.note('an idle group was removed')
    await configureIdle(driver, queue, undefined)
  }
  await session.close()
}

/** In an opening of another that died meanwhile, its groups would go at any time. */
export async function endIdle(driver: Driver): Promise<void> {
  for (const { queue, settings } of driver.store.stats().queues) {
    if (settings.groupIdleMs !== undefined) await configureIdle(driver, queue, undefined)
  }
}

/** False where the log has stopped. What the reference knows of is not changed. */
async function configureIdle(
  driver: Driver,
  queue: string,
  groupIdleMs: number | undefined,
): Promise<boolean> {
  const label = `groupIdleMs ${groupIdleMs} of ${queue}`
  const [entry] = driver.reference.append(label, () => undefined)
  const change = { groupIdleMs: groupIdleMs ?? null }
  await driver.send(label, entry, driver.queue(queue).configure(change))
  await driver.whileAlive()
  return !driver.stopped
}
