/** Groups that are about to be idle, on a log that takes longer than their time. */
import { expect, test } from 'vitest'
import { MemoryMedium } from '../../../src/log/memory/medium.ts'
import type { LogStore } from '../../../src/store/log-store.ts'
import { openStoreOn } from '../../../src/store/open-store.ts'
import type { SimulatedProcess } from '../../../src/system/simulated/process.ts'
import { openSlowLog } from '../../../src/testing/slow-log.ts'
import { passes, simulate } from '../../log/space/support.ts'

const IDLE_MS = 1_000
const FLUSH_MS = 5_000

/** A queue with the groups `read`, which a session watches, and `g`; both have a message to finish. */
async function inSlowStore(
  body: (store: LogStore, process: SimulatedProcess) => Promise<void>,
): Promise<void> {
  await simulate(1, async (process) => {
    const pace = { delayMsMin: FLUSH_MS, delayMsMax: FLUSH_MS }
    const store = await openStoreOn(process, openSlowLog(process, new MemoryMedium(), pace))
    const queue = store.queue('q')
    await queue.put('a')
    await store.session().watch('q', { group: 'read' })
    await queue.createGroup('g', { from: 'next' })
    await body(store, process)
    await store.close()
  })
}

function groupsOf(store: LogStore): string[] {
  const { groups } = store.queue('q').stats()
  return groups.map(({ group }) => group)
}

test('a group is not idle while a session is about to watch it with other settings', async () => {
  await inSlowStore(async (store, process) => {
    await store.queue('q').configure({ groupIdleMs: IDLE_MS })
    const session = store.session()
    await session.watch('q', { group: 'g', leasedMax: 5 })
    await passes(process, 5 * FLUSH_MS)
    expect(groupsOf(store)).toEqual(['read', 'g'])
    expect(await session.reserve({ timeoutMs: 0 })).toEqual([])
  })
})

test('whoever watches a group whose removal is on its way gets a new one of that name', async () => {
  await inSlowStore(async (store, process) => {
    await store.queue('q').configure({ groupIdleMs: IDLE_MS })
    await passes(process, IDLE_MS + FLUSH_MS / 2)
    expect(groupsOf(store)).toEqual(['read', 'g'])
    const session = store.session()
    await session.watch('q', { group: 'g' })
    expect(await session.reserve({ timeoutMs: 0 })).toHaveLength(1)
    await passes(process, 5 * FLUSH_MS)
    expect(groupsOf(store)).toEqual(['read', 'g'])
  })
})

test('a change of the setting that is on its way removes nothing, whichever way it goes', async () => {
  await inSlowStore(async (store, process) => {
    const queue = store.queue('q')
    await passes(process, 10 * FLUSH_MS)
    const setting = queue.configure({ groupIdleMs: IDLE_MS })
    await passes(process, FLUSH_MS - 1)
    expect(groupsOf(store)).toEqual(['read', 'g'])
    await setting
    const taking = queue.configure({ groupIdleMs: null })
    await passes(process, 5 * FLUSH_MS)
    await taking
    expect(groupsOf(store)).toEqual(['read', 'g'])
  })
})
