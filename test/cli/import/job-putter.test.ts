/** Jobs of a beanstalkd on their way into a store: large ones, buried ones, and those that come again. */
import { expect, onTestFinished, test } from 'vitest'
import { JobPutter } from '../../../src/cli/import/job-putter.ts'
import { openStore, type Store } from '../../../src/index.ts'
import type { ImportedJob } from '../../../src/protocols/beanstalkd/import/job.ts'
import { HereAccess } from '../../../src/server/access.ts'
import { openStoreThrough } from '../../../src/server/index.ts'
import { Simulation } from '../../../src/system/simulated/simulation.ts'
import type { Clock } from '../../../src/system/system.ts'
import { openSimulatedStore } from '../../../src/testing/simulated-store.ts'
import { freshDirectory } from '../support.ts'

const HOUR_MS = 3_600_000

function job(sourceId: number, bytes: number, isBuried: boolean, key?: string): ImportedJob {
  const options = { key, priority: 1, ttrMs: 1_000, delayMs: 0, isBuried }
  return { sourceId, ...options, body: new Uint8Array(bytes) }
}

test('one that is too large holds up none of its batch, and none is put twice', async () => {
  const directory = freshDirectory()
  const store = await openStore(directory, { log: { messageBytesMax: 4_096 } })
  onTestFinished(() => store.close())
  const access = await openStoreThrough(directory)
  onTestFinished(() => access.close())
  expect(access.owner).toBeDefined()
  const jobs = Array.from({ length: 9 }, (_, row) => {
    return job(row + 1, row === 1 || row === 6 ? 10_000 : 10, row > 4)
  })
  const outcomes = await new JobPutter(access, HOUR_MS).put('q', jobs)
  expect(outcomes.flatMap((outcome, row) => (outcome === 'too-large' ? [row] : []))).toEqual([1, 6])
  expect(outcomes.filter((outcome) => outcome === 'put')).toHaveLength(7)
  const { ready, buried, delayed } = store.queue('q').group().stats()
  expect([ready, buried, delayed]).toEqual([4, 3, 0])
})

/** Each lease of one message takes 10 ms. */
function slowToLease(store: Store, clock: Clock): Store {
  const begin = store.session.bind(store)
  const value = (...options: Parameters<typeof begin>) => {
    const session = begin(...options)
    const lease = session.reserveById.bind(session)
    const slowly = async (...asked: Parameters<typeof lease>) => {
      await new Promise<void>((resolve) => void clock.after(10, resolve))
      return lease(...asked)
    }
    return Object.defineProperty(session, 'reserveById', { value: slowly })
  }
  return Object.defineProperty(store, 'session', { value })
}

test('jobs whose time to run is shorter than all of them take are buried all the same', async () => {
  const simulation = new Simulation({ seed: 1 })
  await simulation.run(async () => {
    const machine = simulation.process('only')
    const store = await openSimulatedStore(machine, '/data')
    const access = new HereAccess(slowToLease(store, machine.clock))
    const jobs = Array.from({ length: 200 }, (_, row) => job(row + 1, 10, true))
    const outcomes = await new JobPutter(access, HOUR_MS).put('q', jobs)
    expect(outcomes).toEqual(jobs.map(() => 'put'))
    expect(store.queue('q').group().stats()).toMatchObject({ ready: 0, leased: 0, buried: 200 })
    await access.close()
  })
})

test('a buried job that was kicked here, and comes again, stays as it is', async () => {
  const directory = freshDirectory()
  const store = await openStore(directory)
  onTestFinished(() => store.close())
  const access = await openStoreThrough(directory)
  onTestFinished(() => access.close())
  const jobs = [1, 2, 3, 4].map((id) => job(id, 10, true, `k:${id}`))
  await new JobPutter(access, HOUR_MS).put('q', jobs)
  const group = store.queue('q').group()
  expect(await group.kick(3)).toBe(3)
  const worker = store.session()
  await worker.watch('q')
  const [done, later] = await worker.reserve({ count: 2 })
  await done?.ack()
  await later?.release({ delayMs: HOUR_MS })
  const again = await new JobPutter(access, HOUR_MS).put('q', [...jobs, job(5, 10, true, 'k:5')])
  expect(again).toEqual(['known', 'known', 'known', 'known', 'put'])
  expect(group.stats()).toMatchObject({ ready: 1, delayed: 1, buried: 2 })
})
