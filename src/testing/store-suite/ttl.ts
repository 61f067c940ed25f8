/** Time to live: what has expired never comes back. */
import { equal } from './checks.ts'
import type { StoreTest } from './world.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

export const TTL: readonly StoreTest[] = [
  {
    name: 'a message is there until its time to live ends, and never after',
    run: async (world) => {
      await world.put('q', 'short', { ttlMs: MINUTE_MS })
      await world.put('q', 'long', { ttlMs: 10 * MINUTE_MS })
      await world.put('q', 'ever')
      await world.advance(MINUTE_MS - 1_000)
      equal(await world.ready('q'), ['short', 'long', 'ever'])
      await world.advance(2_000)
      equal(await world.ready('q'), ['long', 'ever'])
      await world.reopen()
      equal(await world.ready('q'), ['long', 'ever'])
      await world.advance(10 * MINUTE_MS)
      equal(await world.drain('q'), ['ever'])
      equal(world.store.queue('q').stats().messages, 0)
    },
  },
  {
    name: 'an expired message is not looked at, listed or read any more',
    run: async (world) => {
      const { id } = await world.put('q', 'short', { ttlMs: MINUTE_MS })
      equal(await world.ready('q'), ['short'])
      await world.advance(MINUTE_MS + 1_000)
      const queue = world.store.queue('q')
      equal(await queue.group().peek('ready'), undefined)
      equal(await queue.group().list(), [])
      equal(await queue.get(id), undefined)
      equal(await queue.read(), [])
    },
  },
  {
    name: 'time to live goes on while the store is closed',
    needs: ['advanceWhileDown'],
    run: async (world) => {
      for (const sameBoot of [true, false]) {
        await world.put('q', 'short', { ttlMs: HOUR_MS })
        await world.close()
        await world.advanceWhileDown(2 * HOUR_MS, sameBoot)
        await world.open()
        equal(await world.ready('q'), [], sameBoot ? 'same boot' : 'new boot')
      }
    },
  },
  {
    name: 'an expired message does not come back when the wall clock is set back',
    needs: ['jumpWallClock'],
    run: async (world) => {
      await world.put('q', 'short', { ttlMs: MINUTE_MS })
      await world.put('q', 'ever')
      await world.advance(MINUTE_MS + 1_000)
      equal(await world.ready('q'), ['ever'])
      world.jumpWallClock(-30 * MINUTE_MS)
      equal(await world.ready('q'), ['ever'])
      await world.reopen()
      equal(await world.ready('q'), ['ever'])
    },
  },
  {
    name: 'an expired message does not come back when the clock is set back and the machine boots anew',
    needs: ['crash', 'jumpWallClock', 'advanceWhileDown'],
    run: async (world) => {
      await world.put('q', 'short', { ttlMs: MINUTE_MS })
      await world.advance(2 * MINUTE_MS)
      equal(await world.ready('q'), [])
      await world.put('q', 'ever')
      await world.settle()
      await world.crash()
      world.jumpWallClock(-30 * MINUTE_MS)
      await world.advanceWhileDown(MINUTE_MS, false)
      await world.open()
      equal(await world.ready('q'), ['ever'])
    },
  },
  {
    name: 'a delayed message that expires first is never delivered',
    run: async (world) => {
      await world.put('q', 'never', { delayMs: 2 * MINUTE_MS, ttlMs: MINUTE_MS })
      await world.put('q', 'later', { delayMs: 2 * MINUTE_MS, ttlMs: 5 * MINUTE_MS })
      await world.advance(2 * MINUTE_MS + 1_000)
      equal(await world.ready('q'), ['later'])
    },
  },
  {
    name: 'a message that expires while it is leased can be finished, and else never comes back',
    run: async (world) => {
      for (const body of ['acked', 'released', 'timed out', 'given back']) {
        await world.put('q', body, { ttlMs: MINUTE_MS })
      }
      const session = await world.watching('q')
      const leaseMs = 2 * MINUTE_MS
      const [acked, released] = await session.reserve({ count: 3, leaseMs })
      const holder = await world.watching('q')
      await holder.reserve({ leaseMs })
      await world.advance(MINUTE_MS + 1_000)
      await acked?.ack()
      await released?.release()
      await holder.close()
      equal(await world.take('q'), [])
      await world.advance(2 * MINUTE_MS)
      equal(await world.take('q'), [])
      await world.settle()
      equal(world.store.queue('q').stats().messages, 0)
      await world.reopen()
      equal(await world.take('q'), [])
    },
  },
  {
    name: 'a buried message that expires cannot be kicked',
    run: async (world) => {
      await world.put('q', 'short', { ttlMs: MINUTE_MS })
      await world.bury('q', 'short')
      await world.advance(MINUTE_MS + 1_000)
      equal(await world.store.queue('q').group().kick(10), 0)
      equal(await world.ready('q'), [])
    },
  },
]
