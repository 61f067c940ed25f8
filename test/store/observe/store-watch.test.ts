/** What a store tells on its channels while it is open. */
import { describe, expect, test } from 'vitest'
import { QlogError } from '../../../src/errors.ts'
import { MemoryMedium } from '../../../src/log/memory/medium.ts'
import { openMemoryLog } from '../../../src/log/memory/memory-log.ts'
import type { OpenLog, OwnedLog } from '../../../src/log/seam.ts'
import type { LogStore } from '../../../src/store/log-store.ts'
import { openStoreOn } from '../../../src/store/open-store.ts'
import type { Delivery } from '../../../src/store/types/deliveries.ts'
import type { SimulatedProcess } from '../../../src/system/simulated/process.ts'
import { openSlowLog } from '../../../src/testing/slow-log.ts'
import { Listener } from '../../listen.ts'
import { passes, simulate } from '../../log/space/support.ts'

const NAME = '/store'
const PACE_MS = 20

describe('a burial', () => {
  test('is told with its reason and the last error, whatever buries', async () => {
    const heard = new Listener('qlog:buried')
    await inStore(async (store, process) => {
      const queue = store.queue('q', { retry: { attemptsMax: 1 } })
      await queue.putMany(['told', 'failed', 'used up'])
      const [told, failed, usedUp] = await take(store, 'q')
      await told?.bury({ reason: 'because' })
      await failed?.retry(new Error('it broke'))
      await passes(process, 60_000)
      await take(store, 'q')
      await passes(process, 1_000)
      const of = { directory: NAME, queue: 'q', group: 'default' }
      expect(heard.events).toEqual([
        { ...of, id: told?.id, reason: 'because', error: undefined },
        { ...of, id: failed?.id, reason: 'attempts', error: expect.stringContaining('it broke') },
        { ...of, id: usedUp?.id, reason: 'attempts', error: 'the lease ended without an answer' },
      ])
    })
  })

  test('is told once it is durable, and never again by an opening', async () => {
    const heard = new Listener('qlog:buried')
    const medium = new MemoryMedium()
    const pace = { delayMsMin: PACE_MS, delayMsMax: PACE_MS }
    const open = (process: SimulatedProcess) => openSlowLog(process, medium, pace)
    await inStore(async (store, process) => {
      await store.queue('q').put('a')
      const [delivery] = await take(store, 'q')
      const burying = delivery?.bury()
      await passes(process, PACE_MS / 2)
      expect(heard.events).toEqual([])
      await burying
      expect(heard.events).toHaveLength(1)
    }, open)
    await inStore(async (store) => {
      expect(store.stats().buried).toBe(1)
    }, open)
    expect(heard.events).toHaveLength(1)
  })

  test('within a transaction is told too', async () => {
    const heard = new Listener('qlog:buried')
    await inStore(async (store) => {
      await store.queue('q').put('a')
      const [delivery] = await take(store, 'q')
      await store.transaction((tx) => {
        if (delivery) tx.bury(delivery, { reason: 'together' })
      })
      expect(heard.events.map(({ reason }) => reason)).toEqual(['together'])
    })
  })
})

test('a group that is removed because nobody uses it is told once that is durable, others are not', async () => {
  const heard = new Listener('qlog:group-idle')
  const pace = { delayMsMin: PACE_MS, delayMsMax: PACE_MS }
  const medium = new MemoryMedium()
  await inStore(
    async (store, process) => {
      const queue = store.queue('q')
      for (const name of ['read', 'idle', 'removed']) await queue.createGroup(name)
      await queue.configure({ groupIdleMs: 60_000 })
      await queue.group('removed').remove()
      await store.session().watch('q', { group: 'read' })
      await passes(process, 60_000 - PACE_MS)
      expect(heard.events).toEqual([])
      await passes(process, 1_000)
      const [event, ...others] = heard.events
      expect(others).toEqual([])
      expect(event).toMatchObject({ directory: NAME, queue: 'q', group: 'idle' })
      expect(event?.idleMs).toBeGreaterThanOrEqual(60_000)
      expect(event?.idleMs).toBeLessThan(60_500)
    },
    (process) => openSlowLog(process, medium, pace),
  )
})

test('messages that expire are told, those that are deleted are not', async () => {
  const heard = new Listener('qlog:expired')
  await inStore(async (store, process) => {
    const queue = store.queue('q')
    const options = { ttlMs: 1_000 }
    const [one, two, deleted] = await queue.putMany(
      ['one', 'two', 'deleted'].map((body) => ({ body, ...options })),
    )
    await queue.put('stays')
    await queue.delete([deleted?.id ?? 0])
    await passes(process, 5_000)
    const ids = heard.events.flatMap((event) => event.ids)
    expect(ids.sort()).toEqual([one?.id, two?.id])
    expect(heard.events[0]).toMatchObject({ directory: NAME, queue: 'q' })
  })
})

describe('a snapshot', () => {
  test('is told with its size', async () => {
    const heard = new Listener('qlog:snapshot')
    await inStore(async (store) => {
      await store.queue('q').put('a')
      await store.checkpoint()
      const { stateBytes, snapshotBytes, snapshots } = store.stats()
      expect(snapshots).toBe(1)
      expect(heard.events).toEqual([
        {
          directory: NAME,
          tookMs: expect.any(Number),
          bytes: snapshotBytes,
          stateBytes,
          error: undefined,
        },
      ])
      // Of what did not change nothing is written.
      await store.checkpoint()
      expect(heard.events[1]?.bytes).toBeLessThan(snapshotBytes)
    })
  })

  test('that fails is told, and does not count', async () => {
    const heard = new Listener('qlog:snapshot')
    const error = new QlogError('QLOG_DISK_FULL', 'no space')
    const open = (process: SimulatedProcess) =>
      changed(openMemoryLog(process, new MemoryMedium()), {
        saveSnapshot: () => Promise.reject(error),
      })
    await inStore(async (store) => {
      await store.queue('q').put('a')
      await expect(store.checkpoint()).rejects.toBe(error)
      expect(heard.events.map((event) => event.error)).toEqual([error])
      const { snapshots, snapshotAgeMs } = store.stats()
      expect({ snapshots, snapshotAgeMs }).toEqual({ snapshots: 0, snapshotAgeMs: undefined })
    }, open)
  })
})

test('a store that stops tells why, once', async () => {
  const heard = new Listener('qlog:store-failed')
  const medium = new MemoryMedium()
  const failing = (process: SimulatedProcess): OpenLog => {
    const open = openSlowLog(process, medium)
    return async (owner, options) => {
      const log = await open(owner, options)
      log.failAt(3)
      return log
    }
  }
  await inStore(async (store) => {
    for (let count = 0; count < 5; count++) {
      await store
        .queue('q')
        .put('x')
        .catch(() => undefined)
    }
    expect(store.status).toBe('failed')
    expect(heard.events).toHaveLength(1)
    expect(heard.events[0]?.directory).toBe(NAME)
    expect(heard.events[0]?.error).toBeInstanceOf(Error)
  }, failing)
})

test('the event loop is watched from the next commit on while somebody listens, and until close', async () => {
  await inStore(async (store, process) => {
    await store.queue('q').put('a')
    expect(process.loopWatchers).toBe(0)
    const heard = new Listener('qlog:loop-delay')
    await store.queue('q').put('b')
    expect(process.loopWatchers).toBe(1)
    process.loopDelayMs = 250
    await passes(process, 1_500)
    expect(heard.events).toEqual([{ directory: NAME, delayMs: 250 }])
    await store.close()
    expect(process.loopWatchers).toBe(0)
  })
})

async function inStore(
  body: (store: LogStore, process: SimulatedProcess) => Promise<void>,
  open = (process: SimulatedProcess): OpenLog => openMemoryLog(process, new MemoryMedium()),
): Promise<void> {
  await simulate(1, async (process) => {
    const store = await openStoreOn(process, open(process), {}, NAME)
    await body(store, process)
    await store.close().catch(() => undefined)
  })
}

async function take(store: LogStore, queue: string): Promise<readonly Delivery[]> {
  const session = store.session()
  await session.watch(queue)
  return session.reserve({ count: 100, timeoutMs: 0 })
}

/** The log but for some members. */
function changed(open: OpenLog, members: Partial<OwnedLog>): OpenLog {
  return async (owner, options) => Object.assign(await open(owner, options), members)
}

test('the event loop is watched while a worker works, and not for long after', () =>
  inStore(async (store, process) => {
    const worker = store.queue('q').work(() => undefined)
    await passes(process, 3_000)
    expect(process.loopWatchers).toBe(1)
    await worker.stop()
    await passes(process, 2_000)
    expect(process.loopWatchers).toBe(0)
  }))
