/** Move: messages of a group go to another queue, each piece of them as one entry. */
import type { MoveOptions } from '../../store/types/groups.ts'
import { equal, isTrue, present, rejected, Watched } from './checks.ts'
import { fillUp } from './full-disk.ts'
import { CRASHES_MS, type StoreTest, textsOf } from './world.ts'

/** More than one entry moves. */
const MANY = 700

export const MOVE: readonly StoreTest[] = [
  {
    name: 'buried messages go to another queue, where they are ready and new',
    run: async (world) => {
      await world.put('q', 'a', { priority: 5, headers: { trace: 'x' }, key: 'k' })
      await world.putAll('q', 'b', 'c')
      await world.bury('q', 'a', 'c')
      equal(await world.store.queue('q').group().move('dead', { state: 'buried' }), 2)
      for (let opening = 0; opening < 2; opening++) {
        equal(world.counts('q'), { ready: 1, delayed: 0, leased: 0, buried: 0 })
        equal(world.store.queue('q').stats().messages, 1)
        await world.reopen()
      }
      const [a, c] = await world.take('dead')
      equal(textsOf([present(a), present(c)]), ['a', 'c'])
      equal([a?.id, a?.offset, a?.attempt, a?.priority], [4, 0, 1, 5])
      equal([a?.headers, a?.key, c?.priority], [{ trace: 'x' }, undefined, 1024])
      equal((await world.put('dead', 'again', { key: 'k' })).duplicate, false)
    },
  },
  {
    name: 'everything that is ready goes in its order, also what came back, and the rest stays',
    run: async (world) => {
      await world.putAll('q', 'leased', 'b', 'buried', 'd')
      await world.put('q', 'urgent', { priority: 1 })
      await world.put('q', 'later', { delayMs: 60_000 })
      await world.bury('q', 'buried')
      const [urgent, leased, b] = await world.take('q', { count: 3 })
      await b?.release()
      await urgent?.release({ priority: 2 })
      equal(await world.store.queue('q').group().move('other', { state: 'ready' }), 3)
      equal(await world.drain('other'), ['urgent', 'b', 'd'])
      equal(world.counts('q'), { ready: 0, delayed: 1, leased: 1, buried: 1 })
      await leased?.ack()
      await world.advance(61_000)
      equal(await world.drain('q'), ['later'])
    },
  },
  {
    name: 'delayed messages keep their due time, and all keep what is left of their time to live',
    run: async (world) => {
      await world.put('q', 'put', { delayMs: 60_000 })
      await world.put('q', 'released')
      await world.put('q', 'expires', { delayMs: 80_000, ttlMs: 70_000 })
      await (await world.takeOne('q')).release({ delayMs: 40_000 })
      await world.advance(10_000)
      equal(await world.store.queue('q').group().move('other', { state: 'delayed' }), 3)
      await world.watching('other')
      equal([world.counts('q').delayed, world.counts('other').delayed], [0, 3])
      await world.advance(31_000)
      equal(await world.drain('other'), ['released'])
      await world.advance(20_000)
      equal(await world.drain('other'), ['put'])
      await world.advance(40_000)
      equal(await world.drain('other'), [])
      equal(world.store.stats().messages, 0)
    },
  },
  {
    name: 'a filter says which: a reason, from and up to a message, so many in order of offset',
    run: async (world) => {
      type Options = Omit<MoveOptions, 'state'>
      const rows: readonly (readonly [(ids: readonly number[]) => Options, string[]])[] = [
        [() => ({ reason: 'x' }), ['a', 'c']],
        [() => ({ reason: 'never' }), []],
        [() => ({ count: 1 }), ['a']],
        [() => ({ count: 1, from: { offset: 1 } }), ['b']],
        [() => ({ from: { offset: 1 }, to: { offset: 2 } }), ['b']],
        [(ids) => ({ to: { id: ids[1] ?? 0 } }), ['a']],
        [(ids) => ({ from: { id: ids[2] ?? 0 } }), ['c']],
      ]
      for (const [row, [options, bodies]] of rows.entries()) {
        const queue = `q${row}`
        const ids = (await world.putAll(queue, 'a', 'b', 'c')).map(({ id }) => id)
        const [a, b, c] = await world.take(queue)
        await c?.bury({ reason: 'x' })
        await b?.bury({ reason: 'y' })
        await a?.bury({ reason: 'x' })
        const group = world.store.queue(queue).group()
        const moved = await group.move('other', { state: 'buried', ...options(ids) })
        equal(moved, bodies.length, queue)
        equal(await world.drain('other'), bodies, queue)
        equal(world.counts(queue).buried, 3 - bodies.length, queue)
      }
    },
  },
  {
    name: 'a move is an affair of one group: the others still get the message where it was',
    run: async (world) => {
      await world.store.queue('q').createGroup('audit')
      await world.putAll('q', 'a', 'b')
      equal(await world.store.queue('q').group().move('other', { state: 'ready' }), 2)
      equal(await world.drain('q'), [])
      equal(await world.drain('q', 'audit'), ['a', 'b'])
      equal(await world.drain('other'), ['a', 'b'])
      equal(world.store.stats().messages, 0)
    },
  },
  {
    name: 'many go in several entries, each once, and an abort stops between them',
    run: async (world) => {
      const bodies = Array.from({ length: MANY }, (_, row) => String(row))
      await world.store.queue('q').putMany(bodies)
      const group = world.store.queue('q').group()
      await rejected('QLOG_ABORTED', () =>
        group.move('other', { state: 'ready', signal: AbortSignal.abort() }),
      )
      const moved = await Promise.all([
        group.move('other', { state: 'ready' }),
        group.move('other', { state: 'ready' }),
      ])
      equal(moved[0] + moved[1], MANY)
      equal([world.counts('q').ready, world.store.queue('other').stats().messages], [0, MANY])
      await world.reopen()
      const session = await world.watching('other')
      const taken = await session.reserve({ count: MANY })
      equal(new Set(textsOf(taken)).size, MANY)
    },
  },
  {
    name: 'nothing to move makes no queue, and a session that waits there gets what comes',
    run: async (world) => {
      await world.watching('q')
      const group = world.store.queue('q').group()
      equal(await group.move('other', { state: 'ready' }), 0)
      equal([...world.store.queues()], ['q'])
      const waiting = new Watched((await world.watching('other')).reserve())
      await world.put('q', 'a')
      equal(await group.move('other', { state: 'ready' }), 1)
      await world.settle()
      equal(textsOf(waiting.value ?? []), ['a'])
    },
  },
  {
    name: 'rule 21: what is deleted, purged or taken while it is being moved is in one place at most',
    run: async (world) => {
      const [a] = await world.putAll('q', 'a', 'b', 'c')
      const queue = world.store.queue('q')
      const session = await world.watching('q')
      const moving = queue.group().move('other', { state: 'ready' })
      const deleting = queue.delete([present(a).id])
      const taken = await session.reserve({ count: 5, timeoutMs: 0 })
      const [moved] = await Promise.all([moving, deleting])
      const left = [...textsOf(taken), ...(await world.drain('other'))].sort()
      equal(moved + taken.length, left.length)
      isTrue(new Set(left).size === left.length && left.includes('c'), left.join())
      await world.putAll('q', 'd', 'e')
      const { messages } = queue.stats()
      const [again, purged] = await Promise.all([
        queue.group().move('other', { state: 'ready' }),
        queue.purge(),
      ])
      equal(again + purged, messages)
      equal((await world.drain('other')).length, again)
    },
  },
  {
    name: 'a crash leaves every message in one of the two queues',
    needs: ['crash'],
    run: async (world) => {
      for (const [round, ms] of CRASHES_MS.entries()) {
        const [from, to] = [`q${round}`, `to${round}`]
        await world.putAll(from, 'a', 'b', 'c')
        await world.bury(from, 'b')
        const group = world.store.queue(from).group()
        const moving = new Watched(group.move(to, { state: 'ready' }))
        await world.advance(ms)
        await world.crashAndOpen()
        const moved = world.store.queues().includes(to) ? await world.drain(to) : []
        const stayed = await world.drain(from)
        equal([...moved, ...stayed], ['a', 'c'])
        isTrue(moving.state !== 'done' || stayed.length === 0, 'what resolved is moved')
      }
    },
  },
  {
    name: 'a move that a full disk refuses leaves everything where it is',
    needs: ['setFull'],
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      await world.bury('q', 'b')
      await world.store.queue('dead').createGroup('default')
      world.setFull(true)
      const put = () => world.store.queue('fill').put('x'.repeat(8_000))
      await rejected('QLOG_DISK_FULL', () => fillUp(put))
      const group = world.store.queue('q').group()
      const move = () => group.move('dead', { state: 'buried' })
      // What is small may find room yet.
      const isMoved = await move().then(
        () => true,
        () => false,
      )
      equal(world.counts('q').buried, isMoved ? 0 : 1)
      world.setFull(false)
      await world.settle()
      equal(await move(), isMoved ? 0 : 1)
      equal([await world.drain('q'), await world.drain('dead')], [['a'], ['b']])
    },
  },
]
