/** Messages that have no attempt left, where the log turns down what is to become of them. */
import { afterEach, expect, test, vi } from 'vitest'
import { QlogError } from '../../src/errors.ts'
import { Journal } from '../../src/store/commit/journal.ts'
import { MessageFetch } from '../../src/store/message-fetch.ts'
import type { ControlOp } from '../../src/store/records/control-ops.ts'
import { LastAttempts } from '../../src/store/settle/last-attempts.ts'
import type { World } from '../../src/testing/store-suite/world.ts'
import { MemoryWorld, SlowWorld } from '../testing/store-worlds.ts'
import { inWorld } from './worlds.ts'

const WAIT_MS = 10_000
/** Of each message, while somebody waits so long: once at first, and then after 250 ms each. */
const TRIES_MAX = 1 + WAIT_MS / 250
/** Nobody tries so often. */
const MANY = 1_000

/** Counts what is tried; without an end, the test would never come to one. */
class Tries {
  count = 0

  add(): void {
    if (++this.count > MANY) throw new Error('it is tried again and again')
  }
}

/** Burials that nobody asked for. */
function burials(): Tries {
  const tries = new Tries()
  const bury = LastAttempts.prototype.bury
  vi.spyOn(LastAttempts.prototype, 'bury').mockImplementation(function (this: LastAttempts, taken) {
    tries.add()
    bury.call(this, taken)
  })
  return tries
}

/** Leases that end without an answer. */
function returns(): void {
  const tries = new Tries()
  const timedOut = LastAttempts.prototype.timedOut
  vi.spyOn(LastAttempts.prototype, 'timedOut').mockImplementation(function (
    this: LastAttempts,
    taken,
  ) {
    tries.add()
    timedOut.call(this, taken)
  })
}

/** The log has no room for such records, until all mocks are restored, or too many were tried. */
function refuse(refused: ControlOp['kind']): Tries {
  const submit = Journal.prototype.submit
  const tries = new Tries()
  vi.spyOn(Journal.prototype, 'submit').mockImplementation(function (this: Journal, operation) {
    const isRefused = operation.ops.some(({ kind }) => kind === refused)
    if (isRefused && tries.count++ < MANY) throw new QlogError('QLOG_DISK_FULL', 'no room')
    submit.call(this, operation)
  })
  return tries
}

afterEach(() => {
  vi.restoreAllMocks()
})

/** A hundred messages that failed once, with as much to tell of it as may be. */
async function withErrors(world: World): Promise<void> {
  await world.store
    .queue('jobs', { retry: { backoffMs: 1 } })
    .putMany(Array.from({ length: 100 }, (_, row) => `m${row}`))
  for (const delivery of await world.take('jobs')) await delivery.retry('é'.repeat(1024))
  await world.settle()
}

test('a burial that is turned down is tried again a little later, and no sooner', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    await world.put('jobs', 'a')
    await (await world.takeOne('jobs')).retry('failed')
    await world.store.queue('jobs').configure({ attemptsMax: 1 })
    const session = await world.watching('jobs')
    const tries = burials()
    refuse('bury')
    expect(await session.reserve({ timeoutMs: WAIT_MS })).toEqual([])
    expect(tries.count).toBeGreaterThan(1)
    expect(tries.count).toBeLessThanOrEqual(TRIES_MAX)
    vi.restoreAllMocks()
    expect(await session.reserve({ timeoutMs: WAIT_MS })).toEqual([])
    expect(world.counts('jobs').buried).toBe(1)
  }))

test('a dead letter whose body cannot be read is tried again a little later, and no sooner', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    await world.put('jobs', 'a')
    await (await world.takeOne('jobs')).retry('failed')
    await world.store.queue('jobs').configure({ attemptsMax: 1, deadLetter: { queue: 'dead' } })
    const session = await world.watching('jobs')
    const tries = new Tries()
    vi.spyOn(MessageFetch.prototype, 'many').mockImplementation(() => {
      tries.add()
      return Promise.reject(new QlogError('QLOG_DISK_FULL', 'it cannot be read now'))
    })
    expect(await session.reserve({ timeoutMs: WAIT_MS })).toEqual([])
    expect(tries.count).toBeGreaterThan(1)
    expect(tries.count).toBeLessThanOrEqual(TRIES_MAX)
    vi.restoreAllMocks()
    await session.reserve({ timeoutMs: WAIT_MS })
    expect(world.store.queue('dead').stats().messages).toBe(1)
  }))

test('the end of a lease that is turned down is tried again a little later, and no sooner', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    await world.put('jobs', 'a')
    const delivery = await world.takeOne('jobs', { leaseMs: 1_000 })
    const tries = refuse('return')
    await world.advance(1_000 + WAIT_MS)
    expect(tries.count).toBeGreaterThan(1)
    expect(tries.count).toBeLessThanOrEqual(TRIES_MAX)
    // Nobody else has it, so it is not too late.
    await delivery.ack()
    expect(world.store.queue('jobs').stats().messages).toBe(0)
  }))

test('messages with long errors that have no attempt left are buried in a log of small entries', () =>
  inWorld(new SlowWorld(1), async (world) => {
    await withErrors(world)
    await world.store.queue('jobs').configure({ attemptsMax: 1 })
    burials()
    expect(await world.take('jobs', { timeoutMs: 1_000 })).toEqual([])
    await world.settle()
    expect(world.counts('jobs').buried).toBe(100)
  }))

test('the same where their last leases end without an answer', () =>
  inWorld(new SlowWorld(1), async (world) => {
    await withErrors(world)
    await world.store.queue('jobs').configure({ attemptsMax: 2 })
    expect((await world.take('jobs', { leaseMs: 1_000 })).length).toBe(100)
    returns()
    await world.advance(5_000)
    await world.settle()
    expect(world.counts('jobs').buried).toBe(100)
  }))
