/**
 * A small store with everything that the log of one can hold: every kind of record, snapshots, merged and
 * packed segments. Made by the store itself on the simulated machine; segments have 16 KiB.
 */

import type { Session } from '../../src/store/types/sessions.ts'
import type { Store } from '../../src/store/types/store.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import { openSimulatedStore } from '../../src/testing/simulated-store.ts'
import { filesOf } from '../damage/images.ts'
import type { Files } from '../damage/memory-system.ts'

const LOG = { segmentBytesMin: 16_384, segmentBytesMax: 16_384, compression: 'lz4' } as const
const ROUNDS = 6
const HOUR_MS = 3_600_000

export interface StoreImage {
  /** Closed in order, by another opening than the one that made it. */
  readonly closed: Files
  /** Killed in the middle of its work. */
  readonly killed: Files
}

export async function makeStoreImage(): Promise<StoreImage> {
  const simulation = new Simulation({ seed: 21 })
  const first = simulation.process('first')
  await simulation.run(async () => {
    const store = await openSimulatedStore(first, '/log', { log: LOG })
    await begin(store)
    for (let round = 0; round < ROUNDS; round += 1) await work(store, round)
  })
  const killed = filesOf(simulation.disk)
  simulation.kill(first)
  const second = simulation.process('second')
  await simulation.run(async () => {
    const store = await openSimulatedStore(second, '/log', { log: LOG })
    await work(store, ROUNDS)
    await change(store)
    await store.compact()
    await work(store, ROUNDS + 1)
    await store.close()
  })
  return { closed: filesOf(simulation.disk), killed }
}

async function begin(store: Store): Promise<void> {
  await store.queue('mail').createGroup('audit', { from: 'first' })
  await store.queue('mail').configure({ deadLetter: { queue: 'dead' }, bytesMax: 4_000_000 })
  await store.queue('kept').configure({ retention: { ageMs: HOUR_MS } })
}

/** Puts of every kind, and every end that a delivery can come to. */
async function work(store: Store, round: number): Promise<void> {
  const mail = store.queue('mail')
  await mail.putMany(
    Array.from({ length: 30 }, (_, row) => `${round}:${row} `.padEnd(300, 'words ')),
  )
  await mail.put(`${round} keyed`, { key: `k${round}`, keyWindowMs: HOUR_MS, headers: { a: 'b' } })
  await mail.put(`${round} later`, { delayMs: HOUR_MS, ttlMs: 2 * HOUR_MS, priority: 3 })
  await mail.put(`${round} numbered`, { producer: 'p', sequence: round, leaseMs: 5_000 })
  await mail.put(`${round} last`, { key: `k${round}`, onDuplicate: 'trailing' })
  await store.queue('kept').putMany(['x'.repeat(2_000), `${round}`.padEnd(1_500, 'random?')])
  const session = store.session()
  await session.watch('mail')
  await session.watch('mail', { group: 'audit' })
  await session.watch('kept')
  await settle(session)
  await session.close()
}

async function settle(session: Session): Promise<void> {
  const taken = await session.reserve({ count: 60, timeoutMs: 0 })
  await session.ack(taken.slice(0, 40))
  await session.release(taken.slice(40, 45), { delayMs: 50_000, priority: 9 })
  await session.retry(taken.slice(45, 50), new Error('not yet'))
  await session.bury(taken.slice(50, 55), { reason: 'of no use' })
}

/** What changes queues and groups as a whole. */
async function change(store: Store): Promise<void> {
  const mail = store.queue('mail')
  await mail.group().redrive({ count: 2 })
  await mail.group('audit').seek({ offset: 0 })
  await mail.delete([1, 2, 3])
  await mail.pause(1_000)
  await store.queue('gone').put('a')
  await store.queue('gone').purge()
  await store.queue('gone').remove()
}
