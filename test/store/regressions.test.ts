/** What a strict reading of the store once found, each by its behaviour. */
import { expect, test } from 'vitest'
import { codeOf } from '../../src/testing/store-suite/checks.ts'
import { textsOf, type World } from '../../src/testing/store-suite/world.ts'
import { MemoryWorld, SegmentWorld } from '../testing/store-worlds.ts'
import { inWorld, PACE_MS, PacedWorld, provable, unheard } from './worlds.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** Offsets that are kept and saved together. */
const CHUNK = 65_536

/** What was leased is written with the next group; this is that group. */
async function writeLeases(world: World): Promise<void> {
  await world.put('elsewhere', 'carries the lease record')
  await world.settle()
}

/** Saves the state, dies, opens again: the state is the same. */
async function expectSameAfterCheckpoint(world: World): Promise<void> {
  await provable(world.store).checkpoint()
  const hash = provable(world.store).stateHash()
  await world.crashAndOpen()
  expect(provable(world.store).stateHash()).toBe(hash)
}

test('a hole that is filled at last leaves no saved chunk behind that contradicts the floor', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    const queue = world.store.queue('jobs')
    for (let put = 0; put < CHUNK + 200; put += 10_000) {
      await queue.putMany(Array.from({ length: 10_000 }, () => 'x'))
    }
    const session = await world.watching('jobs')
    const leased = await session.reserve({ count: CHUNK, timeoutMs: 0, leaseMs: HOUR_MS })
    const more = await session.reserve({ count: 100, timeoutMs: 0, leaseMs: HOUR_MS })
    const hole = leased[5]
    await session.ack(leased.filter((one) => one !== hole))
    // The second chunk is finished in part, and once more behind that.
    await session.ack(more.filter((_, row) => row < 50 || row === 80))
    await provable(world.store).checkpoint()
    await hole?.ack()
    await expectSameAfterCheckpoint(world)
    expect(world.store.queue('jobs').stats().messages).toBe(70_000 - CHUNK - 51)
  }))

test('a message whose time came stays deliverable when the wall clock is set back before anyone asks', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    const queue = world.store.queue('jobs')
    await queue.createGroup('default')
    await world.put('jobs', 'head')
    await world.put('jobs', 'timed', { at: world.nowMs + 50 })
    await world.advance(2_000)
    expect(await queue.group().peek('delayed')).toBeUndefined()
    world.jumpWallClock(-HOUR_MS)
    expect(textsOf(await world.take('jobs'))).toEqual(['head', 'timed'])
  }))

test('a key that is taken again after its window is taken in the next opening too', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    await world.put('jobs', 'first', { key: 'k', keyWindowMs: 30 })
    await provable(world.store).checkpoint()
    await world.advance(100)
    const second = await world.put('jobs', 'second', { key: 'k', keyWindowMs: HOUR_MS })
    expect(second.duplicate).toBe(false)
    await expectSameAfterCheckpoint(world)
    const third = await world.put('jobs', 'third', { key: 'k' })
    expect(third).toEqual({ ...second, duplicate: true })
  }))

test('a group from next gets what takes the place of puts that were turned down', () =>
  inWorld(new PacedWorld(1), async (world) => {
    const queue = world.store.queue('jobs')
    await world.putAll('jobs', 'a', 'b', 'c')
    // Whatever comes now waits until these are through.
    const sent = [world.put('jobs', 'd'), world.put('jobs', 'e')]
    await world.advance(1)
    const refused = [world.put('jobs', 'f'), world.put('jobs', 'g')]
    const outcomes = Promise.allSettled(refused)
    const made = queue.createGroup('late', { from: 'next' })
    await Promise.resolve()
    await Promise.resolve()
    await Promise.resolve()
    world.setFull(true)
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await made
    world.setFull(false)
    await Promise.all(sent)
    expect((await world.put('jobs', 'h')).offset).toBe(5)
    expect(await world.ready('jobs', 'late')).toEqual(['h'])
  }))

test('a message that was deleted while a session held it is delivered to nobody, then or later', () =>
  inWorld(new SegmentWorld(1), async (world) => {
    await world.put('jobs', 'a')
    const { id, offset } = await world.put('jobs', 'b')
    const session = await world.watching('jobs')
    const deliveries = session.deliveries({ prefetch: 8 })
    const { value: first } = await deliveries.next()
    const deleted = world.store.transaction((tx) => tx.delete({ queue: 'jobs', id, offset }))
    const second = deliveries.next()
    unheard(second)
    await deleted
    await first?.ack()
    await writeLeases(world)
    expect(world.counts('jobs')).toEqual({ ready: 0, delayed: 0, leased: 0, buried: 0 })
    await world.crashAndOpen()
    expect(await world.ready('jobs')).toEqual([])
    expect(world.counts('jobs')).toEqual({ ready: 0, delayed: 0, leased: 0, buried: 0 })
  }))

/** `a` and `b`, or so many, were leased when the last opening died; `c` was not. */
async function withSuspects(world: World, count = 2): Promise<void> {
  await world.putAll('jobs', 'a', 'b', 'c')
  await world.take('jobs', { count })
  await writeLeases(world)
  await world.crashAndOpen()
}

test('a suspect that was nearly deleted still goes out by itself, and once', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    await withSuspects(world)
    const [a, c] = await world.take('jobs')
    expect([a?.text(), c?.text()]).toEqual(['a', 'c'])
    const change = world.store.transaction((tx) => {
      tx.delete({ queue: 'jobs', id: 2, offset: 1 })
      throw new Error('on second thoughts')
    })
    await expect(change).rejects.toThrow('on second thoughts')
    expect(await world.take('jobs')).toEqual([])
    await a?.ack()
    expect(textsOf(await world.take('jobs'))).toEqual(['b'])
    expect(await world.take('jobs')).toEqual([])
  }))

test('a suspect whose deletion was turned down still goes out by itself', () =>
  inWorld(new PacedWorld(1), async (world) => {
    await withSuspects(world, 3)
    await world.store.queue('small').configure({ messagesMax: 1 })
    const session = await world.watching('jobs')
    const [a] = await session.reserve()
    const waiting = session.reserve({ count: 3 })
    const acked = a?.ack()
    // It waits for the first put of the key, and then there is no room for all of it.
    unheard(world.put('keyed', 'first', { key: 'k' }))
    const change = world.store.transaction((tx) => {
      tx.delete({ queue: 'jobs', id: 2, offset: 1 })
      tx.put('keyed', 'second', { key: 'k' })
      tx.put('small', '1')
      tx.put('small', '2')
    })
    await expect(change).rejects.toMatchObject({ code: 'QLOG_QUEUE_FULL' })
    await acked
    const out = await waiting
    expect(textsOf(out)).toEqual(['c'])
    expect(await world.take('jobs')).toEqual([])
    await session.ack(out)
    expect(textsOf(await world.take('jobs'))).toEqual(['b'])
  }))

test('a suspect that a session held and gave back still goes out by itself', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    await withSuspects(world)
    await world.put('jobs', 'better', { priority: 0 })
    const session = await world.watching('jobs')
    const deliveries = session.deliveries({ prefetch: 8 })
    expect((await deliveries.next()).value?.text()).toBe('better')
    await deliveries.return?.()
    expect(textsOf(await world.take('jobs'))).toEqual(['a', 'c'])
  }))

test('a suspect that a full queue did not take still goes out by itself', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    await withSuspects(world)
    await world.put('small', 'the only one')
    await world.store.queue('small').configure({ messagesMax: 1 })
    const group = world.store.queue('jobs').group()
    const moved = group.move('small', { state: 'ready', count: 1 })
    await expect(moved).rejects.toMatchObject({ code: 'QLOG_QUEUE_FULL' })
    const [a, c] = await world.take('jobs')
    expect([a?.text(), c?.text()]).toEqual(['a', 'c'])
    await a?.ack()
    expect(textsOf(await world.take('jobs'))).toEqual(['b'])
  }))

test('no suspect goes out in its turn beside one that was taken by its id', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    await withSuspects(world)
    const session = world.store.session()
    const b = await session.reserveById(2)
    expect(b?.text()).toBe('b')
    expect(textsOf(await world.take('jobs'))).toEqual(['c'])
    await b?.ack()
    expect(textsOf(await world.take('jobs'))).toEqual(['a'])
  }))

test('a delivery of an opening that died ends nothing in the next one', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    await world.put('jobs', 'a')
    const old = await world.takeOne('jobs', { leaseMs: HOUR_MS })
    await writeLeases(world)
    await world.crashAndOpen()
    const session = await world.watching('jobs')
    const [delivery] = await session.reserve()
    expect(delivery?.text()).toBe('a')
    await expect(session.ack([old])).rejects.toMatchObject({ code: 'QLOG_STALE_LEASE' })
    await delivery?.ack()
    expect(world.store.queue('jobs').stats().messages).toBe(0)
  }))

test('a transaction that meets the key of a put on its way fails with that put, and does nothing', () =>
  inWorld(new PacedWorld(1), async (world) => {
    await world.put('in', 'job')
    const job = await world.takeOne('in')
    await world.settle()
    const sent = world.put('in', 'other')
    await world.advance(1)
    const first = world.put('out', 'result', { key: 'k' })
    const change = world.store.transaction((tx) => {
      tx.put('out', 'result', { key: 'k' })
      tx.ack(job)
    })
    const codes = Promise.all([first, change].map((one) => one.then(() => 'done', codeOf)))
    await Promise.resolve()
    await Promise.resolve()
    await Promise.resolve()
    world.setFull(true)
    expect(await codes).toEqual(['QLOG_DISK_FULL', 'QLOG_DISK_FULL'])
    await sent
    await world.advance(5 * PACE_MS)
    expect(world.store.queue('in').stats().messages).toBe(2)
    expect(job.leaseLeftMs).toBeGreaterThan(0)
  }))

test('a message that expired while a group had it goes when that group is done, for all others', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    const queue = world.store.queue('jobs')
    await queue.createGroup('one')
    await queue.createGroup('two')
    await world.put('jobs', 'short', { ttlMs: 50 })
    const delivery = await world.takeOne('jobs', { group: 'one' })
    await world.advance(MINUTE_MS / 4)
    expect(queue.stats().messages).toBe(1)
    await delivery.ack()
    await world.settle()
    expect(await world.ready('jobs', 'two')).toEqual([])
    expect(queue.stats().messages).toBe(0)
  }))

test('a message that expired while two groups had it goes with the last of them', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    const queue = world.store.queue('jobs')
    await queue.createGroup('one')
    await queue.createGroup('two')
    await world.put('jobs', 'short', { ttlMs: 50 })
    const one = await world.takeOne('jobs', { group: 'one', leaseMs: HOUR_MS })
    const two = await world.takeOne('jobs', { group: 'two', leaseMs: HOUR_MS })
    await world.advance(MINUTE_MS)
    await one.release()
    await world.settle()
    expect(await world.ready('jobs', 'one')).toEqual([])
    expect(two.leaseLeftMs).toBeGreaterThan(0)
    await two.release()
    await world.settle()
    expect(queue.stats().messages).toBe(0)
  }))

test('what expired stays gone when the machine boots anew with its clock far behind', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    await world.put('jobs', 'short', { ttlMs: HOUR_MS })
    await world.advance(2 * HOUR_MS)
    expect(world.store.queue('jobs').stats().messages).toBe(0)
    await world.crash()
    world.jumpWallClock(-2 * HOUR_MS)
    await world.advanceWhileDown(MINUTE_MS, false)
    await world.open()
    expect(await world.ready('jobs')).toEqual([])
    expect(world.store.queue('jobs').stats().messages).toBe(0)
  }))

test('a message that kills its process at once gains attempts also where the store was closed before', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    await world.put('jobs', 'a')
    await world.store.queue('jobs').createGroup('default')
    await world.reopen()
    const attempts: number[] = []
    for (let start = 0; start < 3; start++) {
      attempts.push((await world.takeOne('jobs')).attempt)
      await world.crashAndOpen()
    }
    expect(attempts).toEqual([1, 2, 3])
  }))

test('the store’s own time goes on from what it was, though the wall clock was set while it was open', () =>
  inWorld(new SegmentWorld(1), async (world) => {
    await world.store.queue('jobs').createGroup('default')
    await world.put('jobs', 'opened with the clock five hours ahead')
    await world.advance(MINUTE_MS)
    world.jumpWallClock(-5 * HOUR_MS)
    await world.advance(4 * HOUR_MS)
    const first = await world.put('jobs', 'first', { key: 'k', keyWindowMs: 10 * MINUTE_MS })
    await world.advance(HOUR_MS / 2)
    await world.put('jobs', 'free by now')
    await world.put('jobs', 'later', { delayMs: 5 * MINUTE_MS })
    await world.close()
    await world.advanceWhileDown(2 * MINUTE_MS, false)
    await world.open()
    const second = await world.put('jobs', 'second', { key: 'k' })
    expect([second.duplicate, second.id > first.id]).toEqual([false, true])
    expect(world.counts('jobs').delayed).toBe(1)
    await world.advance(4 * MINUTE_MS)
    expect(world.counts('jobs').delayed).toBe(0)
  }))

test('a boot with a wall clock that is no help goes on from where the log last told the time', () =>
  inWorld(new SegmentWorld(1), async (world) => {
    await world.put('jobs', 'first', { key: 'k', keyWindowMs: 10 * MINUTE_MS })
    for (let minute = 0; minute < 11; minute++) {
      await world.advance(MINUTE_MS)
      await world.put('jobs', 'plain')
    }
    await world.close()
    world.jumpWallClock(-5 * HOUR_MS)
    await world.advanceWhileDown(1_000, false)
    await world.open()
    expect((await world.put('jobs', 'second', { key: 'k' })).duplicate).toBe(false)
  }))

test('what is put behind a purge has as much room as ever where puts in front of it are turned down', () =>
  inWorld(new PacedWorld(1), async (world) => {
    const queue = world.store.queue('jobs')
    await queue.configure({ messagesMax: 3 })
    const sent = world.put('jobs', 'a')
    await world.advance(1)
    const inFront = Promise.allSettled(['b', 'c'].map((body) => world.put('jobs', body)))
    const purged = queue.purge()
    world.setFull(true)
    world.setFull(false)
    const behind = Promise.allSettled(
      ['d', 'e', 'f', 'g', 'h'].map((body) => world.put('jobs', body)),
    )
    expect((await inFront).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    const statuses = (await behind).map(({ status }) => status)
    expect(statuses).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'])
    await sent
    // It takes out what it came behind, and nothing that has taken the places of what was turned down.
    expect(await purged).toBe(1)
    expect(textsOf(await queue.read())).toEqual(['d', 'e', 'f'])
  }))

test('a transaction that waited while its group began anew ends no lease that began since', () =>
  inWorld(new PacedWorld(1), async (world) => {
    await world.put('jobs', 'a')
    const delivery = await world.takeOne('jobs')
    await world.settle()
    const waiting = (await world.watching('jobs')).reserve()
    const first = world.put('keyed', 'first', { key: 'k' })
    const change = world.store.transaction((tx) => {
      tx.release(delivery)
      tx.put('keyed', 'second', { key: 'k' })
    })
    const sought = world.store.queue('jobs').group().seek('first')
    await expect(change).rejects.toMatchObject({ code: 'QLOG_STALE_LEASE' })
    await Promise.all([first, sought])
    const [again] = await waiting
    await world.settle()
    await again?.ack()
    expect(world.store.queue('jobs').stats().messages).toBe(0)
  }))

test('a redrive that is turned down puts nothing back that others got since the group began anew', () =>
  inWorld(new PacedWorld(1), async (world) => {
    await world.put('small', 'the only one')
    await world.store.queue('small').configure({ messagesMax: 1 })
    await world.put('jobs', 'a')
    await world.bury('jobs', 'a')
    const group = world.store.queue('jobs').group()
    const waiting = (await world.watching('jobs')).reserve()
    unheard(world.put('keyed', 'first', { key: 'one' }))
    const change = world.store.transaction((tx) => {
      expect(tx.redrive(group)).toBe(1)
      for (const key of ['one', 'two']) tx.put('keyed', 'second', { key })
      tx.put('small', 'one too many')
    })
    const outcome = expect(change).rejects.toMatchObject({ code: 'QLOG_QUEUE_FULL' })
    unheard(group.seek('first'))
    // The transaction waits for this one as well, and the group has begun anew by then.
    await world.advance(PACE_MS / 2)
    unheard(world.put('keyed', 'first', { key: 'two' }))
    const [again] = await waiting
    await outcome
    await again?.ack()
    expect(world.store.queue('jobs').stats().messages).toBe(0)
  }))
