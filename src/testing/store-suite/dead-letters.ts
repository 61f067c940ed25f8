/** Dead letters: what expires, or has no attempt left, goes to another queue, once. */
import { changesNothing } from './called-off.ts'
import { equal, isTrue, present, rejected } from './checks.ts'
import { each, eachOption, refusesAll } from './misuse.ts'
import { type StoreTest, textOf, type World } from './world.ts'

const MINUTE_MS = 60_000
const RETRY = { attemptsMax: 2, backoffMs: 0 }

/** The queue `q`, whose dead letters go to `dead`. */
async function withLetters(world: World): Promise<void> {
  const queue = world.store.queue('q', { retry: RETRY })
  await queue.configure({ deadLetter: { queue: 'dead' } })
}

async function letters(world: World): Promise<[string, Readonly<Record<string, string>>][]> {
  const found = await world.store.queue('dead').read({ limit: 10_000 })
  return found.map(({ body, headers }) => [textOf(body), headers])
}

/** Both attempts fail. */
async function failTwice(world: World, error: string): Promise<unknown> {
  await (await world.takeOne('q')).retry(new Error(error))
  return (await world.takeOne('q')).retry(new Error(error))
}

export const DEAD_LETTERS: readonly StoreTest[] = [
  {
    name: 'a message whose last attempt fails goes to the other queue, with what is known of it',
    run: async (world) => {
      await withLetters(world)
      const { id } = await world.put('q', 'a', { priority: 7, headers: { trace: 't' } })
      equal(await failTwice(world, 'no'), { buried: true, deadLetter: 'dead' })
      const told = {
        ...{ 'dead-from': 'q', 'dead-id': `${id}`, 'dead-reason': 'attempts' },
        ...{ 'dead-attempts': '2', 'dead-group': 'default', 'dead-error': 'Error: no' },
      }
      equal(await letters(world), [['a', { trace: 't', ...told }]])
      equal(world.store.queue('q').stats().messages, 0)
      equal((await world.takeOne('dead')).priority, 7)
      await world.reopen()
      equal(await world.ready('dead'), ['a'])
      equal(await world.ready('q'), [])
    },
  },
  {
    name: 'many deliveries, and one in a transaction, go there in the entry of their retry',
    run: async (world) => {
      await withLetters(world)
      await world.putAll('q', 'a', 'b', 'c')
      const session = await world.watching('q')
      await session.retry(await session.reserve({ count: 3 }), 'first')
      const [a, b, c] = await session.reserve({ count: 3 })
      const buried = { buried: true, deadLetter: 'dead' }
      equal(await session.retry([present(a), present(b)], 'second'), [buried, buried])
      const { puts } = await world.store.transaction((tx) => {
        tx.retry(present(c), 'third')
        tx.put('other', 'x')
      })
      equal(puts.length, 1)
      equal(
        (await letters(world)).map(([body, headers]) => [body, headers['dead-error']]),
        [
          ['a', 'second'],
          ['b', 'second'],
          ['c', 'third'],
        ],
      )
      equal(world.store.queue('q').stats().messages, 0)
    },
  },
  {
    name: 'a transaction that fails moves nothing, and its leases go on',
    run: async (world) => {
      await withLetters(world)
      await world.put('q', 'a')
      await (await world.takeOne('q')).retry()
      const delivery = await world.takeOne('q')
      await changesNothing(world, (tx) => tx.retry(delivery))
      equal(await letters(world), [])
      await delivery.ack()
      equal(world.store.queue('q').stats().messages, 0)
    },
  },
  {
    name: 'a message whose attempts ran out by leases that ended goes there, whether or not anybody asks for it',
    run: async (world) => {
      await withLetters(world)
      await world.putAll('q', 'a', 'b')
      for (let attempt = 0; attempt < 2; attempt++) {
        await world.take('q', { leaseMs: 1_000 })
        await world.advance(2_000)
      }
      await world.settle()
      equal(
        (await letters(world)).map(([body, headers]) => [body, headers['dead-attempts']]),
        [
          ['a', '2'],
          ['b', '2'],
        ],
      )
      equal(world.counts('q'), { ready: 0, delayed: 0, leased: 0, buried: 0 })
      equal(world.store.queue('q').stats().messages, 0)
    },
  },
  {
    name: 'what expires goes there, delivered or not, for all groups together',
    run: async (world) => {
      await withLetters(world)
      await world.store.queue('q').createGroup('other')
      const bodies = Array.from({ length: 600 }, (_, row) => `${row}`)
      await world.store.queue('q').putMany(bodies.map((body) => ({ body, ttlMs: MINUTE_MS })))
      await world.put('q', 'ever')
      await (await world.takeOne('q')).retry(new Error('tried'))
      await world.advance(MINUTE_MS + 1_000)
      await world.settle()
      const found = await letters(world)
      equal(
        found.map(([body]) => body),
        bodies,
      )
      equal(found[0]?.[1]['dead-reason'], 'expired')
      equal(found[0]?.[1]['dead-error'], 'Error: tried')
      equal(found[1]?.[1]['dead-group'], undefined)
      equal(await world.ready('q'), ['ever'])
      equal(world.store.queue('dead').stats().messages, 600)
    },
  },
  {
    name: 'what expires while it is leased goes there when it comes back, and not when it is finished',
    run: async (world) => {
      await withLetters(world)
      for (const body of ['a', 'b']) await world.put('q', body, { ttlMs: MINUTE_MS })
      const [a, b] = await world.take('q', { leaseMs: 5 * MINUTE_MS })
      await world.advance(2 * MINUTE_MS)
      await present(a).ack()
      await present(b).release()
      await world.settle()
      equal(
        (await letters(world)).map(([body]) => body),
        ['b'],
      )
      equal(world.store.queue('q').stats().messages, 0)
    },
  },
  {
    name: 'what expired while the store was closed goes there once it is open',
    needs: ['advanceWhileDown'],
    run: async (world) => {
      await withLetters(world)
      await world.put('q', 'a', { ttlMs: MINUTE_MS })
      await world.close()
      await world.advanceWhileDown(2 * MINUTE_MS, true)
      await world.open()
      equal(await world.ready('q'), [])
      await world.settle()
      equal((await letters(world)).length, 1)
    },
  },
  {
    name: 'rule 19: after a crash a message is in one of both queues, never in both and never in none',
    needs: ['crash'],
    run: async (world) => {
      await withLetters(world)
      for (const ms of [0, 0.5, 3, 30, 100]) {
        await world.putAll('q', 'tried', 'last')
        await world.put('q', 'old', { ttlMs: 5_000 })
        const [tried, last] = await world.take('q', { count: 2 })
        await present(tried).ack()
        await present(last).retry()
        await world.advance(5_000)
        const again = await world.takeOne('q')
        again.retry(new Error('no')).catch(() => undefined)
        await world.advance(ms)
        await world.crashAndOpen()
        await world.settle()
        world.store.queue('q', { retry: RETRY })
        const all = [...(await world.drain('q')), ...(await world.drain('dead'))]
        equal(all.sort(), ['last', 'old'])
      }
    },
  },
  {
    name: 'a message that is deleted as it expires, or as its attempts run out, leaves no letter',
    run: async (world) => {
      await withLetters(world)
      const { id } = await world.put('q', 'a', { ttlMs: MINUTE_MS })
      await world.store.queue('q').delete([id])
      await world.advance(2 * MINUTE_MS)
      await world.put('q', 'b')
      await world.take('q', { leaseMs: 1_000 })
      await world.advance(2_000)
      await world.store.queue('q').configure({ attemptsMax: 1 })
      const gone = world.store.queue('q').delete([{ queue: 'q', id: id + 1, offset: 1 }])
      await world.take('q')
      equal(await gone, 1)
      await world.settle()
      equal(await letters(world), [])
      equal(world.store.queue('q').stats().messages, 0)
    },
  },
  {
    name: 'a queue for dead letters that is full takes them all the same, or lets its oldest go',
    run: async (world) => {
      await withLetters(world)
      const dead = world.store.queue('dead')
      await dead.configure({ messagesMax: 1 })
      await dead.put('own')
      await world.put('q', 'a')
      await failTwice(world, 'no')
      equal(dead.stats().messages, 2)
      await dead.configure({ whenFull: 'drop-oldest' })
      await world.put('q', 'b')
      await failTwice(world, 'no')
      equal(
        (await letters(world)).map(([body]) => body),
        ['b'],
      )
    },
  },
  {
    name: 'a full disk: what would be a letter stays where it is, or is buried, and nothing is lost',
    needs: ['setFull'],
    run: async (world) => {
      await withLetters(world)
      await world.putAll('q', 'a', 'b')
      await world.put('q', 'c', { ttlMs: MINUTE_MS })
      const [a, b] = await world.take('q', { count: 2 })
      await present(a).retry()
      await present(b).retry()
      await world.take('q', { count: 2, leaseMs: 1_000 })
      world.setFull(true)
      await world.advance(MINUTE_MS + 1_000)
      await world.take('q')
      await world.settle()
      world.setFull(false)
      await world.advance(MINUTE_MS)
      await world.store.queue('q').group().kick(10)
      const bodies = (await letters(world)).map(([body]) => body)
      equal([...(await world.ready('q')), ...bodies].sort(), ['a', 'b', 'c'])
    },
  },
  {
    name: 'without the setting nothing changes: buried, and gone',
    run: async (world) => {
      await withLetters(world)
      const queue = world.store.queue('q')
      await queue.configure({ deadLetter: null })
      await world.put('q', 'a')
      equal(await failTwice(world, 'no'), { buried: true })
      await world.put('q', 'b', { ttlMs: MINUTE_MS })
      await world.advance(2 * MINUTE_MS)
      equal(world.counts('q').buried, 1)
      equal(queue.stats().messages, 1)
      equal(await letters(world), [])
    },
  },
  {
    name: 'the setting survives a restart, and what is buried by hand is no dead letter',
    run: async (world) => {
      await withLetters(world)
      await world.reopen()
      equal(world.store.queue('q').stats().settings.deadLetter, { queue: 'dead' })
      isTrue(world.store.queues().includes('dead'), 'the other queue has begun')
      await world.put('q', 'a')
      await (await world.takeOne('q')).bury()
      equal(world.counts('q').buried, 1)
      equal(await letters(world), [])
    },
  },
  {
    name: 'a queue for dead letters is another queue with a name that one can have',
    run: async (world) => {
      await refusesAll(world, ({ queue }) => [
        ...eachOption('configure', 'deadLetter', [17, 'dead', {}, { queue: '' }], (settings) =>
          queue.configure(settings),
        ),
        ...each('deadLetter', [{ queue: 'q' }, { queue: 'a', group: 'b' }], (deadLetter) =>
          queue.configure({ deadLetter }),
        ),
      ])
      await rejected('QLOG_INVALID_ARGUMENT', () =>
        world.store.queue('q').configure({ deadLetter: { queue: 'new' }, ttlMs: -1 }),
      )
      isTrue(!world.store.queues().includes('new'), 'no queue has begun')
    },
  },
]
