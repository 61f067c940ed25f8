/**
 * Goal: a verb that makes a dead letter of a body that only the log knows takes effect as a whole, like any
 * other. Method: the body is looked at, and lent, while nobody knows yet that it may become a letter.
 */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { MessageFetch } from '../../src/store/message-fetch.ts'
import type { Delivery } from '../../src/store/types/deliveries.ts'
import { rejected } from '../../src/testing/store-suite/checks.ts'
import { textsOf, type World } from '../../src/testing/store-suite/world.ts'
import { SlowWorld } from '../testing/store-worlds.ts'
import { inWorld } from './worlds.ts'

/** What each tells, where it tells anything. */
const VERBS: Readonly<Record<string, (world: World, one: Delivery) => Promise<unknown>>> = {
  retry: (_world, one) => one.retry('no'),
  release: (_world, one) => one.release({ counts: 'if-limited' }),
  transaction: async ({ store }, one) => {
    await store.transaction((transaction) => {
      transaction.retry(one, 'no')
      transaction.put('done', 'with it')
    })
  },
}

/** Its last delivery, whose holder has changed the bytes. */
async function lastInHand(world: World): Promise<Delivery> {
  await world.put('done', 'makes the queue')
  await world.put('dead', 'makes the queue')
  await world.put('jobs', 'body')
  const delivery = await world.takeOne('jobs')
  delivery.body.fill(65)
  const settings = { attemptsMax: 1, deadLetter: { queue: 'dead' } }
  await world.store.queue('jobs').configure(settings)
  await world.settle()
  return delivery
}

async function lettersOf(world: World): Promise<string[]> {
  return textsOf(await world.store.queue('dead').read({ from: { offset: 1 } }))
}

/** Nothing is read until it may go on. */
function holdReads(): { goOn(): void } {
  const records = MessageFetch.prototype.records
  let goOn: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    goOn = resolve
  })
  vi.spyOn(MessageFetch.prototype, 'records').mockImplementation(async function (
    this: MessageFetch,
    ...words
  ) {
    await held
    return records.apply(this, words)
  })
  return { goOn }
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe.each(Object.entries(VERBS))('a %s that reads first', (name, end) => {
  const told = (outcome: object) => (name === 'transaction' ? undefined : outcome)

  test('tells of a letter that is there', () =>
    inWorld(new SlowWorld(1), async (world) => {
      const outcome = await end(world, await lastInHand(world))
      expect(outcome).toEqual(told({ buried: true, deadLetter: 'dead' }))
      expect(world.store.queue('dead').stats().messages).toBe(2)
      expect(world.store.queue('jobs').stats().messages).toBe(0)
      expect(await lettersOf(world)).toEqual(['body'])
    }))

  test('is turned down by a full disk, and the lease goes on', () =>
    inWorld(new SlowWorld(1), async (world) => {
      const delivery = await lastInHand(world)
      world.setFull(true)
      await rejected('QLOG_DISK_FULL', () => end(world, delivery))
      expect(world.counts('jobs').leased).toBe(1)
      world.setFull(false)
      await end(world, delivery)
      expect(await lettersOf(world)).toEqual(['body'])
    }))

  test('ends the lease for everybody else from its call on', () =>
    inWorld(new SlowWorld(1), async (world) => {
      const delivery = await lastInHand(world)
      const reads = holdReads()
      const ending = end(world, delivery)
      await rejected('QLOG_STALE_LEASE', () => delivery.ack())
      await rejected('QLOG_STALE_LEASE', () => end(world, delivery))
      // Longer than the lease is.
      await world.advance(60_000)
      reads.goOn()
      await ending
      expect(await lettersOf(world)).toEqual(['body'])
    }))

  test('is waited for by whoever closes the store', () =>
    inWorld(new SlowWorld(1), async (world) => {
      const delivery = await lastInHand(world)
      const reads = holdReads()
      const ending = end(world, delivery)
      const closing = world.close()
      await world.settle()
      reads.goOn()
      await Promise.all([ending, closing])
      await world.open()
      expect(await lettersOf(world)).toEqual(['body'])
    }))

  test('does nothing where the message was deleted meanwhile', () =>
    inWorld(new SlowWorld(1), async (world) => {
      const delivery = await lastInHand(world)
      const reads = holdReads()
      const ending = rejected('QLOG_STALE_LEASE', () => end(world, delivery))
      const { id, offset } = delivery
      await world.store.queue('jobs').delete([{ queue: 'jobs', id, offset }])
      reads.goOn()
      await ending
      expect(await lettersOf(world)).toEqual([])
      expect(world.store.queue('done').stats().messages).toBe(1)
    }))

  test('buries what cannot be read', () =>
    inWorld(new SlowWorld(1), async (world) => {
      const delivery = await lastInHand(world)
      vi.spyOn(MessageFetch.prototype, 'records').mockResolvedValue([undefined])
      expect(await end(world, delivery)).toEqual(told({ buried: true }))
      expect(world.counts('jobs').buried).toBe(1)
    }))
})

test.each(['retry', 'release'] as const)(
  'a %s that reads first gives way to a purge that is called meanwhile',
  (verb) =>
    inWorld(new SlowWorld(1), async (world) => {
      const delivery = await lastInHand(world)
      const reads = holdReads()
      const ending = rejected('QLOG_STALE_LEASE', () => VERBS[verb]?.(world, delivery))
      const purged = world.store.queue('jobs').purge()
      reads.goOn()
      await ending
      expect(await purged).toBe(1)
      expect(await lettersOf(world)).toEqual([])
    }),
)

test('what a transaction reads first takes effect in its turn', () =>
  inWorld(new SlowWorld(1), async (world) => {
    const delivery = await lastInHand(world)
    const group = world.store.queue('jobs').group()
    await world.store.queue('jobs').configure({ retention: 'all' })
    await world.store.transaction((transaction) => {
      transaction.retry(delivery, 'no')
      transaction.seek(group, 'first')
    })
    // It was finished in front of that, so it comes once more.
    expect(world.counts('jobs').ready).toBe(1)
    expect(await lettersOf(world)).toEqual(['body'])
  }))
