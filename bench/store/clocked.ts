/**
 * Loads in which the clock matters: a producer that keeps to a rate and a consumer in the same process, and
 * messages that are due later.
 */

import { makeBodies } from '../../src/measure/driver.ts'
import { quantile } from '../../src/measure/measures.ts'
import type { Session } from '../../src/store/types/sessions.ts'
import type { Store } from '../../src/store/types/store.ts'
import { Acks, MessageSource, putMessages, queueNames, takeMessages } from './loads.ts'
import { IN_FLIGHT, MESSAGE_BYTES, PLAIN, RESERVE_COUNT } from './scale.ts'

export interface Quantiles {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
}

export interface Latencies {
  /** Messages a second that were put and acknowledged. */
  readonly rate: number
  /** From the time at which the message was due to be put until it was there. */
  readonly delivered: Quantiles
  /** Until its acknowledgement was durable. */
  readonly finished: Quantiles
  /** How late the producer itself was: it wakes once a millisecond at best. */
  readonly putLate: Quantiles
}

/** How often the producer wakes. */
const TICK_MS = 1

export function quantilesOf(values: Float64Array): Quantiles {
  const all = [...values]
  return {
    p50Ms: quantile(all, 0.5),
    p99Ms: quantile(all, 0.99),
    p999Ms: quantile(all, 0.999),
    maxMs: quantile(all, 1),
  }
}

/** Producer and consumer side by side, as fast as they go: messages a second. */
export async function throughRate(
  store: Store,
  session: Session,
  messages: number,
): Promise<number> {
  const source = new MessageSource(PLAIN)
  const started = performance.now()
  await Promise.all([
    putMessages(store, source, { way: 'in-flight', batch: 1, messages }),
    takeMessages(session, { way: 'in-flight', batch: RESERVE_COUNT, messages }),
  ])
  return (messages * 1000) / (performance.now() - started)
}

/** A producer that puts each message when it is due, however the store does, and a consumer. */
export async function pacedLatencies(
  store: Store,
  session: Session,
  rate: number,
  messages: number,
): Promise<Latencies> {
  const [delivered, finished, putLate] = [0, 0, 0].map(() => new Float64Array(messages))
  if (!delivered || !finished || !putLate) throw new Error('three arrays were made')
  const startMs = performance.now() + 10
  const dueMs = (row: number) => startMs + (row * 1000) / rate
  const first = store.queue(queueNames(PLAIN)[0] ?? '').stats().nextOffset
  const consume = async (): Promise<void> => {
    const acks = new Acks(IN_FLIGHT - RESERVE_COUNT)
    for (let left = messages; left > 0; ) {
      await acks.room()
      const deliveries = await session.reserve({ count: Math.min(RESERVE_COUNT, left) })
      const now = performance.now()
      left -= deliveries.length
      for (const delivery of deliveries) {
        const row = delivery.offset - first
        delivered[row] = now - dueMs(row)
        const done = delivery.ack().then(() => {
          finished[row] = performance.now() - dueMs(row)
        })
        acks.add(done)
      }
    }
    await acks.all()
  }
  await Promise.all([produce(store, messages, dueMs, putLate), consume()])
  const seconds = (performance.now() - startMs) / 1000
  const quantiles = {
    delivered: quantilesOf(delivered),
    finished: quantilesOf(finished),
    putLate: quantilesOf(putLate),
  }
  return { rate: messages / seconds, ...quantiles }
}

async function produce(
  store: Store,
  messages: number,
  dueMs: (row: number) => number,
  late: Float64Array,
): Promise<void> {
  const source = new MessageSource(PLAIN)
  const queue = store.queue(queueNames(PLAIN)[0] ?? '')
  const puts = new Acks(0)
  for (let row = 0; row < messages; ) {
    const now = performance.now()
    for (; row < messages && dueMs(row) <= now; row++) {
      late[row] = now - dueMs(row)
      puts.add(source.next((_name, body) => queue.put(body)))
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS))
  }
  await puts.all()
}

/** How much later than due messages come whose delays are spread over `spreadMs`. */
export async function delayedLateness(
  store: Store,
  session: Session,
  { messages, beginMs, spreadMs }: { messages: number; beginMs: number; spreadMs: number },
): Promise<Quantiles> {
  const queue = store.queue(queueNames(PLAIN)[0] ?? '')
  const [body] = makeBodies({ batch: 1, messageBytes: MESSAGE_BYTES })
  if (body === undefined) throw new Error('there is always a body')
  const dueMs = new Float64Array(messages)
  const late = new Float64Array(messages)
  const first = queue.stats().nextOffset
  const puts: Promise<unknown>[] = []
  for (let row = 0; row < messages; row++) {
    // Neighbours in the queue are far apart in time.
    const delayMs = beginMs + Math.floor((((row * 7919) % messages) * spreadMs) / messages)
    dueMs[row] = performance.now() + delayMs
    puts.push(queue.put(body, { delayMs }))
  }
  const acks = new Acks(IN_FLIGHT)
  for (let left = messages; left > 0; ) {
    const deliveries = await session.reserve({ count: RESERVE_COUNT })
    const now = performance.now()
    left -= deliveries.length
    for (const delivery of deliveries) {
      const row = delivery.offset - first
      late[row] = now - (dueMs[row] ?? Number.NaN)
      acks.add(delivery.ack())
    }
  }
  await Promise.all(puts)
  await acks.all()
  return quantilesOf(late)
}
