/** Loops with a session of their own: `consume` of a queue. */
import type { Delivery } from '../../store/types/deliveries.ts'
import { equal, present, rejected, Watched } from './checks.ts'
import { type StoreTest, textsOf } from './world.ts'

const numbers = (count: number): string[] => Array.from({ length: count }, (_, row) => `${row}`)

export const CONSUMING: readonly StoreTest[] = [
  {
    name: 'a consuming loop gets one delivery after the other, and leaving it gives back the rest',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.putMany(numbers(8))
      const kept: Delivery<Uint8Array>[] = []
      for await (const delivery of queue.consume({ prefetch: 3 })) {
        equal(delivery.value, delivery.body)
        if (kept.length === 0) await delivery.ack()
        kept.push(delivery)
        if (kept.length === 3) break
      }
      equal(textsOf(kept), ['0', '1', '2'])
      equal(world.counts('q').leased, 0)
      const again = await world.take('q')
      equal(textsOf(again), numbers(8).slice(1))
      equal(
        again.map(({ attempt }) => attempt),
        again.map(() => 1),
      )
      await rejected('QLOG_STALE_LEASE', () => present(kept[1]).ack())
    },
  },
  {
    name: 'a verb that was called and not awaited holds, though the loop ends',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.putMany(numbers(2))
      for await (const delivery of queue.consume()) {
        delivery.ack().catch(() => undefined)
        break
      }
      equal(await world.drain('q'), ['1'])
    },
  },
  {
    name: 'a consuming loop of a group of its own begins where it is told',
    run: async (world) => {
      const queue = world.store.queue('q')
      const [, second] = await queue.putMany(numbers(3))
      const from = { id: present(second).id }
      const seen: string[] = []
      for await (const delivery of queue.consume({ group: 'audit', from, leaseMs: 5_000 })) {
        equal(delivery.group, 'audit')
        seen.push(delivery.text())
        await delivery.ack()
        if (seen.length === 2) break
      }
      equal(seen, ['1', '2'])
      equal(world.store.stats().queues[0]?.groups.length, 1)
    },
  },
  {
    name: 'a consuming loop that nobody begins leaves no trace, and one that was left is over',
    run: async (world) => {
      await world.put('q', 'a')
      const queue = world.store.queue('q')
      const unused = queue.consume({ group: 'unused' })
      const left = queue.consume({ group: 'left' })
      await left.return?.()
      equal(await left.next(), { done: true, value: undefined })
      await world.settle()
      equal(queue.stats().groups, [])
      equal(unused[Symbol.asyncIterator](), unused)
    },
  },
  {
    name: 'an aborted consuming loop rejects with an AbortError and gives everything back',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.putMany(numbers(3))
      const abort = new AbortController()
      const loop = queue.consume({ signal: abort.signal })
      equal((await loop.next()).value?.text(), '0')
      abort.abort()
      await rejected('QLOG_ABORTED', () => loop.next())
      equal(await world.ready('q'), numbers(3))
      equal(await loop.next(), { done: true, value: undefined })
      const waiting = new Watched(queue.consume({ signal: abort.signal }).next())
      await world.settle()
      await rejected('QLOG_ABORTED', () => Promise.reject(waiting.error))
    },
  },
  {
    name: 'a consuming loop whose body throws gives everything back',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.putMany(numbers(3))
      const loop = async (): Promise<void> => {
        for await (const delivery of queue.consume()) throw new Error(`no ${delivery.text()}`)
      }
      const failed = new Watched(loop())
      await world.settle()
      equal(String(failed.error), 'Error: no 0')
      equal(await world.ready('q'), numbers(3))
    },
  },
  {
    name: 'a consuming loop ends with its store, and one that is left while it waits is done',
    run: async (world) => {
      const queue = world.store.queue('q')
      const loop = queue.consume()
      const waiting = new Watched(loop.next())
      const other = queue.consume({ group: 'other' })
      const left = new Watched(other.next())
      await world.settle()
      await other.return?.()
      await world.settle()
      equal(left.value, { done: true, value: undefined })
      await world.store.close()
      await world.settle()
      await rejected('QLOG_CLOSED', () => Promise.reject(waiting.error))
      await rejected('QLOG_CLOSED', () => queue.consume())
    },
  },
]
