/** Nothing of the store runs ahead of its log: neither what it shows, nor what it saves or gives back. */
import { expect, test } from 'vitest'
import { MemoryWorld, SegmentWorld } from '../testing/store-worlds.ts'
import { inWorld, PacedWorld, provable, unheard } from './worlds.ts'

test('an ack is seen by nobody before it is durable', () =>
  inWorld(new PacedWorld(1), async (world) => {
    await world.put('jobs', 'a')
    const delivery = await world.takeOne('jobs')
    await world.settle()
    const ack = delivery.ack()
    expect(world.store.queue('jobs').stats().messages).toBe(1)
    await ack
    expect(world.store.queue('jobs').stats().messages).toBe(0)
  }))

test('a message whose ack was lost in a crash still has its body', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    await world.put('jobs', 'a')
    const delivery = await world.takeOne('jobs')
    await world.settle()
    unheard(delivery.ack())
    await world.crashAndOpen()
    expect((await world.takeOne('jobs')).text()).toBe('a')
  }))

test('a snapshot that is saved while messages come says what it holds, and no more', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    // A slice for each queue and lane, which are asked for one after the other.
    const queues = Array.from({ length: 40 }, (_, row) => `queue ${row}`)
    for (const name of queues) await world.put(name, 'before')
    let isSaved = false
    const saved = provable(world.store)
      .checkpoint()
      .finally(() => {
        isSaved = true
      })
    let puts = 0
    while (!isSaved) {
      await world.put('queue 0', `during ${puts}`)
      puts += 1
    }
    await saved
    expect(puts).toBeGreaterThan(1)
    const hash = provable(world.store).stateHash()
    await world.crashAndOpen()
    expect(provable(world.store).stateHash()).toBe(hash)
    expect(world.store.queue('queue 0').stats().messages).toBe(1 + puts)
  }))

for (const [where, make] of [
  ['memory', () => new MemoryWorld(1)],
  ['segments', () => new SegmentWorld(1)],
] as const) {
  test(`a compaction keeps what is leased, and what one group of two has finished, in ${where}`, () =>
    inWorld(make(), async (world) => {
      const queue = world.store.queue('jobs')
      await queue.createGroup('one')
      await queue.createGroup('two')
      const bodies = ['a', 'b', 'c']
      await world.putAll('jobs', ...bodies)
      const leased = await world.take('jobs', { group: 'one', count: 2 })
      await leased[0]?.ack()
      await world.settle()
      await world.store.compact()
      await leased[1]?.release()
      expect(await world.ready('jobs', 'one')).toEqual(['b', 'c'])
      await world.crashAndOpen()
      expect(await world.ready('jobs', 'two')).toEqual(bodies)
    }))
}

test('while the disk is full a save comes after few control records, so that acknowledgements go on', async () => {
  const paced = new PacedWorld(1)
  await inWorld(paced, async (world) => {
    const session = await world.watching('jobs')
    await world.put('jobs', 'a')
    /** Over 64 KiB of control records, and less than a mebibyte. */
    const buryAndKick = async (): Promise<void> => {
      for (let round = 0; round < 200; round++) {
        const [delivery] = await session.reserve()
        await delivery?.bury({ reason: 'r'.repeat(400) })
        await world.store.queue('jobs').group().kick(1)
      }
    }
    await buryAndKick()
    expect(world.store.stats().snapshotBytes).toBe(0)
    paced.setFull(true)
    await buryAndKick()
    expect(world.store.stats().snapshotBytes).toBeGreaterThan(0)
  })
})
