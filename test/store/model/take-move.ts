/** The command that moves messages of a group to another queue. */
import type { Random } from '../../../src/system/simulated/random.ts'
import type { Driver } from './driver.ts'
import { Violation } from './reference.ts'
import { QUEUES } from './retries.ts'
import {
  type GroupState,
  isExpired,
  limitOf,
  passed,
  type QueueState,
  type State,
} from './state.ts'
import { expectFull, makeRoom } from './take-limits.ts'
import { pickGroup } from './take-queues.ts'
import * as verbs from './verbs.ts'

const STATES = ['ready', 'delayed', 'buried'] as const

export async function takeMove(driver: Driver, random: Random): Promise<void> {
  await driver.calm()
  const found = pickGroup(driver, random)
  if (found === undefined || driver.stopped) return
  const [queue, group] = found
  const target = random.pick(QUEUES.filter((name) => name !== queue.name))
  const state = random.pick(STATES)
  const count = random.chance(0.5) ? random.between(1, 3) : undefined
  const ids = idsIn(driver, queue, group, state)?.slice(0, count)
  if (ids === undefined) return
  // When exactly something expires is not known, and so not how many a queue with a limit has.
  const isLimited = limitOf(driver.reference.current, target) !== undefined
  if (isLimited && ids.some((id) => queue.messages.get(id)?.expires)) return
  const label = `move of ${group.name}/${ids.join()} to ${target}`
  const put = driver.after(0, 'wall')
  const change = (after: State): 'room' | 'full' => {
    if (makeRoom(after, target, ids.length) === 'full') return 'full'
    for (const id of ids) {
      const place = { queue: queue.name, group: group.name, id }
      verbs.move(after, place, target, state === 'delayed', put, driver.now)
    }
    return 'room'
  }
  if (ids.length > 0) driver.beginQueue(target)
  const [entry, room] = ids.length > 0 ? driver.reference.append(label, change) : []
  const options = { state, ...(count !== undefined && { count }) }
  const promise = driver.queue(queue.name).group(group.name).move(target, options)
  if (entry && room === 'full') {
    driver.reference.forget(entry)
    await expectFull(driver, promise)
    return
  }
  await driver.send(label, entry, promise, (answer) => {
    if (answer !== ids.length) {
      throw new Violation(`${label}: ${ids.length} expected, ${answer} answered`)
    }
  })
}

/** In order of offset; undefined where it is not known of each in which state it is. */
function idsIn(
  driver: Driver,
  queue: QueueState,
  group: GroupState,
  state: (typeof STATES)[number],
): readonly number[] | undefined {
  const ids: number[] = []
  const messages = [...queue.messages.values()].sort((a, b) => a.offset - b.offset)
  for (const message of messages) {
    const cell = group.cells.get(message.id)
    const expired = isExpired(message, driver.now)
    if (expired === 'maybe') return undefined
    if (cell === undefined || expired === 'yes') continue
    if (cell.state === 'buried' && state === 'buried') ids.push(message.id)
    if (cell.state !== 'waiting' || state === 'buried') continue
    const due = passed(cell.due, driver.now)
    if (due === 'maybe') return undefined
    if ((due === 'no') === (state === 'delayed')) ids.push(message.id)
  }
  return ids
}
