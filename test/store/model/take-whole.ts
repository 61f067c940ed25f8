/** Commands that change a whole queue or group at once. */
import type { RedriveOptions, SeekPlace } from '../../../src/store/types/groups.ts'
import type { Random } from '../../../src/system/simulated/random.ts'
import type { Driver } from './driver.ts'
import { Violation } from './reference.ts'
import { QUEUES } from './retries.ts'
import {
  type Cell,
  type GroupState,
  isExpired,
  type MessageFacts,
  type QueueState,
  type State,
} from './state.ts'
import type { Step } from './take-puts.ts'
import { pickGroup, startOf } from './take-queues.ts'
import * as verbs from './verbs.ts'

export async function takePurge(driver: Driver, random: Random): Promise<void> {
  const sent = purgeAll(driver, random.pick(QUEUES))
  if (random.chance(0.6)) await sent
}

export async function purgeAll(driver: Driver, name: string): Promise<void> {
  const queue = driver.reference.current.queues.get(name)
  if (queue === undefined) return
  const all = [...queue.messages.values()]
  const label = `purge of ${name}`
  const [entry] = driver.reference.append(label, (state) => verbs.purge(state, name))
  const promise = driver.queue(name).purge()
  endLeases(driver, queue)
  await driver.send(label, entry, promise, (answer) => {
    const least = all.filter((message) => isExpired(message, driver.now) === 'no').length
    if (answer < least || answer > all.length) {
      throw new Violation(`${label}: ${least} to ${all.length} expected, ${answer} answered`)
    }
  })
}

/** The same as the last step of a transaction. */
export function purgeStep(driver: Driver, random: Random): Step | undefined {
  const queue = driver.reference.current.queues.get(random.pick(QUEUES))
  if (queue === undefined) return undefined
  const { name } = queue
  return {
    change: (state) => verbs.purge(state, name),
    call: (transaction) => {
      transaction.purge(name)
      endLeases(driver, queue)
    },
  }
}

/** All that are buried, or those of a filter. */
export async function takeRedrive(driver: Driver, random: Random): Promise<void> {
  await driver.calm()
  const found = pickGroup(driver, random)
  if (found === undefined || driver.stopped) return
  const [queue, group] = found
  const drawn = draw(random, queue, group)
  if (drawn === undefined || hasUnclear(driver, queue)) return
  const { options, isMeant } = drawn
  const cells = [...group.cells].filter(([id, cell]) => {
    const message = queue.messages.get(id)
    const isThere = message !== undefined && isExpired(message, driver.now) === 'no'
    return cell.state === 'buried' && isThere && isMeant(id, cell)
  })
  cells.sort(([, a], [, b]) => a.buriedAs - b.buriedAs)
  const ids = cells.slice(0, options.count ?? cells.length).map(([id]) => id)
  const label = `redrive of ${group.name}/${ids.join()}`
  const change = (state: State): void => {
    for (const id of ids) verbs.kick(state, { queue: queue.name, group: group.name, id })
  }
  const [entry] = ids.length > 0 ? driver.reference.append(label, change) : []
  const promise = driver.queue(queue.name).group(group.name).redrive(options)
  await driver.send(label, entry, promise, (answer) => {
    if (answer !== ids.length) {
      throw new Violation(`${label}: ${ids.length} expected, ${answer} answered`)
    }
  })
}

/** A filter, and what it means. */
function draw(
  random: Random,
  queue: QueueState,
  group: GroupState,
): { options: RedriveOptions; isMeant: (id: number, cell: Cell) => boolean } | undefined {
  const shape = random.below(4)
  if (shape === 0) return { options: {}, isMeant: () => true }
  if (shape === 1) return { options: { count: random.between(1, 3) }, isMeant: () => true }
  if (shape === 2) {
    const reason = random.pick(['broken', 'by hand'])
    return { options: { reason }, isMeant: (_, cell) => cell.reason === reason }
  }
  const id = [...group.cells.keys()].at(random.below(group.cells.size))
  const message = id === undefined ? undefined : queue.messages.get(id)
  if (message === undefined) return undefined
  const place = random.chance(0.5) ? { id: message.id } : { offset: message.offset }
  if (random.chance(0.5)) return { options: { from: place }, isMeant: (one) => one >= message.id }
  return { options: { to: place }, isMeant: (one) => one < message.id }
}

/** Nobody knows whether one of them is still there. */
function hasUnclear(driver: Driver, queue: QueueState): boolean {
  return [...queue.messages.values()].some((one) => isExpired(one, driver.now) === 'maybe')
}

/** Back or forward. */
export async function takeSeek(driver: Driver, random: Random): Promise<void> {
  const found = pickGroup(driver, random)
  if (found === undefined) return
  const [queue, group] = found
  const [place, starts] = seekPlaceOf(driver, random, queue)
  const label = `seek of ${queue.name}/${group.name} to ${JSON.stringify(place)}`
  const [entry] = driver.reference.append(label, (state) =>
    verbs.seek(state, queue.name, group.name, starts),
  )
  const sent = driver.send(label, entry, driver.queue(queue.name).group(group.name).seek(place))
  endLeases(driver, queue, group)
  // Nothing is given out until it is there, whatever was ready before and is afterwards.
  await sent
}

function seekPlaceOf(
  driver: Driver,
  random: Random,
  queue: QueueState,
): [SeekPlace, (message: MessageFacts) => boolean] {
  if (random.chance(0.3)) {
    const first = random.between(0, queue.nextOffset + 2)
    return [{ offset: first }, ({ offset }) => offset >= first]
  }
  const [place, starts] = startOf(driver, random, queue.name)
  return [place ?? 'first', starts]
}

/** Deliveries of the queue, or of one group of it, are stale from the call on. */
function endLeases(driver: Driver, queue: QueueState, group?: GroupState): void {
  const ended = driver.leasedPlaces(driver.held).filter((place) => {
    return place.queue === queue.name && (group === undefined || place.group === group.name)
  })
  driver.unlease(ended)
}
