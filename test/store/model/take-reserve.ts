/** Commands that reserve, and what their deliveries must be. */

import type { Delivery } from '../../../src/store/types/deliveries.ts'
import type { ReserveOptions } from '../../../src/store/types/sessions.ts'
import type { Random } from '../../../src/system/simulated/random.ts'
import { isSameBody } from '../../simulation/bodies.ts'
import { any } from './commands.ts'
import { factsDifference } from './compare.ts'
import { cellNow, type Driver, type Holder } from './driver.ts'
import { type Lease, nameOf, Violation } from './reference.ts'
import { buriedInstead, expectReserved, type Reserving, type Watched } from './reserved.ts'
import { attemptsMaxOf } from './retries.ts'
import { cellOf, type Deadline, groupOf, isReady, type Place, passed, type State } from './state.ts'
import { holderFor } from './take-sessions.ts'
import * as verbs from './verbs.ts'

const LEASE_MS_DEFAULT = 30_000
const LEASES_MS = [undefined, 2_000, 5_000, 12_000] as const
const WAIT_MS = 3_000

export async function takeReserve(driver: Driver, random: Random): Promise<void> {
  const holder = await holderFor(driver, random)
  if (driver.stopped) return
  await reserve(driver, random, holder, 0)
}

/** Something may be put, or come due, while it waits. */
export async function takeReserveWaiting(
  driver: Driver,
  random: Random,
  meanwhile: () => Promise<void>,
): Promise<void> {
  const holder = await holderFor(driver, random)
  if (driver.stopped) return
  await reserve(driver, random, holder, WAIT_MS, random.chance(0.7) ? meanwhile : undefined)
}

async function reserve(
  driver: Driver,
  random: Random,
  holder: Holder,
  timeoutMs: number,
  meanwhile?: () => Promise<void>,
): Promise<void> {
  const { reference } = driver
  const count = random.pick([1, 1, 2, 5, 20])
  const bytesMax = any(random, [undefined, undefined, 100, 3_000])
  const leaseMs = any(random, LEASES_MS)
  const options: ReserveOptions = {
    ...(count > 1 || random.chance(0.5) ? { count } : {}),
    ...(bytesMax !== undefined && { bytesMax }),
    ...(leaseMs !== undefined && { leaseMs }),
  }
  const watched = [...holder.watched]
  const endingIn = (of: Watched): number => driver.endingIn(of)
  const asked = { watched, count, bytesMax, attemptsMaxOf: mostOf(driver), endingIn }
  const buried = await toBuryInstead(driver, asked)
  if (buried === undefined || driver.stopped) return
  const mayWait = buried.length === 0 && !mayUseUp(driver, watched)
  const states = reference.states
  const started = driver.now
  reference.reserving = watched
  const label = `reserve in ${watched.map(({ queue, group }) => `${queue}/${group}`).join()}`
  const promise = holder.session.reserve({ ...options, timeoutMs: mayWait ? timeoutMs : 0 })
  const sent = driver.send(label, undefined, promise, (deliveries) => {
    reference.reserving = []
    const ended = driver.now
    const places = deliveries.map(placeOf)
    driver.expireGiven(places)
    const moments = [started, ended]
    expectReserved({ ...asked, states: [...states, ...reference.states], moments }, places)
    buryInstead(driver, buried)
    take(driver, holder, deliveries, leaseMs, started.elapsedMs)
  })
  // Not before it has begun: whoever puts meanwhile knows that it is under way.
  if (meanwhile) await meanwhile()
  await sent
}

/** What a reserve would bury, once that is plain; undefined where it will not be. */
async function toBuryInstead(
  driver: Driver,
  asked: Omit<Reserving, 'states' | 'moments'>,
): Promise<readonly Place[] | undefined> {
  const look = (): readonly Place[] | undefined => {
    const { states } = driver.reference
    return buriedInstead({ ...asked, states, moments: [driver.now] })
  }
  const found = look()
  if (found !== undefined && found.length === 0) return found
  await driver.quiesce()
  await driver.stepAside()
  return look()
}

function mostOf(driver: Driver): (place: Place) => number {
  return (place) => attemptsMaxOf(driver.reference.current, place)
}

/** While it waits, a lease may end that was the last attempt. */
function mayUseUp(driver: Driver, watched: readonly Watched[]): boolean {
  return watched.some(({ queue, group }) => {
    const cells = groupOf(driver.reference.current, queue, group)?.cells ?? []
    const most = mostOf(driver)
    return [...cells].some(([id, cell]) => cell.attempts >= most({ queue, group, id }))
  })
}

function buryInstead(driver: Driver, buried: readonly Place[]): void {
  if (buried.length === 0) return
  driver.reference.append(
    `burial of ${buried.map(nameOf).join()}`,
    (state) => {
      const told = { reason: verbs.USED_UP, errorElse: verbs.NO_ANSWER }
      for (const place of buried) verbs.bury(state, place, told)
    },
    buried,
  )
}

export async function takeReserveById(driver: Driver, random: Random): Promise<void> {
  const holder = await holderFor(driver, random)
  if (driver.stopped) return
  const { reference } = driver
  const queues = [...reference.current.queues.values()].filter(({ groups }) => groups.size > 0)
  if (queues.length === 0) return
  const queue = random.pick(queues)
  const group = random.pick([...queue.groups.values()])
  const ids = [...group.cells.keys()]
  if (ids.length === 0) return
  const id = random.pick(ids)
  const place: Place = { queue: queue.name, group: group.name, id }
  const started = driver.now
  const { states } = reference
  const buried = random.chance(0.5)
  reference.reserving = [{ queue: queue.name, group: group.name, ...(buried && { buriedId: id }) }]
  const promise = holder.session.reserveById(id, { group: group.name, buried })
  await driver.send(`reserve of ${nameOf(place)}`, undefined, promise, (delivery) => {
    reference.reserving = []
    const isFree = (state: State): boolean => {
      const cell = cellOf(state, place)
      const message = state.queues.get(place.queue)?.messages.get(id)
      const mayGo = cell?.state === 'waiting' || (buried && cell?.state === 'buried')
      return mayGo && message !== undefined
    }
    if (delivery === undefined) return
    if (delivery.id !== id || delivery.queue !== queue.name) {
      throw new Violation(`${delivery.queue}/${delivery.id} was given for ${nameOf(place)}`)
    }
    if (!states.some(isFree)) throw new Violation(`${nameOf(place)} was given and is not free`)
    take(driver, holder, [delivery], undefined, started.elapsedMs, isFree)
  })
}

/** Notes deliveries that were given, after looking whether each of them is what was put. */
function take(
  driver: Driver,
  holder: Holder,
  deliveries: readonly Delivery[],
  leaseMs: number | undefined,
  fromMs: number,
  isFree?: (state: State) => boolean,
): void {
  const { reference } = driver
  const places = deliveries.map(placeOf)
  for (const [row, delivery] of deliveries.entries()) {
    const place = places[row] ?? placeOf(delivery)
    expectDelivery(driver, place, delivery)
    const { now } = driver
    reference.sawReady(place, (state) => {
      const message = state.queues.get(place.queue)?.messages.get(place.id)
      const cell = cellOf(state, place)
      if (isFree) return isFree(state)
      return message !== undefined && cell !== undefined && isReady(message, cell, now) !== 'no'
    })
  }
  if (places.length === 0) return
  const { now } = driver
  const [entry] = reference.append(
    `lease of ${places.map(nameOf).join()}`,
    (state) => {
      for (const place of places) {
        // Taken before its time it is plain no more.
        const due = cellOf(state, place)?.due
        const hasBeenDue = passed(due, now) === 'yes' || due?.lowMs === Number.NEGATIVE_INFINITY
        const isEarly = isFree !== undefined && !hasBeenDue
        verbs.lease(state, place, isEarly)
      }
    },
    places,
  )
  // What an earlier opening may have died of does not go out before its lease is on disk.
  if (places.some(({ id }) => id < driver.uncleanBelowId)) reference.acknowledge(entry)
  const { elapsedMs } = driver.now
  for (const [row, delivery] of deliveries.entries()) {
    const place = places[row] ?? placeOf(delivery)
    const own = reference.current.queues.get(place.queue)?.messages.get(place.id)?.leaseMs
    const forMs = leaseMs ?? own ?? LEASE_MS_DEFAULT
    const end: Deadline = {
      kind: 'elapsed',
      lowMs: fromMs + forMs - 2,
      highMs: elapsedMs + forMs + 2,
    }
    const lease: Lease = { place, end }
    reference.leases.set(nameOf(place), lease)
    driver.held.push({ delivery, place, lease, holder, vague: false })
  }
}

function expectDelivery(driver: Driver, place: Place, delivery: Delivery): void {
  const message = driver.reference.current.queues.get(place.queue)?.messages.get(place.id)
  const cell = cellNow(driver, place)
  if (message === undefined || cell === undefined) {
    throw new Violation(`${nameOf(place)} was given and is not there`)
  }
  const wrong = factsDifference(message, delivery)
  if (wrong) throw new Violation(`delivery: ${wrong}`)
  if (!isSameBody(delivery.body, message.body)) throw new Violation(`${nameOf(place)}: other bytes`)
  if (delivery.priority !== cell.priority) {
    throw new Violation(`${nameOf(place)} has priority ${cell.priority}, not ${delivery.priority}`)
  }
  if (delivery.attempt !== cell.attempts + 1) {
    throw new Violation(
      `${nameOf(place)} is delivered as attempt ${delivery.attempt} after ${cell.attempts}`,
    )
  }
}

function placeOf({ queue, group, id }: Delivery): Place {
  return { queue, group, id }
}
