/** Commands that change a whole queue or group at once. */
import type { Random } from '../../../src/system/simulated/random.ts'
import { type Driver, QUEUES } from './driver.ts'
import { Violation } from './reference.ts'
import { isExpired, type QueueState } from './state.ts'
import type { Step } from './take-puts.ts'
import * as verbs from './verbs.ts'

export async function takePurge(driver: Driver, random: Random): Promise<void> {
  const queue = driver.reference.current.queues.get(random.pick(QUEUES))
  if (queue === undefined) return
  const { name } = queue
  const all = [...queue.messages.values()]
  const label = `purge of ${name}`
  const [entry] = driver.reference.append(label, (state) => verbs.purge(state, name))
  const promise = driver.queue(name).purge()
  endLeases(driver, queue)
  const sent = driver.send(label, entry, promise, (answer) => {
    const least = all.filter((message) => isExpired(message, driver.now) === 'no').length
    if (answer < least || answer > all.length) {
      throw new Violation(`${label}: ${least} to ${all.length} expected, ${answer} answered`)
    }
  })
  if (random.chance(0.6)) await sent
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

/** Deliveries are stale from the call on. */
function endLeases(driver: Driver, { name }: QueueState): void {
  driver.unlease(driver.leasedPlaces(driver.held).filter(({ queue }) => queue === name))
}
