/** Queues of values: codecs from end to end, what they refuse, and headers that each put is given. */
import { bytes, type Codec, json, text } from '../../store/codec.ts'
import { codeOf, equal, isTrue, present, rejected } from './checks.ts'
import { type StoreTest, textOf } from './world.ts'

interface Order {
  readonly sku: number
  readonly note?: string
}

const CODEC = 'QLOG_CODEC'

export const VALUES: readonly StoreTest[] = [
  {
    name: 'what is put as a value comes out as one, wherever it comes out',
    run: async (world) => {
      const { store } = world
      const orders = store.queue('q', { codec: json<Order>() })
      const { id } = await orders.put({ sku: 1, note: 'ü\ud83d\ude00' }, { priority: 1 })
      await orders.putMany([{ body: { sku: 2 } }, { body: { sku: 3 }, priority: 5 }])
      await store.transaction((tx) => tx.put(orders, { sku: 4 }))
      const first = { sku: 1, note: 'ü\ud83d\ude00' }
      equal((await orders.get(id))?.value, first)
      equal((await orders.group().peek())?.value, first)
      const read = await orders.read()
      equal(
        read.map(({ value }) => value.sku),
        [1, 2, 3, 4],
      )
      equal(textOf(read[1]?.body), '{"sku":2}')
      equal(read[0]?.value, read[0]?.value)
      const seen: number[] = []
      for await (const delivery of orders.consume()) {
        seen.push(delivery.value.sku)
        const { value } = delivery
        isTrue(value === delivery.value, 'the value is the same each time')
        equal(delivery.json(), value)
        await delivery.ack()
        if (seen.length === 4) break
      }
      equal(seen, [1, 3, 2, 4])
    },
  },
  {
    name: 'a worker gets values, and its delivery the same one',
    run: async (world) => {
      const orders = world.store.queue('q', { codec: json<Order>() })
      await orders.put({ sku: 1 })
      const seen: unknown[] = []
      const worker = orders.work((order, { delivery }) => {
        seen.push(order.sku, delivery.value === order)
      })
      await world.settle()
      equal(seen, [1, true])
      await worker.stop()
    },
  },
  {
    name: 'the codec belongs to the handle: without it the same messages are bytes',
    run: async (world) => {
      const { store } = world
      await store.queue('q', { codec: text() }).put('a')
      await store.queue('q').put('b')
      const [one, two] = await store.queue('q').read()
      equal([textOf(one?.value), textOf(two?.body)], ['a', 'b'])
      const delivery = await world.takeOne('q')
      equal(delivery.value, delivery.body)
    },
  },
  {
    name: 'texts and bytes come back exactly',
    run: async (world) => {
      const texts = ['', '\ufeffwith a mark', '\0', 'ü\ud83d\ude00', '\r\n']
      const ofText = world.store.queue('t', { codec: text() })
      await ofText.putMany(texts)
      equal(
        (await ofText.read()).map(({ value }) => value),
        texts,
      )
      const ofBytes = world.store.queue('b', { codec: bytes() })
      const all = Uint8Array.from({ length: 256 }, (_, row) => row)
      await ofBytes.putMany([all, { body: new Uint8Array() }])
      const read = await ofBytes.read()
      equal(
        read.map(({ value }) => [...value]),
        [[...all], []],
      )
    },
  },
  {
    name: 'a value that cannot be encoded is an error, and nothing is put',
    run: async (world) => {
      const { store } = world
      const circle: Record<string, unknown> = {}
      circle['self'] = circle
      const loose = store.queue('q', { codec: json() })
      for (const value of [undefined, () => 1, Symbol('s'), 1n, circle]) {
        const error = await rejected(CODEC, () => loose.put(value), String(typeof value))
        isTrue(error.cause instanceof TypeError, 'with the cause')
        await rejected(CODEC, () => loose.putMany([{ body: 1 }, { body: value }]))
        await rejected(CODEC, () =>
          store.transaction((tx) => {
            tx.put('q', 'before')
            tx.put(loose, value)
          }),
        )
      }
      for (const value of [17, null, new Uint8Array(1), '\ud800']) {
        await rejected(CODEC, () => store.queue('q', { codec: text() }).put(value as never))
      }
      for (const value of ['text', 17, [1], null]) {
        await rejected(CODEC, () => store.queue('q', { codec: bytes() }).put(value as never))
      }
      equal([...store.queues()], [])
      equal(await loose.put(null), { id: 1, offset: 0, duplicate: false })
    },
  },
  {
    name: 'a codec of one’s own may throw anything, and must make bytes or a text',
    run: async (world) => {
      const codecOf = (encode: (value: number) => unknown): Codec<number> =>
        ({ encode, decode: (body: Uint8Array) => body.length }) as unknown as Codec<number>
      const wrong = [17, null, undefined, Promise.resolve('x'), [1]]
      for (const value of wrong) {
        const queue = world.store.queue('q', { codec: codecOf(() => value) })
        await rejected(CODEC, () => queue.put(1), String(value))
      }
      const thrower = codecOf(() => {
        throw Object.create(null)
      })
      await rejected(CODEC, () => world.store.queue('q', { codec: thrower }).put(1))
      // The codec's own buffer may be used again at once.
      const shared = new Uint8Array(3)
      const reusing = world.store.queue('q', { codec: codecOf((value) => shared.fill(value)) })
      const both = world.store.transaction((tx) => {
        tx.put(reusing, 5)
        tx.put(reusing, 6)
      })
      const puts = [both, reusing.put(7)]
      shared.fill(9)
      await Promise.all(puts)
      const read = await reusing.read()
      equal(
        read.map(({ body, value }) => [body[0], value]),
        [
          [5, 3],
          [6, 3],
          [7, 3],
        ],
      )
    },
  },
  {
    name: 'a body that cannot be decoded harms nobody who does not ask for its value',
    run: async (world) => {
      const { store } = world
      await store.queue('q').putMany(['[1]', 'no JSON', new Uint8Array([0x22, 0xff, 0x22])])
      const queue = store.queue('q', { codec: json<number[]>() })
      const read = await queue.read()
      equal(read[0]?.value, [1])
      for (const row of [1, 2]) {
        const error = await rejected(CODEC, () => read[row]?.value)
        isTrue(error.cause instanceof Error, 'with the cause')
      }
      let count = 0
      for await (const delivery of queue.consume()) {
        count += 1
        if (count > 1) await rejected(CODEC, () => delivery.value)
        await delivery.ack()
        if (count === 3) break
      }
    },
  },
  {
    name: 'headers of the moment are added to each put, and its own go before them',
    run: async (world) => {
      const { store } = world
      let trace: Record<string, string> | undefined = { traceparent: '1', tracestate: 'a=b' }
      const queue = store.queue('q', { context: () => trace })
      await queue.put('a')
      await queue.putMany(['b', { body: 'c', headers: { traceparent: 'own', x: 'y' } }])
      trace = { traceparent: '2' }
      await store.transaction((tx) => {
        tx.put(queue, 'd', { priority: 2000 })
        tx.put('q', 'by name')
      })
      trace = undefined
      await queue.put('e', { headers: { x: 'z' } })
      const both = { traceparent: '1', tracestate: 'a=b' }
      const headers = (await queue.read()).map((one) => one.headers)
      equal(
        headers.map((one) => ({ ...one })),
        [both, both, { ...both, traceparent: 'own', x: 'y' }, { traceparent: '2' }, {}, { x: 'z' }],
      )
    },
  },
  {
    name: 'a context that throws, or returns what are no headers, puts nothing',
    run: async (world) => {
      const { store } = world
      const wrong = [17, 'text', { a: 1 }, ['x'], null]
      for (const value of wrong) {
        const queue = store.queue('q', { context: () => value as never })
        await rejected('QLOG_INVALID_ARGUMENT', () => queue.put('x'), String(value))
        await rejected('QLOG_INVALID_ARGUMENT', () => queue.putMany(['x']), String(value))
      }
      const own = new Error('no trace here')
      const queue = store.queue('q', {
        context: () => {
          throw own
        },
      })
      const thrown = await queue.put('x').catch((error: unknown) => error)
      isTrue(thrown === own, 'the error of the context itself')
      equal([...store.queues()], [])
    },
  },
  {
    name: 'a transaction takes queues of its own store only',
    run: async (world) => {
      const { store } = world
      const queue = store.queue('q', { codec: json<Order>() })
      await queue.put({ sku: 1 })
      await world.reopen()
      const call = () => world.store.transaction((tx) => tx.put(queue, { sku: 2 }))
      await rejected('QLOG_INVALID_ARGUMENT', call)
      const error = await queue.put({ sku: 3 }).catch((thrown: unknown) => thrown)
      equal(codeOf(error), 'QLOG_CLOSED')
      equal(present(await world.store.queue('q').read()).length, 1)
    },
  },
]
