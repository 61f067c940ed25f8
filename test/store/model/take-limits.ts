/** Limits of queues: they are set, and what is put into a queue that has one. */
import { QlogError } from '../../../src/errors.ts'
import type { Random } from '../../../src/system/simulated/random.ts'
import { any } from './commands.ts'
import type { Driver } from './driver.ts'
import { Violation } from './reference.ts'
import { QUEUES } from './retries.ts'
import { copyState, limitOf, queueOf, type State } from './state.ts'
import * as verbs from './verbs.ts'

/** Counting bytes is what the hash of the state is compared for; no queue comes to so many. */
const BYTES_MAX = 1_000_000_000

export async function takeConfigureQueue(driver: Driver, random: Random): Promise<void> {
  const queue = random.pick(QUEUES)
  // When exactly something expires is not known, and so not how many there are.
  if (hasExpiring(driver, queue)) return
  const messagesMax = any(random, [null, 2, 5, 9])
  const whenFull = random.chance(0.6) ? 'drop-oldest' : 'refuse'
  const bytesMax = any(random, [undefined, undefined, BYTES_MAX, null])
  driver.beginQueue(queue)
  const retention = any(random, [undefined, 'all', 'all', null] as const)
  const attemptsMax = any(random, [undefined, undefined, null, 1, 2, 4])
  const words = `${messagesMax} ${whenFull} ${bytesMax} ${retention} ${attemptsMax}`
  const label = `put limit ${words} on ${queue}`
  const { limit: before } = queueOf(copyState(driver.reference.current), queue)
  const limit = {
    messagesMax: messagesMax ?? undefined,
    dropsOldest: whenFull === 'drop-oldest',
    countsBytes: bytesMax === undefined ? before.countsBytes : bytesMax !== null,
    retains: retention === undefined ? before.retains : retention === 'all',
    attemptsMax: attemptsMax === undefined ? before.attemptsMax : (attemptsMax ?? undefined),
  }
  // What changes nothing has no record.
  const isSame = JSON.stringify(limit) === JSON.stringify(before)
  const [entry] = isSame
    ? []
    : driver.reference.append(label, (state) => verbs.configureQueue(state, queue, limit))
  const change = {
    messagesMax,
    whenFull,
    ...(bytesMax !== undefined && { bytesMax }),
    ...(retention !== undefined && { retention }),
    ...(attemptsMax !== undefined && { attemptsMax }),
  } as const
  const sent = driver.send(label, entry, driver.queue(queue).configure(change))
  if (random.chance(0.5)) await sent
}

function hasExpiring(driver: Driver, queue: string): boolean {
  return driver.reference.states.some((state) =>
    [...(state.queues.get(queue)?.messages.values() ?? [])].some(({ expires }) => expires),
  )
}

/**
 * How many there are is known where nothing but puts is in flight: of what was called to finish some the
 * store counts what is durable.
 */
export async function beforePut(driver: Driver, random: Random, queue: string): Promise<void> {
  const { reference } = driver
  if (limitOf(reference.current, queue) === undefined) return
  // What a reserve under way has in its hands does not give way.
  if (reference.reserving.length > 0) await driver.settle()
  const isKnown = reference.flying.every((label) => label.startsWith('put'))
  if (!isKnown || random.chance(0.2)) await driver.calm()
}

/** Makes room for so many more, beside those that leave anyway, or tells that there is none. */
export function makeRoom(
  state: State,
  queueName: string,
  count: number,
  leaving: readonly number[] = [],
): 'room' | 'full' {
  const limit = limitOf(state, queueName)
  const queue = state.queues.get(queueName)
  if (limit === undefined || queue === undefined || count === 0) return 'room'
  const staying = [...queue.messages.keys()].filter(
    (id) => !leaving.includes(id) && !queue.retained.has(id),
  )
  const excess = staying.length + count - limit.messagesMax
  if (excess <= 0) return 'room'
  if (!limit.dropsOldest || count > limit.messagesMax) return 'full'
  const isLeased = (id: number): boolean =>
    [...queue.groups.values()].some(({ cells }) => cells.get(id)?.state === 'leased')
  const free = staying.filter((id) => !isLeased(id)).sort((a, b) => a - b)
  if (free.length < excess) return 'full'
  for (const id of free.slice(0, excess)) verbs.remove(state, queueName, id)
  return 'room'
}

/** The put is to be refused. */
export function expectFull(driver: Driver, promise: Promise<unknown>): Promise<void> {
  const isRefused = promise.then(
    () => {
      throw new Violation('a queue that is full took a put')
    },
    (error: unknown) => {
      if (!(error instanceof QlogError) || error.code !== 'QLOG_QUEUE_FULL') throw error
      driver.world.simulation.report.note('a queue was full')
    },
  )
  return driver.send('put into a full queue', undefined, isRefused)
}
