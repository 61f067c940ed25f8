/** Loops over deliveries: prefetched bodies, leases that begin when they leave, leaving the loop. */
import type { Delivery } from '../../store/types/deliveries.ts'
import { equal, first, isWithin, present, rejected, Watched } from './checks.ts'
import { type StoreTest, textsOf } from './world.ts'

const numbers = (count: number): string[] => Array.from({ length: count }, (_, row) => `${row}`)

export const DELIVERIES: readonly StoreTest[] = [
  {
    name: 'leases begin when a delivery leaves the loop: much held ready, short leases, nothing twice',
    run: async (world) => {
      const bodies = numbers(120)
      await world.store.queue('q').putMany(bodies)
      const session = await world.watching('q')
      const seen: string[] = []
      for await (const delivery of session.deliveries({ prefetch: 256, leaseMs: 100 })) {
        seen.push(delivery.text())
        equal(delivery.attempt, 1)
        await world.advance(50)
        await delivery.ack()
        if (seen.length === bodies.length) break
      }
      equal(seen, bodies)
      equal(await world.drain('q'), [])
      equal(world.store.queue('q').stats().messages, 0)
    },
  },
  {
    name: 'each delivery of a loop has the whole of its lease before it',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(5))
      const session = await world.watching('q')
      let count = 0
      for await (const delivery of session.deliveries({ prefetch: 10, leaseMs: 10_000 })) {
        isWithin(delivery.leaseLeftMs, 9_000, 10_000, `lease ${count}`)
        await world.advance(8_000)
        await delivery.ack()
        count += 1
        if (count === 5) break
      }
    },
  },
  {
    name: 'leaving a loop gives back what was held ready, uncounted, and keeps what was delivered',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(20))
      const session = await world.watching('q')
      const kept: Delivery[] = []
      for await (const delivery of session.deliveries({ prefetch: 10 })) {
        kept.push(delivery)
        if (kept.length === 2) break
      }
      equal(session.leased, 2)
      const rest = await world.take('q')
      equal(textsOf(rest), numbers(20).slice(2))
      equal(
        rest.map(({ attempt }) => attempt),
        rest.map(() => 1),
      )
      for (const delivery of kept) await delivery.ack()
    },
  },
  {
    name: 'what a loop holds ready is leased to nobody yet',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(5))
      const session = await world.watching('q')
      const loop = session.deliveries({ prefetch: 10 })
      await loop.next()
      await world.settle()
      equal(session.leased, 1)
      equal(world.store.stats().leased, 1)
      equal(world.counts('q'), { ready: 4, delayed: 0, leased: 1, buried: 0 })
      const infos = await world.store.queue('q').group().list()
      equal(
        infos.map(({ state }) => state),
        ['leased', 'ready', 'ready', 'ready', 'ready'],
      )
      await loop.return?.()
    },
  },
  {
    name: 'a loop that throws gives back what was held ready as well',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(5))
      const session = await world.watching('q')
      const loop = async (): Promise<void> => {
        for await (const delivery of session.deliveries()) {
          throw new Error(`no ${delivery.text()}`)
        }
      }
      const failed = new Watched(loop())
      await world.settle()
      equal(String(failed.error), 'Error: no 0')
      equal(textsOf(await world.take('q')), ['1', '2', '3', '4'])
    },
  },
  {
    name: 'a loop waits for messages and goes on with those that come',
    run: async (world) => {
      const session = await world.watching('q')
      const loop = session.deliveries({ prefetch: 1 })
      const next = new Watched(loop.next())
      await world.settle()
      equal(next.state, 'pending')
      await world.put('q', 'a')
      await world.settle()
      const { value } = present(next.value)
      equal(value.text(), 'a')
      await value.ack()
      await world.put('q', 'b')
      const second = await loop.next()
      equal(second.value.text(), 'b')
      await loop.return?.()
      equal(await loop.next(), { value: undefined, done: true })
    },
  },
  {
    name: 'an aborted loop rejects with an AbortError and gives back what was held ready',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(4))
      const session = await world.watching('q')
      const abort = new AbortController()
      const loop = session.deliveries({ signal: abort.signal })
      const delivery: Delivery = (await loop.next()).value
      abort.abort()
      await rejected('QLOG_ABORTED', () => loop.next())
      await delivery.ack()
      await world.settle()
      equal(await world.drain('q'), ['1', '2', '3'])
    },
  },
  {
    name: 'a loop ends with its session, and gives everything back',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(3))
      const session = await world.watching('q')
      const loop = session.deliveries({ prefetch: 2 })
      equal(first(textsOf([(await loop.next()).value])), '0')
      await session.close()
      await rejected('QLOG_CLOSED', () => loop.next())
      equal(await world.ready('q'), ['0', '1', '2'])
    },
  },
  {
    name: 'what is deleted while a loop holds it ready does not leave the loop',
    run: async (world) => {
      const results = await world.store.queue('q').putMany(numbers(4))
      const session = await world.watching('q')
      const loop = session.deliveries({ prefetch: 10 })
      equal((await loop.next()).value.text(), '0')
      await world.settle()
      await world.store.queue('q').delete([present(results[1]).id])
      equal((await loop.next()).value.text(), '2')
      await loop.return?.()
      equal(textsOf(await world.take('q')), ['3'])
    },
  },
  {
    name: 'a loop delivers nothing of a paused queue, though it holds some of it ready',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(3))
      const session = await world.watching('q')
      const loop = session.deliveries({ prefetch: 10 })
      const first = present((await loop.next()).value)
      equal(first.text(), '0')
      await first.ack()
      await world.settle()
      await world.store.queue('q').pause(60_000)
      const next = new Watched(loop.next())
      await world.advance(55_000)
      equal(next.state, 'pending')
      await world.advance(10_000)
      equal(present(next.value).value.text(), '1')
      await loop.return?.()
    },
  },
  {
    name: 'a message that expires while a loop holds it ready does not leave the loop',
    run: async (world) => {
      await world.put('q', '0')
      await world.put('q', '1', { ttlMs: 20_000 })
      await world.put('q', '2')
      const session = await world.watching('q')
      const loop = session.deliveries({ prefetch: 10 })
      equal((await loop.next()).value.text(), '0')
      await world.advance(25_000)
      equal((await loop.next()).value.text(), '2')
      await loop.return?.()
      equal(await world.take('q'), [])
    },
  },
  {
    name: 'two loops share a queue: everything comes once',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(60))
      const seen: string[] = []
      const loop = async (): Promise<void> => {
        const session = await world.watching('q')
        for await (const delivery of session.deliveries({ prefetch: 4 })) {
          seen.push(delivery.text())
          await world.advance(5)
          await delivery.ack()
          if (seen.length >= 59) break
        }
        await session.close()
      }
      await Promise.all([loop(), loop()])
      const rest = await world.drain('q')
      equal(
        [...seen, ...rest].sort((a, b) => Number(a) - Number(b)),
        numbers(60),
      )
    },
  },
  {
    name: 'a message that a loop gave back to the queue comes again',
    run: async (world) => {
      await world.store.queue('q').putMany(numbers(3))
      const session = await world.watching('q')
      const seen: string[] = []
      for await (const delivery of session.deliveries({ prefetch: 1 })) {
        const isAgain = seen.includes(delivery.text())
        seen.push(delivery.text())
        if (delivery.text() === '1' && !isAgain) await delivery.release({ priority: 9_999 })
        else await delivery.ack()
        if (seen.length === 4) break
      }
      equal(seen, ['0', '1', '2', '1'])
    },
  },
]
