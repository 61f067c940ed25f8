/** Commands on queues and groups, and on the store as a whole. */

import { QlogError } from '../../../src/errors.ts'
import type { GroupOptions, GroupStart } from '../../../src/store/types/groups.ts'
import type { MessageRef } from '../../../src/store/types/messages.ts'
import type { Random } from '../../../src/system/simulated/random.ts'
import { any } from './commands.ts'
import type { Driver } from './driver.ts'
import { nameOf, Violation } from './reference.ts'
import { QUEUES } from './retries.ts'
import {
  cellOf,
  type GroupState,
  groupOf,
  isExpired,
  type MessageFacts,
  type Place,
  passed,
  type QueueState,
  type State,
} from './state.ts'
import { GROUPS } from './take-sessions.ts'
import * as verbs from './verbs.ts'

const MARKS_MAX = 8
const JUMPS_MS = [-86_400_000, -7_200_000, -60_000, -1_500, 900, 30_000, 5_400_000] as const
const WAITS_MS = [20, 400, 1_100, 2_600, 6_000, 31_000] as const

/** Up to so many, or these ones. */
export async function takeKick(driver: Driver, random: Random): Promise<void> {
  await driver.calm()
  const found = pickGroup(driver, random)
  if (found === undefined) return
  const [queue, group] = found
  const byCount = random.chance(0.5)
  const ids = byCount ? firstToKick(driver, queue, group) : someToKick(driver, random, queue, group)
  if (ids === undefined || ids.length === 0 || driver.stopped) return
  const count = random.between(1, 4)
  const kicked = byCount ? ids.slice(0, count) : ids
  const { current } = driver.reference
  const counted = kicked.filter((id) => {
    const place = { queue: queue.name, group: group.name, id }
    const { state } = group.cells.get(id) ?? {}
    return state === 'buried' || isDelayed(driver, current, place)
  })
  const label = `kick of ${kicked.map((id) => `${group.name}/${id}`).join()}`
  const change = (state: State): void => {
    for (const id of counted) verbs.kick(state, { queue: queue.name, group: group.name, id })
  }
  const [entry] = counted.length > 0 ? driver.reference.append(label, change) : []
  const target = driver.queue(queue.name).group(group.name)
  const refs = kicked.map((id) => refOf(random, queue, id))
  const promise = byCount ? target.kick(count) : target.kick(refs)
  const sent = driver.send(label, entry, promise, (answer) => {
    if (answer !== counted.length) {
      throw new Violation(`${label}: ${counted.length} expected, ${answer} answered`)
    }
  })
  await sent
}

/** Buried ones in their order, or else delayed ones; undefined where that cannot be told. */
function firstToKick(
  driver: Driver,
  queue: QueueState,
  group: GroupState,
): readonly number[] | undefined {
  const { current } = driver.reference
  const isUnclear = (message: MessageFacts): boolean => isExpired(message, driver.now) === 'maybe'
  if ([...queue.messages.values()].some(isUnclear)) return undefined
  const cells = [...group.cells].filter(([id]) => {
    const message = queue.messages.get(id)
    return message !== undefined && isExpired(message, driver.now) === 'no'
  })
  const buried = cells.filter(([, { state }]) => state === 'buried')
  if (buried.length > 0) {
    return buried.sort(([, a], [, b]) => a.buriedAs - b.buriedAs).map(([id]) => id)
  }
  const isOne = (id: number): boolean | undefined =>
    isDelayed(driver, current, { queue: queue.name, group: group.name, id })
  if (cells.some(([id]) => isOne(id) === undefined)) return undefined
  const delayed = cells.filter(([id]) => isOne(id))
  delayed.sort(([, a], [, b]) => (a.due?.lowMs ?? 0) - (b.due?.lowMs ?? 0))
  for (const [row, [, { due }]] of delayed.entries()) {
    const next = delayed[row + 1]?.[1].due
    // Two kinds of time, or times too near to each other: which comes first is not known.
    if (next && due && (next.kind !== due.kind || next.lowMs <= due.highMs)) return undefined
  }
  return delayed.map(([id]) => id)
}

function someToKick(
  driver: Driver,
  random: Random,
  queue: QueueState,
  group: GroupState,
): readonly number[] {
  const { current } = driver.reference
  const ids = [...group.cells.keys()].filter((id) => {
    const place = { queue: queue.name, group: group.name, id }
    return !queue.messages.get(id)?.expires && isDelayed(driver, current, place) !== undefined
  })
  return random.shuffle(ids).slice(0, random.between(1, 3))
}

function refOf(random: Random, queue: QueueState, id: number): MessageRef | number {
  const offset = queue.messages.get(id)?.offset ?? 0
  return random.chance(0.5) ? id : { queue: queue.name, id, offset }
}

export async function takeDelete(driver: Driver, random: Random): Promise<void> {
  await driver.calm()
  const queue = driver.reference.current.queues.get(random.pick(QUEUES))
  if (queue === undefined) return
  const all = [...queue.messages.values()].filter((one) => isExpired(one, driver.now) === 'no')
  const ids = random.shuffle(all.map(({ id }) => id)).slice(0, random.between(1, 3))
  const refs = ids.map((id) => refOf(random, queue, id))
  // One that never was, or was in another queue.
  if (random.chance(0.2)) refs.push(driver.reference.current.nextId + 5)
  if (refs.length === 0) return
  const label = `delete of ${queue.name}/${ids.join()}`
  const [entry] = driver.reference.append(label, (state) => {
    for (const id of ids) verbs.remove(state, queue.name, id)
  })
  const promise = driver.queue(queue.name).delete(refs)
  driver.becomesVague((place) => place.queue === queue.name && ids.includes(place.id))
  const sent = driver.send(label, entry, promise, (answer) => {
    if (answer !== ids.length) {
      throw new Violation(`${label}: ${ids.length} expected, ${answer} answered`)
    }
  })
  await sent
}

export async function takePause(driver: Driver, random: Random): Promise<void> {
  const queue = random.pick(QUEUES)
  const ms = random.pick([0, 1_500, 8_000])
  const until = ms === 0 ? undefined : driver.after(ms)
  driver.beginQueue(queue)
  const [entry] = driver.reference.append(`pause of ${queue}`, (state) =>
    verbs.pause(state, queue, until),
  )
  const sent = driver.send(`pause of ${queue}`, entry, driver.queue(queue).pause(ms))
  if (random.chance(0.5)) await sent
}

export async function takeCreateGroup(driver: Driver, random: Random): Promise<void> {
  await driver.calm()
  const queue = random.pick(QUEUES)
  const name = random.pick(GROUPS)
  const [from, starts] = startOf(driver, random, queue)
  const leasedMax = random.chance(0.2) ? random.between(1, 3) : undefined
  const options: GroupOptions = {
    ...(from !== undefined && { from }),
    ...(leasedMax !== undefined && { leasedMax }),
  }
  const label = `group ${queue}/${name} from ${JSON.stringify(from)}`
  driver.beginQueue(queue)
  const change = (state: State): void => verbs.createGroup(state, queue, name, starts, leasedMax)
  const known = groupOf(driver.reference.current, queue, name)
  const isSame = known && (leasedMax === undefined || leasedMax === known.leasedMax)
  const [entry] = isSame ? [] : driver.reference.append(label, change)
  const promise = driver.queue(queue).createGroup(name, options)
  const sent = driver.send(label, entry, promise, (group) => {
    if (group.name !== name || group.queue !== queue) throw new Violation(`${label}: another one`)
  })
  await sent
}

/** Where a group begins, and what that means for a message that is there. */
export function startOf(
  driver: Driver,
  random: Random,
  queue: string,
): [GroupStart | undefined, (message: MessageFacts) => boolean] {
  const shape = random.below(6)
  if (shape === 0) return [undefined, () => true]
  if (shape === 1) return ['first', () => true]
  if (shape === 2) return ['next', () => false]
  if (shape === 3 && driver.marks.length > 0) {
    const { timeMs, nextId } = random.pick(driver.marks)
    return [{ timeMs }, ({ id }) => id >= nextId]
  }
  const ids = [...(driver.reference.current.queues.get(queue)?.messages.keys() ?? [])]
  if (ids.length === 0) return ['first', () => true]
  const first = random.pick(ids)
  return [{ id: first }, ({ id }) => id >= first]
}

export async function takeConfigure(driver: Driver, random: Random): Promise<void> {
  await driver.calm()
  const found = pickGroup(driver, random)
  if (found === undefined) return
  const [queue, group] = found
  const leasedMax = any(random, [null, 1, 2, 5])
  const label = `settings of ${queue.name}/${group.name}`
  const change = (state: State): void => verbs.configure(state, queue.name, group.name, leasedMax)
  const isSame = group.leasedMax === (leasedMax ?? undefined)
  const [entry] = isSame ? [] : driver.reference.append(label, change)
  const promise = driver.queue(queue.name).group(group.name).configure({ leasedMax })
  const sent = driver.send(label, entry, promise)
  await sent
}

export function pickGroup(driver: Driver, random: Random): [QueueState, GroupState] | undefined {
  const all = [...driver.reference.current.queues.values()].flatMap((queue) =>
    [...queue.groups.values()].map((group): [QueueState, GroupState] => [queue, group]),
  )
  return all.length === 0 ? undefined : random.pick(all)
}

export async function takeWait(driver: Driver, random: Random): Promise<void> {
  const ms = random.pick(WAITS_MS)
  const { nextId } = driver.reference.current
  // Once the clock was set, the log's time and the clock's are two things.
  const isUnclear = driver.reference.inFlight > 0 || driver.reference.jumpedMs > 0
  if (isUnclear || ms < 1_000) return driver.world.wait(ms)
  const { wallMs } = driver.now
  await driver.world.wait(ms)
  driver.marks.push({ timeMs: wallMs + 500, nextId })
  if (driver.marks.length > MARKS_MAX) driver.marks.shift()
}

export function takeJump(driver: Driver, random: Random): void {
  driver.jump(random.pick(JUMPS_MS))
}

/** The state is saved, or all space given back, while other things go on. */
export async function takeSaving(
  driver: Driver,
  random: Random,
  how: 'checkpoint' | 'compact',
): Promise<void> {
  const { store } = driver
  const saving = how === 'compact' ? store.compact() : store.checkpoint()
  const sent = driver.send(how, undefined, saving.catch(unlessClosed))
  if (random.chance(0.5)) await sent
}

/** A store that is closed meanwhile does not finish it. */
function unlessClosed(error: unknown): void {
  if (!(error instanceof QlogError) || error.code !== 'QLOG_CLOSED') throw error
}

export async function expectBodies(driver: Driver, random: Random): Promise<void> {
  const { current } = driver.reference
  for (const queue of current.queues.values()) {
    const ids = [...queue.messages.keys()]
    if (ids.length === 0) continue
    const id = random.pick(ids)
    const message = queue.messages.get(id)
    if (message === undefined || message.expires) continue
    const found = await driver.queue(queue.name).get(id)
    const isThere = found !== undefined && Buffer.compare(found.body, message.body) === 0
    const place = nameOf({ queue: queue.name, group: 'get', id })
    if (!isThere) throw new Violation(`${place}: another body, or none`)
  }
}

/** Whether it is delayed for its group; undefined where a jump of the clock has made that unclear. */
function isDelayed(driver: Driver, state: State, place: Place): boolean | undefined {
  const cell = cellOf(state, place)
  if (cell?.state !== 'waiting') return false
  const due = passed(cell.due, driver.now)
  return due === 'maybe' ? undefined : due === 'no'
}
