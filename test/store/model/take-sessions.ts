/** Commands that open and close sessions, and change what they watch. */
import type { Random } from '../../../src/system/simulated/random.ts'
import type { Driver, Holder } from './driver.ts'
import { QUEUES } from './retries.ts'
import type { State } from './state.ts'
import * as verbs from './verbs.ts'

export const GROUPS = ['default', 'audit', 'slow'] as const
const HOLDERS_MAX = 4

export async function takeOpenSession(driver: Driver, random: Random): Promise<void> {
  if (driver.holders.length >= HOLDERS_MAX) return
  const holder: Holder = { session: driver.store.session(), watched: [] }
  driver.holders.push(holder)
  await watch(driver, random, holder)
}

export async function takeWatch(driver: Driver, random: Random): Promise<void> {
  const holder = await holderFor(driver, random)
  if (holder.watched.length > 2 || random.chance(0.2)) {
    const gone = holder.watched.shift()
    if (gone) holder.session.ignore(gone.queue, gone.group)
  } else await watch(driver, random, holder)
}

async function watch(driver: Driver, random: Random, holder: Holder): Promise<void> {
  const queue = random.pick(QUEUES)
  const group = random.pick(['default', 'default', ...GROUPS])
  const isNamed = group !== 'default' || random.chance(0.5)
  const { current } = driver.reference
  const exists = current.queues.get(queue)?.groups.has(group) ?? false
  driver.beginQueue(queue)
  const make = (state: State): void => verbs.createGroup(state, queue, group, () => true, undefined)
  const [entry] = exists ? [] : driver.reference.append(`watch of ${queue}/${group}`, make)
  const promise = holder.session.watch(queue, isNamed ? { group } : {})
  await driver.send('watch', entry, promise)
  if (!holder.watched.some((one) => one.queue === queue && one.group === group)) {
    holder.watched.push({ queue, group })
  }
}

export async function holderFor(driver: Driver, random: Random): Promise<Holder> {
  if (driver.holders.length === 0) await takeOpenSession(driver, random)
  return random.pick(driver.holders)
}

export async function takeCloseSession(driver: Driver, random: Random): Promise<void> {
  if (driver.holders.length === 0) return
  const holder = random.pick(driver.holders)
  driver.holders = driver.holders.filter((one) => one !== holder)
  const own = driver.held.filter((held) => held.holder === holder)
  const places = driver.placesToGiveBack(own)
  const giveBack = (state: State): void => {
    for (const place of places) verbs.giveBack(state, place)
  }
  const [entry] =
    places.length > 0 ? driver.reference.append('close of a session', giveBack, places) : []
  driver.unlease(places)
  const sent = driver.send('close of a session', entry, holder.session.close())
  if (random.chance(0.5)) await sent
}
