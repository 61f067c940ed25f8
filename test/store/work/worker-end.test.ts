/** A worker that ends by itself is heard of: by `ended`, or else by a warning. */
import { expect, test } from 'vitest'
import { openSimulatedStore } from '../../../src/testing/simulated-store.ts'
import { passes, simulate } from '../../log/space/support.ts'

test('a worker whose store has failed is warned of once, with queue, group and cause', async () => {
  await simulate(1, async (process, simulation) => {
    const store = await openSimulatedStore(process, '/store')
    const queue = store.queue('orders')
    const silent = queue.work(() => undefined, { group: 'billing' })
    const heard = queue.work(() => undefined, { group: 'audit' })
    const ended = heard.ended.catch((error: unknown) => error)
    await queue.put('a')
    await passes(process, 1_000)
    simulation.fault({ call: ['write', 'writeMany'], error: 'EIO', nth: 1 })
    await queue.put('b').catch(() => undefined)
    await passes(process, 1_000)
    expect([store.status, silent.status, heard.status]).toEqual(['failed', 'failed', 'failed'])
    expect(await ended).toMatchObject({ code: 'QLOG_FAILED' })
    expect(process.warnings).toEqual([
      { code: 'QLOG_WORKER_ENDED', message: expect.stringMatching(/orders.*billing.*FAILED.*EIO/) },
    ])
    await silent.stop()
    await store.close().catch(() => undefined)
    await passes(process, 1_000)
    expect(process.warnings).toHaveLength(1)
  })
})

test('a worker whose group was removed is warned of, one that is stopped is not', async () => {
  await simulate(2, async (process) => {
    const store = await openSimulatedStore(process, '/store')
    const queue = store.queue('orders')
    await queue.put('a')
    queue.work(() => undefined, { group: 'gone' })
    const stopped = queue.work(() => undefined, { group: 'stopped' })
    const closed = queue.work(() => undefined, { group: 'closed' })
    await passes(process, 1_000)
    await queue.group('gone').remove()
    await stopped.stop()
    await store.close()
    expect([stopped.status, closed.status]).toEqual(['stopped', 'stopped'])
    expect(process.warnings).toEqual([
      { code: 'QLOG_WORKER_ENDED', message: expect.stringMatching(/orders.*gone.*QLOG_CLOSED/) },
    ])
  })
})
