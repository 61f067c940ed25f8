/** A disk that is full: messages are refused and nothing else, and what follows is as it should be. */
import type { PutResult } from '../../store/types/puts.ts'
import { codeOf, equal, isTrue, present, rejected } from './checks.ts'
import { type StoreTest, textOf } from './world.ts'

/** A put that is refused so often is not going to be taken. */
const PUT_AGAIN_MAX = 50

export const FULL_DISK: readonly StoreTest[] = [
  {
    name: 'offsets are dense where puts in between were refused',
    needs: ['setFull'],
    run: async (world) => {
      const queue = world.store.queue('q')
      const results: PutResult[] = []
      for (let round = 0; round < 5; round++) {
        const puts = Array.from({ length: 10 }, (_, row) => queue.put(`${round} ${row}`))
        const settled = Promise.allSettled(puts)
        await world.advance(round * 7)
        world.setFull(true)
        await world.settle()
        for (const put of await settled) if (put.status === 'fulfilled') results.push(put.value)
        world.setFull(false)
        await world.settle()
        results.push(await queue.put(`${round} last`))
      }
      equal(
        results.map(({ offset }) => offset),
        results.map((_, row) => row),
      )
      await world.reopen()
      equal((await world.drain('q')).length, results.length)
      equal(world.store.queue('q').group().stats().floor, results.length)
    },
  },
  {
    name: 'offsets are dense where puts follow a refusal while others are still in flight',
    needs: ['setFull'],
    run: async (world) => {
      const queue = world.store.queue('q')
      const results: PutResult[] = []
      let refusals = 0
      const put = async (body: string): Promise<void> => {
        for (let count = 0; count < PUT_AGAIN_MAX; count++) {
          try {
            results.push(await queue.put(body))
            return
          } catch (error) {
            equal(codeOf(error), 'QLOG_DISK_FULL')
            refusals += 1
            world.setFull(false)
            // The first ones try again at once, among those that are still in flight.
            if (refusals > 3) await world.settle()
          }
        }
      }
      const puts = Array.from({ length: 24 }, () => put('x'.repeat(8_000)))
      world.setFull(true)
      await Promise.all(puts)
      equal(
        results.map(({ offset }) => offset).sort((a, b) => a - b),
        results.map((_, row) => row),
      )
      isTrue(
        results.length === 24 && refusals > 0,
        `${refusals} were refused, ${results.length} put`,
      )
      await world.reopen()
      equal((await world.drain('q')).length, results.length)
      equal(world.store.queue('q').group().stats().floor, results.length)
    },
  },
  {
    // Museum: nats #7654.
    name: 'a full disk refuses messages, still takes what gives space back, and goes on afterwards',
    needs: ['setFull'],
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      const [a] = await world.take('q', { count: 1 })
      world.setFull(true)
      const queue = world.store.queue('q')
      await rejected('QLOG_DISK_FULL', () => fillUp(() => queue.put('x'.repeat(8_000))))
      await present(a).ack()
      world.setFull(false)
      await world.settle()
      const put = await queue.put('c')
      await world.reopen()
      const bodies = await world.drain('q')
      equal(bodies.at(0), 'b')
      equal(bodies.at(-1), 'c')
      const stored = await world.store.queue('q').read({ from: { id: put.id } })
      isTrue(
        stored.length <= 1 && textOf(stored[0]?.body ?? new Uint8Array(0)) !== 'a',
        'a is gone',
      )
    },
  },
]

/** A disk may have room for some more before it refuses. */
export async function fillUp(put: () => Promise<unknown>): Promise<void> {
  for (let count = 0; count < 1_000; count++) await put()
}
