/** What becomes of a put whose key is taken: nothing, in the place of the first, or once more after it. */
import { equal, isTrue, present, rejected, Watched } from './checks.ts'
import { fillUp } from './full-disk.ts'
import { CRASHES_MS, type StoreTest, textsOf, withBody } from './world.ts'

const REPLACE = { key: 'k', onDuplicate: 'replace' } as const
const TRAILING = { key: 'k', onDuplicate: 'trailing' } as const
const HOUR_MS = 3_600_000

export const ON_DUPLICATE: readonly StoreTest[] = [
  {
    name: 'where nobody has begun a message, a replacing one comes in its place with its own options',
    run: async (world) => {
      const first = await world.put('q', 'old', { key: 'k', priority: 9, headers: { a: '1' } })
      await world.put('q', 'other')
      const second = await world.put('q', 'new', { ...REPLACE, headers: { b: '2' } })
      equal([second.duplicate, second.id > first.id, second.offset], [false, true, 2])
      equal(await world.store.queue('q').get(first.id), undefined)
      for (let opening = 0; opening < 2; opening++) {
        equal(world.store.queue('q').stats().messages, 2)
        const found = await world.store.queue('q').findByKey('k')
        equal([found?.id, found?.headers, found?.priority], [second.id, { b: '2' }, 1024])
        await world.reopen()
      }
      equal(await world.drain('q'), ['other', 'new'])
    },
  },
  {
    name: 'what was put off, came back or is buried is replaced too',
    run: async (world) => {
      for (const how of ['delayed', 'released', 'buried'] as const) {
        await world.put(how, 'old', { key: 'k', ...(how === 'delayed' && { delayMs: HOUR_MS }) })
        if (how === 'released') await (await world.takeOne(how)).release()
        if (how === 'buried') await (await world.takeOne(how)).bury()
        equal((await world.put(how, 'new', REPLACE)).duplicate, false)
        const [delivery, ...more] = await world.take(how)
        equal([delivery?.text(), delivery?.attempt, more.length], ['new', 1, 0])
        equal(world.counts(how), { ready: 0, delayed: 0, leased: 1, buried: 0 })
      }
    },
  },
  {
    name: 'a trailing put of a message that only waits puts nothing',
    run: async (world) => {
      const first = await world.put('q', 'a', { key: 'k' })
      equal(await world.put('q', 'b', TRAILING), { ...first, duplicate: true })
      equal(await world.drain('q'), ['a'])
    },
  },
  {
    name: 'while a message is in work one more comes after it, and no second one',
    run: async (world) => {
      for (const options of [TRAILING, REPLACE]) {
        const queue = options.onDuplicate
        await world.put(queue, 'a', { key: 'k' })
        const a = await world.takeOne(queue)
        const second = await world.put(queue, 'b', options)
        equal(second.duplicate, false)
        equal(await world.put(queue, 'c', TRAILING), { ...second, duplicate: true })
        equal(await world.put(queue, 'd', { key: 'k' }), { ...second, duplicate: true })
        equal(await world.take(queue), [])
        await a.ack()
        equal(await world.drain(queue), ['b'])
      }
    },
  },
  {
    name: 'what comes after another is delayed until that is finished or buried, across a restart too',
    run: async (world) => {
      await world.put('q', 'a', { key: 'k' })
      const a = await world.takeOne('q')
      const { id } = await world.put('q', 'b', { ...TRAILING, priority: 1 })
      for (const release of [() => a.release(), () => world.reopen()]) {
        await release()
        equal(world.counts('q'), { ready: 1, delayed: 1, leased: 0, buried: 0 })
        const group = world.store.queue('q').group()
        equal(
          [(await world.info('q', id)).state, (await group.peek('delayed'))?.id],
          ['delayed', id],
        )
        equal((await group.list({ state: 'delayed' })).length, 1)
        equal((await group.peek('ready'))?.offset, 0)
        equal(await (await world.watching('q')).reserveById(id), undefined)
      }
      await world.store.compact()
      await world.reopen()
      const again = await world.takeOne('q')
      equal([again.text(), await world.ready('q')], ['a', []])
      await again.bury()
      equal(world.counts('q'), { ready: 1, delayed: 0, leased: 0, buried: 1 })
      equal(await world.drain('q'), ['b'])
    },
  },
  {
    name: 'a kick does not let a message go before the one that it comes after',
    run: async (world) => {
      await world.put('q', 'a', { key: 'k' })
      await (await world.takeOne('q')).bury()
      const a = (await world.store.queue('q').group().peek('buried'))?.id
      const group = world.store.queue('q').group()
      await group.kick(1)
      const delivery = await world.takeOne('q')
      const { id } = await world.put('q', 'b', TRAILING)
      equal([await group.kick([id]), await group.kick(5)], [0, 0])
      await delivery.bury()
      await (await world.takeOne('q')).bury()
      // Both are ready again, and one of them is to be first.
      equal(await group.redrive(), 2)
      equal([await world.ready('q'), a], [['a'], delivery.id])
      equal(await world.drain('q'), ['a', 'b'])
    },
  },
  {
    name: 'a session that waits gets what came after as soon as the first is finished',
    run: async (world) => {
      await world.put('q', 'a', { key: 'k' })
      const a = await world.takeOne('q')
      await world.put('q', 'b', TRAILING)
      const waiting = new Watched((await world.watching('q')).reserve())
      await world.settle()
      equal(waiting.state, 'pending')
      await a.ack()
      await world.settle()
      equal(textsOf(waiting.value ?? []), ['b'])
    },
  },
  {
    name: 'a replacing put takes the place of one that comes after another, and comes after it too',
    run: async (world) => {
      await world.put('q', 'a', { key: 'k' })
      await world.takeOne('q')
      await world.put('q', 'b', TRAILING)
      equal((await world.put('q', 'c', REPLACE)).duplicate, false)
      equal([await world.ready('q'), world.store.stats().messages], [[], 2])
      await world.reopen()
      equal(await world.ready('q'), ['a'])
      equal(await world.drain('q'), ['a', 'c'])
      equal(world.store.stats().messages, 0)
    },
  },
  {
    name: 'a delay of its own goes on beside the wait for the first',
    run: async (world) => {
      await world.put('q', 'a', { key: 'k' })
      const a = await world.takeOne('q', { leaseMs: HOUR_MS })
      await world.put('q', 'b', { ...TRAILING, delayMs: 5_000 })
      await world.advance(10_000)
      equal([await world.ready('q'), world.counts('q').delayed], [[], 1])
      await a.ack()
      equal(await world.drain('q'), ['b'])
      await world.put('q', 'c', { key: 'k2' })
      const c = await world.takeOne('q')
      await world.put('q', 'd', { key: 'k2', onDuplicate: 'trailing', delayMs: 5_000 })
      await c.ack()
      equal([await world.ready('q'), world.counts('q').delayed], [[], 1])
      await world.advance(10_000)
      equal(await world.drain('q'), ['d'])
    },
  },
  {
    name: 'a message that has run, or left, is neither replaced nor waited for',
    run: async (world) => {
      for (const [row, options] of [REPLACE, TRAILING].entries()) {
        const queue = `q${row}`
        await world.put(queue, 'a', { key: 'k' })
        equal(await world.drain(queue), ['a'])
        const b = await world.put(queue, 'b', options)
        equal(b.duplicate, false)
        await world.store.queue(queue).delete([b.id])
        equal((await world.put(queue, 'c', options)).duplicate, false)
        equal(await world.drain(queue), ['c'])
      }
    },
  },
  {
    name: 'with several groups it comes after what one of them has begun, for each in its turn',
    run: async (world) => {
      await world.store.queue('q').createGroup('audit')
      await world.put('q', 'a', { key: 'k' })
      equal(await world.drain('q'), ['a'])
      equal((await world.put('q', 'b', REPLACE)).duplicate, false)
      equal(await world.drain('q'), ['b'])
      equal(await world.ready('q', 'audit'), ['a'])
      equal(await world.drain('q', 'audit'), ['a', 'b'])
    },
  },
  {
    name: 'rule 21: puts of one key at once leave one message, that of the last which replaces',
    run: async (world) => {
      const queue = world.store.queue('q')
      const work = [
        queue.put('a', { key: 'k' }),
        queue.put('b', REPLACE),
        queue.put('c', TRAILING),
        queue.put('d', { key: 'k' }),
      ]
      const [a, b] = await Promise.all(work)
      equal([a?.duplicate, b?.duplicate], [false, false])
      equal(await world.drain('q'), ['b'])
      const both = await Promise.all([queue.put('e', { key: 'l' }), queue.put('f', { key: 'l' })])
      equal(both[1], { ...both[0], duplicate: true })
    },
  },
  {
    name: 'a batch and a transaction replace as well, and the last of several in one batch stays',
    run: async (world) => {
      await world.put('q', 'old', { key: 'k' })
      const results = await world.store.queue('q').putMany([
        { body: 'a', ...REPLACE },
        { body: 'b', ...REPLACE },
        { body: 'c', ...TRAILING },
      ])
      equal(
        results.map(({ offset, duplicate }) => [offset, duplicate]),
        [
          [1, false],
          [1, true],
          [1, true],
        ],
      )
      equal(await world.ready('q'), ['b'])
      await world.store.transaction((tx) => tx.put('q', 'd', REPLACE))
      const taken = await world.take('q')
      equal(textsOf(taken), ['d'])
      await world.store.transaction((tx) => {
        tx.put('q', 'e', TRAILING)
        tx.ack(withBody(taken, 'd'))
      })
      await world.reopen()
      equal(await world.drain('q'), ['e'])
      equal(world.store.stats().messages, 0)
    },
  },
  {
    name: 'a crash leaves the first or the one in its place, never both and never none',
    needs: ['crash'],
    run: async (world) => {
      for (const [round, ms] of CRASHES_MS.entries()) {
        const queue = `q${round}`
        await world.put(queue, 'old', { key: 'k' })
        const replaced = new Watched(world.put(queue, 'new', REPLACE))
        await world.advance(ms)
        await world.crashAndOpen()
        const left = await world.ready(queue)
        isTrue(left.length === 1, `${left} are left`)
        isTrue(left[0] === 'new' || replaced.state !== 'done', 'what resolved is there')
      }
    },
  },
  {
    name: 'where the disk is full, the message that was to be replaced stays',
    needs: ['setFull'],
    run: async (world) => {
      await world.put('q', 'old', { key: 'k' })
      world.setFull(true)
      const big = 'x'.repeat(8_000)
      await rejected('QLOG_DISK_FULL', () => fillUp(() => world.store.queue('fill').put(big)))
      await rejected('QLOG_DISK_FULL', () => world.put('q', big, REPLACE))
      const made = () => world.store.transaction((tx) => tx.put('q', big, REPLACE))
      await rejected('QLOG_DISK_FULL', made)
      equal(await world.ready('q'), ['old'])
      world.setFull(false)
      await world.settle()
      await world.put('q', 'new', REPLACE)
      equal(await world.drain('q'), ['new'])
    },
  },
  {
    name: 'findByKey tells who has a key, as long as that message is there and its window lasts',
    run: async (world) => {
      const queue = world.store.queue('q')
      equal(await queue.findByKey('k'), undefined)
      const { id } = await world.put('q', 'a', { key: 'k', keyWindowMs: 5_000 })
      await world.put('other', 'b', { key: 'l' })
      equal([(await queue.findByKey('k'))?.id, await queue.findByKey('l')], [id, undefined])
      await world.reopen()
      const found = await world.store.queue('q').findByKey('k', 'audit')
      equal([found?.id, found?.key, found?.group, found?.state], [id, 'k', 'audit', 'ready'])
      await world.advance(6_000)
      equal(await world.store.queue('q').findByKey('k'), undefined)
      await world.put('q', 'c', { key: 'k' })
      await world.drain('q')
      equal(await world.store.queue('q').findByKey('k'), undefined)
      present(await world.store.queue('other').findByKey('l'))
    },
  },
]
