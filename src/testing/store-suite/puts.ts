/** What a put promises: numbers, bytes, headers, durability. */
import { PRIORITY_DEFAULT, type PutResult } from '../../store/types/puts.ts'
import { equal, isTrue, isWithin, present, Watched } from './checks.ts'
import { type StoreTest, textsOf } from './world.ts'

export const PUTS: readonly StoreTest[] = [
  {
    name: 'offsets are dense in each queue, ids grow over all of them',
    run: async (world) => {
      const results: PutResult[] = []
      for (const queue of ['a', 'b', 'a', 'a', 'b']) results.push(await world.put(queue, queue))
      equal(
        results.map(({ offset }) => offset),
        [0, 0, 1, 2, 1],
      )
      const ids = results.map(({ id }) => id)
      isTrue(ids.every(Number.isSafeInteger), 'ids are whole numbers')
      equal(
        ids,
        [...new Set(ids)].sort((a, b) => a - b),
      )
      isTrue(!results.some(({ duplicate }) => duplicate), 'nothing is a duplicate')
    },
  },
  {
    name: 'puts that are called at once are numbered in the order of the calls',
    run: async (world) => {
      const queue = world.store.queue('q')
      const bodies = Array.from({ length: 300 }, (_, row) => `body ${row}`)
      const results = await Promise.all(bodies.map((body) => queue.put(body)))
      equal(
        results.map(({ offset }) => offset),
        bodies.map((_, row) => row),
      )
      const ids = results.map(({ id }) => id)
      equal(
        ids,
        [...ids].sort((a, b) => a - b),
      )
      equal(await world.ready('q'), bodies)
    },
  },
  {
    name: 'offsets and ids go on where they were after everything was finished and the store reopened',
    run: async (world) => {
      const before = await world.putAll('q', 'a', 'b', 'c')
      equal(await world.drain('q'), ['a', 'b', 'c'])
      await world.reopen()
      const after = await world.put('q', 'd')
      equal(after.offset, 3)
      isTrue(after.id > Math.max(...before.map(({ id }) => id)), 'no id is used again')
    },
  },
  {
    name: 'ids and offsets of deleted messages are not used again after a compaction',
    run: async (world) => {
      const [, last] = await world.putAll('q', 'a', 'b')
      equal(await world.store.queue('q').delete([present(last).id]), 1)
      await world.store.compact()
      await world.reopen()
      const after = await world.put('q', 'c')
      equal(after.offset, 2)
      isTrue(after.id > present(last).id, 'no id is used again')
    },
  },
  {
    name: 'a put that resolved is there after a crash',
    needs: ['crash'],
    run: async (world) => {
      for (const body of ['a', 'b', 'c']) {
        await world.put('q', body)
        await world.crashAndOpen()
      }
      equal(await world.ready('q'), ['a', 'b', 'c'])
      equal((await world.put('q', 'd')).offset, 3)
    },
  },
  {
    name: 'invariant 12: a put does not resolve before it is durable, at whatever moment the crash comes',
    needs: ['crash'],
    run: async (world) => {
      for (const [round, ms] of [0, 0.2, 1, 5, 20, 100].entries()) {
        const queue = world.store.queue(`q${round}`)
        const puts = Array.from({ length: 20 }, (_, row) => new Watched(queue.put(`${row}`)))
        await world.advance(ms)
        const done = puts.filter(({ state }) => state === 'done').length
        await world.crashAndOpen()
        const found = await world.ready(`q${round}`)
        isTrue(found.length >= done, `${done} of 20 resolved, ${found.length} are there`)
        equal(
          found,
          Array.from({ length: found.length }, (_, row) => `${row}`),
        )
      }
    },
  },
  {
    name: 'the bytes of a put are taken before the call returns',
    run: async (world) => {
      const bytes = new Uint8Array([1, 2, 3])
      const put = world.store.queue('q').put(bytes)
      bytes.fill(9)
      await put
      equal([...(await world.takeOne('q')).body], [1, 2, 3])
    },
  },
  {
    name: 'the options of a put are taken before the call returns',
    run: async (world) => {
      const headers = { kind: 'before' }
      const options = { priority: 7, headers }
      const put = world.store.queue('q').put('body', options)
      headers.kind = 'after'
      options.priority = 8
      await put
      const delivery = await world.takeOne('q')
      equal(delivery.headers['kind'], 'before')
      equal(delivery.priority, 7)
    },
  },
  {
    name: 'bodies come back as they were: empty, any byte, text in UTF-8',
    run: async (world) => {
      const queue = world.store.queue('q')
      const every = Uint8Array.from({ length: 256 }, (_, byte) => byte)
      await queue.putMany(['', every, 'Grüße, 世界 \0', new Uint8Array(0)])
      await world.reopen()
      const taken = await world.take('q')
      equal(
        taken.map(({ body }) => body.byteLength),
        [0, 256, 17, 0],
      )
      equal([...present(taken[1]).body], [...every])
      equal(present(taken[2]).text(), 'Grüße, 世界 \0')
    },
  },
  {
    name: 'a view into a larger buffer is put as its own bytes alone',
    run: async (world) => {
      const whole = new TextEncoder().encode('before, this, after')
      await world.store.queue('q').put(whole.subarray(8, 12))
      equal((await world.takeOne('q')).text(), 'this')
    },
  },
  {
    name: 'a delivery reads its body as text and as JSON',
    run: async (world) => {
      await world.put('q', '{"sku":17}')
      const delivery = await world.takeOne('q')
      equal(delivery.text(), '{"sku":17}')
      equal(delivery.json(), { sku: 17 })
    },
  },
  {
    name: 'a body stays what it is after its message is finished and the space given back',
    run: async (world) => {
      await world.putAll('q', 'first body', 'second body')
      const taken = await world.take('q')
      for (const delivery of taken) await delivery.ack()
      await world.store.compact()
      await world.putAll('q', ...Array.from({ length: 20 }, (_, row) => `other ${row}`))
      equal(textsOf(taken), ['first body', 'second body'])
    },
  },
  {
    name: 'headers, key, priority and time of the put travel with a message, over a restart too',
    run: async (world) => {
      const before = world.nowMs
      const headers = { type: 'text/plain', 'x-ü': 'wert', empty: '' }
      await world.put('q', 'plain')
      await world.put('q', 'rich', { headers, key: 'k', priority: 2_000 })
      const after = world.nowMs
      await world.reopen()
      const [plain, rich] = await world.take('q')
      equal({ ...present(plain).headers }, {})
      equal(present(plain).key, undefined)
      equal(present(plain).priority, PRIORITY_DEFAULT)
      equal({ ...present(rich).headers }, headers)
      equal(present(rich).key, 'k')
      equal(present(rich).priority, 2_000)
      isWithin(present(rich).putMs, before, after, 'putMs')
    },
  },
  {
    name: 'a queue begins with its first message and is known by name after a restart',
    run: async (world) => {
      const { store } = world
      equal(store.queue('later').name, 'later')
      equal([...store.queues()], [])
      await world.put('b', 'x')
      await world.put('a', 'y')
      equal([...store.queues()].sort(), ['a', 'b'])
      equal([...(await world.reopen()).queues()].sort(), ['a', 'b'])
    },
  },
  {
    name: 'names of 1 and of 200 bytes name different queues',
    run: async (world) => {
      const long = 'ü'.repeat(100)
      await world.put('q', 'short')
      await world.put(long, 'long')
      await world.put(`${long.slice(1)}uu`, 'other')
      await world.reopen()
      equal(await world.ready('q'), ['short'])
      equal(await world.ready(long), ['long'])
      equal(await world.ready(`${long.slice(1)}uu`), ['other'])
    },
  },
]
