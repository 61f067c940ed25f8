/**
 * Puts messages into a store and takes them out, in the ways that are measured, and takes the time.
 * Nothing of the store but its public face.
 */

import { makeBodies } from '../../src/measure/driver.ts'
import type { Delivery } from '../../src/store/types/deliveries.ts'
import type { PutOptions } from '../../src/store/types/puts.ts'
import type { Session } from '../../src/store/types/sessions.ts'
import type { Store } from '../../src/store/types/store.ts'
import { BATCHES_IN_FLIGHT, IN_FLIGHT, type Layout, MESSAGE_BYTES, type Way } from './scale.ts'

export interface LoadPlan {
  readonly way: Way
  /** Messages a call. */
  readonly batch: number
  readonly messages: number
}

export interface LoadTiming {
  readonly seconds: number
  /** Of calls, or of a sample of them where there are very many. */
  readonly latenciesMs: readonly number[]
}

/** Two clock readings a message would cost what a message does. */
const LATENCY_EVERY = 16
const HOUR_MS = 3_600_000
/** Bodies to cycle through. */
const BODIES = 1024

export function queueNames({ queues }: Layout): string[] {
  return Array.from({ length: queues }, (_, row) => `queue-${row}`)
}

/** Makes messages, one after the other, the same ones for the same layout. */
export class MessageSource {
  readonly #layout: Layout
  readonly #names: readonly string[]
  readonly #bodies = makeBodies({ batch: BODIES, messageBytes: MESSAGE_BYTES })
  #made = 0
  #random = 1

  constructor(layout: Layout) {
    this.#layout = layout
    this.#names = queueNames(layout)
  }

  /** The next one, handed over without an object of its own. */
  next<T>(use: (queue: string, body: Uint8Array, options: PutOptions | undefined) => T): T {
    const row = this.#made++
    const queue = this.#names[row % this.#names.length]
    const body = this.#bodies[row % BODIES]
    if (queue === undefined || body === undefined) throw new Error('there is always a next one')
    return use(queue, body, this.#options())
  }

  #options(): PutOptions | undefined {
    const { priorities, delayedShare } = this.#layout
    if (priorities === 1 && delayedShare === 0) return undefined
    const priority = priorities === 1 ? 0 : this.#draw() % priorities
    if (delayedShare === 0 || this.#draw() % 1000 >= delayedShare * 1000) return { priority }
    return { priority, delayMs: HOUR_MS + (this.#draw() % HOUR_MS) }
  }

  #draw(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0
    return this.#random >>> 8
  }
}

/** Resolves once all are durable. */
export function putMessages(
  store: Store,
  source: MessageSource,
  plan: LoadPlan,
): Promise<LoadTiming> {
  const queues = new Map(store.queues().map((name) => [name, store.queue(name)]))
  const put = (queue: string, body: Uint8Array, options: PutOptions | undefined) =>
    (queues.get(queue) ?? store.queue(queue)).put(body, options)
  const putBatch = (count: number) =>
    store.transaction((transaction) => {
      for (let i = 0; i < count; i++) {
        source.next((queue, body, options) => transaction.put(queue, body, options))
      }
    })
  const putItems = (count: number) => {
    const items: { body: Uint8Array }[] = []
    let name = ''
    for (let i = 0; i < count; i++) {
      items.push(
        source.next((queue, body, options) => {
          name = queue
          return { body, ...options }
        }),
      )
    }
    return (queues.get(name) ?? store.queue(name)).putMany(items)
  }
  if (plan.way !== 'batches') {
    const callers = plan.way === 'in-flight' ? IN_FLIGHT : 1
    return runCallers(callers, { ...plan, batch: 1 }, () => source.next(put))
  }
  return runCallers(BATCHES_IN_FLIGHT, plan, store.queues().length > 1 ? putBatch : putItems)
}

/** Callers that each wait for their own call before the next. */
async function runCallers(
  callers: number,
  { messages, batch }: LoadPlan,
  call: (count: number) => Promise<unknown>,
): Promise<LoadTiming> {
  const latenciesMs: number[] = []
  const every = callers > LATENCY_EVERY ? LATENCY_EVERY : 1
  let calls = 0
  let left = messages
  const caller = async (): Promise<void> => {
    while (left > 0) {
      const count = Math.min(batch, left)
      left -= count
      const isTimed = calls++ % every === 0
      const begun = isTimed ? performance.now() : 0
      await call(count)
      if (isTimed) latenciesMs.push(performance.now() - begun)
    }
  }
  const started = performance.now()
  await Promise.all(Array.from({ length: Math.min(callers, messages) }, caller))
  return { seconds: (performance.now() - started) / 1000, latenciesMs }
}

/** Resolves once all are finished, durably. Latencies are those of acknowledgements. */
export function takeMessages(
  session: Session,
  plan: LoadPlan,
  see: (delivery: Delivery) => void = () => undefined,
): Promise<LoadTiming> {
  if (plan.way === 'in-flight') return takeInFlight(session, plan, see)
  if (plan.way === 'iterator') return takeIterated(session, plan, see)
  const call = async (count: number): Promise<void> => {
    for (let left = count; left > 0; ) {
      const deliveries = await session.reserve({ count: left })
      left -= deliveries.length
      for (const delivery of deliveries) see(delivery)
      if (deliveries.length === 1) await deliveries[0]?.ack()
      else await session.ack(deliveries)
    }
  }
  return runCallers(plan.way === 'one-by-one' ? 1 : BATCHES_IN_FLIGHT, plan, call)
}

/** One loop that reserves, and acknowledgements that each have a promise of their own. */
async function takeInFlight(
  session: Session,
  { messages, batch }: LoadPlan,
  see: (delivery: Delivery) => void,
): Promise<LoadTiming> {
  const acks = new Acks(IN_FLIGHT - batch)
  const started = performance.now()
  for (let left = messages; left > 0; ) {
    await acks.room()
    const deliveries = await session.reserve({ count: Math.min(batch, left) })
    left -= deliveries.length
    for (const delivery of deliveries) {
      see(delivery)
      acks.add(delivery.ack())
    }
  }
  await acks.all()
  return { seconds: (performance.now() - started) / 1000, latenciesMs: acks.latenciesMs }
}

/** The same with `for await`: `batch` is what is held ready. */
async function takeIterated(
  session: Session,
  { messages, batch }: LoadPlan,
  see: (delivery: Delivery) => void,
): Promise<LoadTiming> {
  const acks = new Acks(IN_FLIGHT - 1)
  const started = performance.now()
  let left = messages
  for await (const delivery of session.deliveries({ prefetch: batch })) {
    see(delivery)
    acks.add(delivery.ack())
    if (--left === 0) break
    if (acks.isFull) await acks.room()
  }
  await acks.all()
  return { seconds: (performance.now() - started) / 1000, latenciesMs: acks.latenciesMs }
}

/** Promises under way, and room for more of them. */
export class Acks {
  readonly latenciesMs: number[] = []
  readonly #max: number
  #added = 0
  #left = 0
  #waitsFor = 0
  #wake: () => void = () => undefined
  #error: unknown

  constructor(max: number) {
    this.#max = max
  }

  add(promise: Promise<unknown>): void {
    this.#left++
    if (this.#added++ % LATENCY_EVERY !== 0) {
      promise.then(this.#done, this.#failed)
      return
    }
    const begun = performance.now()
    promise.then(() => {
      this.latenciesMs.push(performance.now() - begun)
      this.#done()
    }, this.#failed)
  }

  get isFull(): boolean {
    return this.#left > this.#max
  }

  /** There are no more than `max`. */
  room(): Promise<void> {
    return this.#wait(this.#max)
  }

  all(): Promise<void> {
    return this.#wait(0)
  }

  async #wait(most: number): Promise<void> {
    if (this.#left > most && this.#error === undefined) {
      this.#waitsFor = most
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#error !== undefined) throw this.#error
  }

  readonly #done = (): void => {
    if (--this.#left <= this.#waitsFor) this.#wake()
  }

  readonly #failed = (error: unknown): void => {
    this.#error = error
    this.#wake()
  }
}
