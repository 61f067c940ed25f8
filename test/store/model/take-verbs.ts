/** The verbs that end or prolong leases, alone and for several deliveries. */

import type { Delivery, ReleaseOutcome } from '../../../src/store/types/deliveries.ts'
import type { Transaction } from '../../../src/store/types/transactions.ts'
import type { Random } from '../../../src/system/simulated/random.ts'
import { any } from './commands.ts'
import { cellNow, type Driver, type Held } from './driver.ts'
import { nameOf, Violation } from './reference.ts'
import { attemptsMaxOf, type QueueName, RETRIES } from './retries.ts'
import type { State } from './state.ts'
import * as verbs from './verbs.ts'

/** The share by which a back-off may be off. */
const JITTER = 0.2

/** What one verb does: to the reference, within a transaction, and alone. */
interface Telling {
  readonly label: string
  change(state: State): void
  call(on: Transaction): void
  alone(delivery: Delivery): Promise<unknown>
  /** Compares what it answered. */
  heard?(answer: unknown): void
}

/** Draws a verb for a delivery. */
export function tell(driver: Driver, random: Random, held: Held): Telling {
  const shape = random.below(10)
  if (shape < 4) return ackOf(held)
  if (shape < 6) return releaseOf(driver, random, held)
  return shape < 8 ? retryOf(driver, random, held) : buryOf(random, held)
}

function ackOf({ place, delivery }: Held): Telling {
  return {
    label: `ack of ${nameOf(place)}`,
    change: (state) => verbs.ack(state, place),
    call: (on) => on.ack(delivery),
    alone: (one) => one.ack(),
  }
}

function releaseOf(driver: Driver, random: Random, { place, delivery }: Held): Telling {
  const priority = random.chance(0.3) ? random.pick([0, 9, 3_000]) : undefined
  const delayMs = any(random, [undefined, undefined, 0, 600, 4_000])
  const counts = any(random, [undefined, 'never', 'if-limited'] as const)
  const options = {
    ...(priority !== undefined && { priority }),
    ...(delayMs !== undefined && { delayMs }),
    ...(counts !== undefined && { counts }),
  }
  const due = delayMs ? driver.after(delayMs) : undefined
  const { current } = driver.reference
  const isLimited = current.queues.get(place.queue)?.limit.attemptsMax !== undefined
  const isCounted = counts === 'if-limited' && isLimited
  const most = attemptsMaxOf(current, place)
  const attempts = (cellNow(driver, place)?.attempts ?? 0) - (isCounted ? 0 : 1)
  return {
    label: `release of ${nameOf(place)}`,
    change: (state) => verbs.release(state, place, due, priority, isCounted, most),
    call: (on) => on.release(delivery, options),
    alone: (one) => one.release(options),
    heard: (answer) => {
      const { buried } = answer as ReleaseOutcome
      if (buried !== attempts >= most) {
        throw new Violation(`release of ${nameOf(place)} after ${attempts} of ${most}: ${buried}`)
      }
      if (buried) driver.world.simulation.report.note('a release buried')
    },
  }
}

function retryOf(driver: Driver, random: Random, { place, delivery }: Held): Telling {
  const error = any(random, [undefined, 'boom', 'no such order'])
  const attempts = cellNow(driver, place)?.attempts ?? 0
  const isLast = attempts >= attemptsMaxOf(driver.reference.current, place)
  const { backoffMs, backoffMaxMs } = RETRIES[place.queue as QueueName]
  const middleMs = Math.min(backoffMaxMs, backoffMs * 2 ** Math.max(0, attempts - 1))
  const least = driver.after(middleMs * (1 - JITTER))
  const due = { ...least, highMs: least.highMs + 2 * JITTER * middleMs }
  return {
    label: `retry of ${nameOf(place)}`,
    change: (state) => {
      if (isLast) verbs.bury(state, place, { reason: verbs.USED_UP, error })
      else verbs.retry(state, place, due, error)
    },
    call: (on) => on.retry(delivery, error),
    alone: (one) => one.retry(error),
    heard: (answer) => {
      const { buried, delayMs = 0 } = answer as { buried: boolean; delayMs?: number }
      if (buried !== isLast) {
        throw new Violation(`retry of ${nameOf(place)} after ${attempts} attempts: ${buried}`)
      }
      const slackMs = JITTER * middleMs + 1
      if (!isLast && Math.abs(delayMs - middleMs) > slackMs) {
        throw new Violation(`retry of ${nameOf(place)}: ${delayMs} ms, not about ${middleMs}`)
      }
    },
  }
}

function buryOf(random: Random, { place, delivery }: Held): Telling {
  const priority = random.chance(0.3) ? random.pick([3, 2_000]) : undefined
  const reason = any(random, [undefined, 'broken', 'by hand'])
  const options = {
    ...(priority !== undefined && { priority }),
    ...(reason !== undefined && { reason }),
  }
  return {
    label: `bury of ${nameOf(place)}`,
    change: (state) => verbs.bury(state, place, { reason, priority }),
    call: (on) => on.bury(delivery, options),
    alone: (one) => one.bury(options),
  }
}

/** One of the verbs, for one delivery; of a lease that is over now and then. */
export async function takeTell(
  driver: Driver,
  random: Random,
  verb: 'ack' | 'release' | 'retry' | 'bury',
): Promise<void> {
  const wantsStale = random.chance(0.08)
  const isMeant = (one: Held): boolean => {
    const expected = driver.expectedOf(one)
    return expected !== undefined && (expected === 'done') !== wantsStale
  }
  const held = driver.pickHeld(random, isMeant)
  if (held === undefined) return
  if (verb === 'ack' && !wantsStale && random.chance(0.25)) return ackMany(driver, random, held)
  const telling =
    verb === 'ack'
      ? ackOf(held)
      : verb === 'release'
        ? releaseOf(driver, random, held)
        : verb === 'retry'
          ? retryOf(driver, random, held)
          : buryOf(random, held)
  const expected = driver.expectedOf(held)
  if (expected !== 'done') {
    return driver.send(telling.label, undefined, telling.alone(held.delivery), undefined, expected)
  }
  const [entry] = driver.reference.append(telling.label, (state) => telling.change(state))
  driver.unlease([held.place])
  const sent = driver.send(telling.label, entry, telling.alone(held.delivery), (answer) =>
    telling.heard?.(answer),
  )
  if (random.chance(0.5)) await sent
}

/** Several of one session at once; with one among them whose lease is over, none. */
async function ackMany(driver: Driver, random: Random, first: Held): Promise<void> {
  const own = driver.held.filter(
    (held) => held.holder === first.holder && driver.expectedOf(held) === 'done',
  )
  const some = own.slice(0, random.between(1, 6))
  const stale = random.chance(0.15)
    ? driver.held.find((held) => driver.expectedOf(held) === 'stale')
    : undefined
  const deliveries = [...some, ...(stale ? [stale] : [])].map(({ delivery }) => delivery)
  const label = `ack of ${deliveries.length}`
  if (stale) {
    const promise = first.holder.session.ack(deliveries)
    return driver.send(label, undefined, promise, undefined, 'stale')
  }
  const places = some.map(({ place }) => place)
  const [entry] = driver.reference.append(label, (state) => {
    for (const place of places) verbs.ack(state, place)
  })
  driver.unlease(places)
  const sent = driver.send(label, entry, first.holder.session.ack(deliveries))
  if (random.chance(0.5)) await sent
}

export function takeExtend(driver: Driver, random: Random): void {
  const held = driver.pickHeld(random, (one) => driver.expectedOf(one) === 'done')
  if (held === undefined) return
  const ms = random.pick([1_000, 6_000, 20_000])
  held.delivery.extend(ms)
  held.lease.end = driver.after(ms)
}
