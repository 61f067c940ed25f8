/**
 * What the log turns down leaves nothing half done: an operation is written whole or not at all, nobody is told of what
 * is still on its way, and what one call undoes is its own alone.
 */
import { expect, test } from 'vitest'
import { DamagedError, QlogError } from '../../src/errors.ts'
import type { Batch, FetchOptions, OpenLog } from '../../src/log/seam.ts'
import { MessageFetch } from '../../src/store/message-fetch.ts'
import { decodeControl } from '../../src/store/records/control-record.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import { inWorld, PacedWorld } from './worlds.ts'

const TTL_MS = 1_000

/** Turns down what it is told to, once. */
class RefusingWorld extends PacedWorld {
  refuse: ((batch: Batch) => QlogError | undefined) | undefined
  refused = 0
  /** Of the control records that the log took. */
  readonly kinds: string[] = []

  protected override openLog(process: SimulatedProcess): OpenLog {
    const open = super.openLog(process)
    return async (owner, options) => {
      const log = await open(owner, options)
      const append = log.append.bind(log)
      log.append = (batch) => {
        const error = this.refuse?.(batch)
        if (error === undefined) {
          this.kinds.push(...kindsOf(batch))
          return append(batch)
        }
        this.refuse = undefined
        this.refused += 1
        throw error
      }
      return log
    }
  }
}

function kindsOf({ control }: Batch): string[] {
  return control.map((one) => {
    const bytes = new Uint8Array(one.byteLength)
    one.encodeInto(bytes, 0)
    return decodeControl(bytes).kind
  })
}

const busy = new QlogError('QLOG_BUSY', 'not now')
const broken = new QlogError('QLOG_IO', 'no descriptor')

test('a dead letter that finds the log busy is put once, with the end of its message', async () => {
  const world = new RefusingWorld(1)
  await inWorld(world, async ({ store }) => {
    const queue = store.queue('q')
    await queue.configure({ deadLetter: { queue: 'dead' } })
    await queue.putMany(['a', 'b', 'c'].map((body) => ({ body, ttlMs: TTL_MS })))
    world.refuse = ({ messages }) => (messages.length > 0 ? busy : undefined)
    await world.advance(10 * TTL_MS)
    expect(world.refused).toBe(1)
    expect([queue.stats().messages, store.queue('dead').stats().messages]).toEqual([0, 3])
  })
})

test('who configures a group as it is being configured, or removes it again, waits for that', async () => {
  await inWorld(new RefusingWorld(2), async ({ store }) => {
    const group = await store.queue('q').createGroup('g')
    for (const call of [() => group.configure({ leasedMax: 5 }), () => group.remove()]) {
      const first = call()
      let isTold = false
      const second = call().then(() => {
        isTold = true
      })
      // The log takes longer than any turn of the loop.
      await new Promise(setImmediate)
      expect(isTold).toBe(false)
      await Promise.all([first, second])
    }
  })
})

test('settings whose change is turned down are those of the change in front of it', async () => {
  const world = new RefusingWorld(3)
  await inWorld(world, async ({ store }) => {
    const queue = store.queue('q')
    await queue.put('first')
    const first = queue.configure({ ttlMs: TTL_MS })
    world.refuse = () => broken
    const second = queue.configure({ retention: { messages: 5 } })
    await expect(second).rejects.toMatchObject({ code: 'QLOG_IO' })
    await first
    await queue.put('second')
    await world.advance(3 * TTL_MS)
    expect(queue.stats().messages).toBe(1)
  })
})

test('a store that cannot let go of what is beyond its limits ends in order all the same', async () => {
  const world = new RefusingWorld(4)
  await inWorld(world, async (here) => {
    await here.store.queue('q').configure({ retention: { messages: 1 } })
    await here.putAll('q', 'a', 'b', 'c')
    for (const one of await here.take('q', { count: 3 })) await one.ack()
    world.refuse = (batch) => (kindsOf(batch).includes('forget') ? broken : undefined)
    await here.close()
    expect([world.refused, world.kinds.at(-1)]).toEqual([1, 'close'])
  })
})

test('bodies beside a damaged one are read within the limits that were asked for', async () => {
  const damaged = 2
  const asked: number[] = []
  const log = {
    async fetch(ids: readonly number[], { signal }: FetchOptions = {}) {
      if (signal?.aborted) throw new QlogError('QLOG_ABORTED', 'the call was aborted')
      if (ids.includes(damaged)) throw new DamagedError('rot', [])
      asked.push(...ids)
      return ids.map(() => new Uint8Array(100))
    },
  }
  const fetch = new MessageFetch(log, () => undefined)
  const records = await fetch.records([1, damaged, 3, 4, 5, 6], 250)
  expect(records.map((record) => record?.length)).toEqual([100, undefined, 100])
  expect(asked).toEqual([1, 3, 4])
  const aborted = AbortSignal.abort()
  await expect(fetch.records([1, damaged], 250, aborted)).rejects.toMatchObject({
    code: 'QLOG_ABORTED',
  })
})

test('a log that stops while its store is opened is known to have stopped', async () => {
  const failure = new QlogError('QLOG_FAILED', 'a flush failed')
  class StoppedWorld extends PacedWorld {
    protected override openLog(process: SimulatedProcess): OpenLog {
      const open = super.openLog(process)
      return async (owner, options) => {
        const log = await open(owner, options)
        owner.failed(1, 'rejected', failure)
        return log
      }
    }
  }
  await inWorld(new StoppedWorld(5), async ({ store }) => {
    expect(store.status).toBe('failed')
    await expect(store.queue('q').put('a')).rejects.toMatchObject({ code: 'QLOG_FAILED' })
  })
})
