/**
 * What the types of queues allow and forbid; the compiler is the test, and nothing here is run. A line under
 * `@ts-expect-error` that compiles is an error.
 */
import { bytes, type Codec, json, type Queue, type Store, text } from '../../src/index.ts'

interface Order {
  readonly sku: number
}

declare const store: Store
declare const own: Codec<Map<string, number>>

type Is<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function sure<_T extends true>(): void {}

export async function plainQueues(): Promise<void> {
  const queue = store.queue('q', { retry: { attemptsMax: 3 } })
  sure<Is<typeof queue, Queue>>()
  await queue.put('text')
  await queue.put(new Uint8Array(1))
  await queue.putMany(['a', new Uint8Array(1), { body: 'b', priority: 1 }])
  // @ts-expect-error a number is no body
  await queue.put(17)
  // @ts-expect-error no item of a batch either
  await queue.putMany([{ body: 17 }])
  const stored = await queue.get(1)
  sure<Is<NonNullable<typeof stored>['value'], Uint8Array>>()
  queue.work((body, job) => {
    sure<Is<typeof body, Uint8Array>>()
    sure<Is<typeof job.delivery.value, Uint8Array>>()
    return job.delivery.text()
  })
  for await (const { value } of queue.consume()) sure<Is<typeof value, Uint8Array>>()
}

export async function typedQueues(): Promise<void> {
  const orders = store.queue('orders', { codec: json<Order>() })
  const asNamed: Queue<Order> = orders
  await asNamed.put({ sku: 1 }, { delayMs: 5 })
  await orders.putMany([{ body: { sku: 1 } }, { body: { sku: 2 }, priority: 10 }])
  // @ts-expect-error an order has a number
  await orders.put({ sku: 'one' })
  // @ts-expect-error a text is no order
  await orders.put('order')
  // @ts-expect-error an object stands in an item
  await orders.putMany([{ sku: 1 }])
  // @ts-expect-error the item's body is an order
  await orders.putMany([{ body: 'order' }])
  const stored = await orders.get(1)
  sure<Is<NonNullable<typeof stored>['value'], Order>>()
  const [read] = await orders.read()
  sure<Is<NonNullable<typeof read>['value'], Order>>()
  const peeked = await orders.group().peek()
  sure<Is<NonNullable<typeof peeked>['value'], Order>>()
  orders.work(async (order, { delivery, signal, attempt }) => {
    sure<Is<typeof order, Order>>()
    sure<Is<typeof delivery.value, Order>>()
    sure<Is<typeof signal, AbortSignal>>()
    sure<Is<typeof attempt, number>>()
    await store.transaction((tx) => {
      tx.ack(delivery)
      tx.put(orders, { sku: order.sku + 1 })
      tx.put('by name', 'text')
      tx.kick(orders.group(), delivery)
      // @ts-expect-error the handle says what it takes
      tx.put(orders, { sku: 'one' })
      // @ts-expect-error by name there are only bytes and texts
      tx.put('orders', { sku: 1 })
    })
  })
  // @ts-expect-error this handler wants another value
  orders.work((name: string) => name)
  // @ts-expect-error a misspelt option
  orders.work(() => undefined, { concurency: 16 })
  for await (const delivery of orders.consume({ group: 'audit', from: 'first' })) {
    sure<Is<typeof delivery.value, Order>>()
    await store.session().ack([delivery])
  }
}

export async function otherCodecs(): Promise<void> {
  await store.queue('t', { codec: text() }).putMany(['a', { body: 'b' }])
  // @ts-expect-error texts only
  await store.queue('t', { codec: text() }).put(new Uint8Array(1))
  await store.queue('b', { codec: bytes() }).putMany([new Uint8Array(1)])
  // @ts-expect-error bytes only
  await store.queue('b', { codec: bytes() }).put('text')
  store.queue('m', { codec: own }).work((map) => map.get('a')?.toFixed())
  const [delivery] = await store.session().reserve()
  // A session reads many queues: it knows of no codec.
  sure<Is<NonNullable<typeof delivery>['value'], unknown>>()
  // @ts-expect-error a type without a codec is a wish
  store.queue<Order>('orders')
  // @ts-expect-error half a codec
  store.queue('x', { codec: { encode: (value: Order) => String(value.sku) } })
}

export async function limitedAttempts(): Promise<void> {
  const queue = store.queue('q')
  await queue.configure({ attemptsMax: 3 })
  await queue.configure({ attemptsMax: null })
  // @ts-expect-error a number, or null
  await queue.configure({ attemptsMax: '3' })
  const { attemptsMax } = queue.stats().settings
  sure<Is<typeof attemptsMax, number | undefined>>()
  for await (const delivery of queue.consume()) {
    const outcome = await delivery.release({ counts: 'if-limited' })
    if (outcome.buried) sure<Is<typeof outcome.deadLetter, string | undefined>>()
    // @ts-expect-error nothing is told of what is ready again
    else outcome.deadLetter
    // @ts-expect-error no such word
    await delivery.release({ counts: true })
  }
}
