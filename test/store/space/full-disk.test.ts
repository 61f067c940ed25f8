/** A full disk below a store: finishing messages goes on for as long as there are any (14). */
import { expect, test } from 'vitest'
import { SimulatedGround } from './simulated-ground.ts'

const KIB = 1024
const SMALL = { segmentBytesMin: 64 * KIB, segmentBytesMax: 64 * KIB } as const
const MESSAGES_MIN = 2_500
const MANY = 100

async function fill(ground: SimulatedGround): Promise<number> {
  const { disk } = ground.simulation
  await ground.open()
  disk.capacityBytes = 2 * 1024 * KIB
  const queue = ground.store.queue('q')
  for (let puts = 0; ; puts += MANY) {
    try {
      await queue.putMany(Array.from({ length: MANY }, () => 'x'.repeat(300)))
    } catch (error) {
      expect(error).toMatchObject({ code: 'QLOG_DISK_FULL' })
      expect(puts).toBeGreaterThan(MESSAGES_MIN)
      // Nothing is left for anybody.
      disk.capacityBytes = disk.usedBytes
      return puts
    }
  }
}

async function finishOneByOne(ground: SimulatedGround, puts: number): Promise<number> {
  const session = ground.store.session()
  await session.watch('q')
  for (let finished = 0; finished < puts; finished += 1) {
    const [delivery] = await session.reserve({ timeoutMs: 0 })
    if (delivery === undefined) return finished
    await delivery.ack()
  }
  return puts
}

test('messages that are finished one by one give back what the reserve is used up for', async () => {
  const ground = new SimulatedGround(31, SMALL)
  await ground.run(async () => {
    const puts = await fill(ground)
    const finished = await finishOneByOne(ground, puts)
    expect(finished).toBe(puts)
    await ground.close()
  })
}, 60_000)

test('messages that are finished together give their space back, though nothing follows them', async () => {
  const ground = new SimulatedGround(32, SMALL)
  await ground.run(async () => {
    const puts = await fill(ground)
    const session = ground.store.session()
    await session.watch('q')
    await session.ack(await session.reserve({ count: Math.floor(puts * 0.9), timeoutMs: 0 }))
    await ground.pass(30_000)
    await ground.store.queue('q').putMany(Array.from({ length: MANY }, () => 'x'.repeat(300)))
    await ground.close()
  })
}, 60_000)

test('a queue beside it whose messages stay, and so does its part of the state, is no hindrance', async () => {
  const ground = new SimulatedGround(31, SMALL)
  await ground.run(async () => {
    const { disk } = ground.simulation
    await ground.open()
    disk.capacityBytes = 1_536 * KIB
    const bodies = Array.from({ length: 20 }, () => 'x'.repeat(300))
    let puts = 0
    try {
      for (; ; puts += bodies.length) {
        await ground.store.queue('q').putMany(bodies)
        await ground.store.queue('keep').putMany(bodies)
      }
    } catch (error) {
      expect(error).toMatchObject({ code: 'QLOG_DISK_FULL' })
      disk.capacityBytes = disk.usedBytes
    }
    const finished = await finishOneByOne(ground, puts)
    expect(finished).toBeGreaterThan(1_000)
    expect(finished).toBe(puts)
    await ground.close()
  })
}, 60_000)
