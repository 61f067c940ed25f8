/** Tubes that end leave nothing in the store, and nobody notices when their queues go. */
import { describe, expect, test } from 'vitest'
import { serving } from './served.ts'

/** Longer than it takes until the queue of a tube that has ended is gone. */
const LATER_MS = 1_000

describe('the queue of a tube that has ended', () => {
  test('is removed, however its last client leaves it', () =>
    serving(async (served) => {
      const [worker, producer] = [served.connect(), served.connect()]
      for (const name of ['r1', 'r2', 'r3']) {
        await producer.ask(`use ${name}`)
        await producer.put('a')
        await worker.ask(`watch ${name}`)
        await worker.ask(`delete ${await worker.reserve()}`)
        await worker.ask(`ignore ${name}`)
      }
      await producer.ask('use default')
      // A tube that never had a job, and whose client hangs up.
      const other = served.connect()
      await other.ask('watch r4')
      await other.ask('reserve-with-timeout 0')
      expect(served.store.queues()).toContain('r4')
      other.client.hangUp()
      await served.advance(LATER_MS)
      expect(served.store.queues()).toEqual(['default'])
      expect((await producer.stats('stats'))['total-jobs']).toBe('3')
      expect(served.errors).toEqual([])
    }))

  test('is removed once the last job is deleted that nobody refers to', () =>
    serving(async (served) => {
      const producer = served.connect()
      await producer.ask('use q')
      const id = await producer.put('a')
      await producer.ask('use default')
      await served.advance(10 * LATER_MS)
      expect(served.store.queues()).toContain('q')
      await producer.ask(`delete ${id}`)
      await served.advance(LATER_MS)
      expect(served.store.queues()).not.toContain('q')
    }))

  test('stays while somebody refers to it, and with a limit or another group; a pause ends with it', () =>
    serving(async (served) => {
      const [one, other] = [served.connect(), served.connect()]
      await one.ask('limit-tube limited 5')
      for (const name of ['limited', 'read', 'used']) {
        await one.ask(`use ${name}`)
        await one.ask(`delete ${await one.put('a')}`)
      }
      await served.store.queue('read').createGroup('audit')
      await other.ask('use used')
      await one.ask('use paused')
      await one.ask('pause-tube paused 1000')
      await one.ask('use default')
      await served.advance(LATER_MS)
      expect(served.store.queues()).toEqual(['limited', 'read', 'used'])
    }))

  test('comes again with its tube, which counts from 0, whenever that is', () =>
    serving(async (served) => {
      const [client, looker] = [served.connect(), served.connect()]
      for (let waitMs = 0; waitMs < 2 * 250; waitMs += 31) {
        await client.ask('use q')
        const id = await client.put('a')
        expect(await looker.ask('stats-tube q')).toContain('total-jobs: 1\n')
        expect(await client.ask(`delete ${id}`)).toBe('DELETED\r\n')
        await client.ask('use default')
        await served.advance(waitMs)
      }
      await served.advance(LATER_MS)
      expect(served.store.queues()).not.toContain('q')
      await served.restart()
      expect(served.store.queues()).not.toContain('q')
    }))
})
