/** Commands that take something away as a whole: a group, or a queue that nobody needs. */
import { QlogError } from '../../../src/errors.ts'
import type { Random } from '../../../src/system/simulated/random.ts'
import type { Driver } from './driver.ts'
import { Violation } from './reference.ts'
import { QUEUES } from './retries.ts'
import { type Answer, type Now, passed, type QueueState } from './state.ts'
import { pickGroup } from './take-queues.ts'
import { purgeAll } from './take-whole.ts'
import * as verbs from './verbs.ts'

export async function takeRemoveGroup(driver: Driver, random: Random): Promise<void> {
  const found = pickGroup(driver, random)
  if (found === undefined) return
  const [queue, group] = found
  const label = `removal of ${queue.name}/${group.name}`
  const isMeant = (of: { queue: string; group: string }): boolean =>
    of.queue === queue.name && of.group === group.name
  // Whoever watched it does not watch the next one of that name.
  ignoreAll(driver, isMeant)
  const [entry] = driver.reference.append(label, (state) =>
    verbs.removeGroup(state, queue.name, group.name),
  )
  driver.becomesVague(isMeant)
  await driver.send(label, entry, driver.queue(queue.name).group(group.name).remove())
}

/** Often made fit for it before: queues that nobody needs are rare. */
export async function takeRemoveQueue(driver: Driver, random: Random): Promise<void> {
  const name = random.pick(QUEUES)
  const isCalm = random.chance(0.6)
  if (isCalm) await driver.calm()
  if (random.chance(0.7)) ignoreAll(driver, ({ queue }) => queue === name)
  if (random.chance(0.7)) await purgeAll(driver, name)
  if (driver.stopped) return
  const forgetKeys = random.chance(0.7)
  const queue = driver.reference.current.queues.get(name)
  const isFree = queue ? mayGo(driver, queue, forgetKeys) : 'no'
  if (isFree === 'maybe') return
  const label = `removal of ${name}`
  const isRemoved = isFree === 'yes'
  const [entry] = isRemoved
    ? driver.reference.append(label, (state) => state.queues.delete(name))
    : []
  const ifUnused = random.chance(0.5)
  const promise = driver.store.queue(name).remove({ ifUnused, forgetKeys })
  const { report } = driver.world.simulation
  if (queue !== undefined && !isRemoved) report.note('a queue in use stayed')
  const mustReject = queue !== undefined && !isRemoved && !ifUnused
  const sent = mustReject
    ? driver.send(label, undefined, refused(promise))
    : driver.send(label, entry, promise, (answer) => {
        if (answer !== isRemoved) throw new Violation(`${label}: ${answer}, not ${isRemoved}`)
        if (isRemoved) report.note('a queue was removed')
      })
  // With something in flight it is decided a little later, which nothing else may come before.
  if (!isCalm || random.chance(0.5)) await sent
}

function ignoreAll(
  driver: Driver,
  isMeant: (of: { queue: string; group: string }) => boolean,
): void {
  for (const holder of driver.holders) {
    for (const { queue, group } of holder.watched.filter(isMeant)) {
      holder.session.ignore(queue, group)
    }
    holder.watched = holder.watched.filter((one) => !isMeant(one))
  }
}

/** Nobody would miss it. */
function mayGo(driver: Driver, queue: QueueState, forgetKeys: boolean): Answer {
  const { messages, name, sent } = queue
  if ([...messages.values()].some(({ expires }) => expires)) return 'maybe'
  if (messages.size > 0) return 'no'
  const isWatched = driver.holders.some(({ watched }) => watched.some((one) => one.queue === name))
  if (isWatched) return 'no'
  if (forgetKeys) return 'yes'
  const free = keysFree(queue, driver.now)
  return sent.size > 0 ? 'no' : free
}

function keysFree({ keys }: QueueState, now: Now): Answer {
  const answers = [...keys.values()].map(({ until }) => passed(until, now))
  if (answers.includes('no')) return 'no'
  return answers.includes('maybe') ? 'maybe' : 'yes'
}

async function refused(promise: Promise<boolean>): Promise<void> {
  try {
    await promise
  } catch (error) {
    if (error instanceof QlogError && error.code === 'QLOG_QUEUE_IN_USE') return
    throw error
  }
  throw new Violation('a queue was removed that is in use')
}
