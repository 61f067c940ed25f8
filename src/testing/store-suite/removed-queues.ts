/** Removing queues: what nobody may miss goes as a whole, and its name is free for another one. */
import type { Queue } from '../../store/types/queues.ts'
import { equal, first, isTrue, present, rejected } from './checks.ts'
import { CRASHES_MS, type StoreTest, textOf, type World } from './world.ts'

const IN_USE = 'QLOG_QUEUE_IN_USE'

/** Neither removed nor changed. */
async function stays(queue: Queue): Promise<void> {
  await rejected(IN_USE, () => queue.remove())
  equal(await queue.remove({ ifUnused: true }), false)
}

/** Puts these and finishes them. */
async function used(world: World, queue: string, ...bodies: string[]): Promise<void> {
  await world.putAll(queue, ...bodies)
  equal(await world.drain(queue), bodies)
}

export const REMOVED_QUEUES: readonly StoreTest[] = [
  {
    name: 'a queue that nobody needs goes with its groups, settings and figures, for good',
    run: async (world) => {
      await world.put('other', 'stays')
      await used(world, 'q', 'a', 'b')
      const queue = world.store.queue('q')
      await queue.createGroup('audit', { from: 'next', leasedMax: 3 })
      await queue.configure({ messagesMax: 7 })
      await queue.pause(60_000)
      equal(await queue.remove(), true)
      const isGone = () => {
        equal(world.store.queues(), ['other'])
        const { nextOffset, groups, settings, pausedMs, totals } = world.store.queue('q').stats()
        equal([nextOffset, groups, settings.messagesMax, pausedMs], [0, [], undefined, 0])
        equal([totals.put, totals.acked], [0, 0])
      }
      isGone()
      equal(world.store.stats().totals.put, 1)
      await world.reopen()
      isGone()
      await world.store.compact()
      await world.reopen()
      isGone()
      equal(await world.drain('other'), ['stays'])
    },
  },
  {
    name: 'what is put to the name later makes a new queue: offsets from 0, ids that go on',
    run: async (world) => {
      const queue = world.store.queue('q')
      const group = queue.group()
      const old = await world.put('q', 'old')
      await world.drain('q')
      await queue.remove()
      equal(group.exists, false)
      const { id, offset } = await queue.put('new')
      isTrue(id > old.id, `${id} is no new id`)
      equal(offset, 0)
      const check = async () => {
        const now = world.store.queue('q')
        equal([now.stats().messages, now.stats().nextOffset], [1, 1])
        equal(await world.store.get(old.id), undefined)
        equal(await world.store.session().reserveById(old.id), undefined)
        equal(textOf((await now.get(id))?.body), 'new')
        equal(await world.ready('q'), ['new'])
      }
      await check()
      await world.store.compact()
      await world.reopen()
      await check()
    },
  },
  {
    name: 'queues that come and go leave nothing in the state, over restarts',
    run: async (world) => {
      await used(world, 'q', 'a')
      await world.store.queue('q').remove()
      await world.store.compact()
      await world.reopen()
      // The number of the one that is gone is nowhere but in the count of all.
      await used(world, 'other', 'b')
      const ids: number[] = []
      for (let round = 0; round < 5; round++) {
        ids.push((await world.put('q', `${round}`)).id)
        equal(await world.drain('q'), [`${round}`])
        equal(await world.store.queue('q').remove(), true)
        if (round === 2) await world.store.compact()
        if (round === 3) await world.reopen()
      }
      equal(new Set(ids).size, 5)
      equal(world.store.queues(), ['other'])
      equal(world.store.queue('other').stats().nextOffset, 1)
    },
  },
  {
    name: 'a queue with messages stays: ready, delayed, buried, leased, or unread',
    run: async (world) => {
      const queue = world.store.queue('q')
      await world.put('q', 'a')
      await stays(queue)
      const delivery = await world.takeOne('q')
      await stays(queue)
      await delivery.release({ delayMs: 60_000 })
      await stays(queue)
      await queue.group().kick(1)
      await world.bury('q', 'a')
      await stays(queue)
      await queue.createGroup('audit')
      await queue.group().redrive()
      equal(await world.drain('q'), ['a'])
      await stays(queue)
      equal(await world.drain('q', 'audit'), ['a'])
      equal(queue.stats().messages, 0)
      await world.reopen()
      equal(await world.store.queue('q').remove(), true)
    },
  },
  {
    name: 'a queue that a session or a worker reads stays until they let go of it',
    run: async (world) => {
      const queue = world.store.queue('q')
      const session = await world.watching('q')
      await stays(queue)
      session.ignore('q')
      const worker = queue.work(() => undefined, { group: 'g' })
      await world.settle()
      await stays(queue)
      await worker.stop()
      equal(await queue.remove(), true)
      equal(world.store.queues(), [])
    },
  },
  {
    name: 'a queue that retains messages stays until they are gone',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ retention: 'all' })
      await used(world, 'q', 'a')
      await stays(queue)
      await queue.configure({ retention: null })
      equal(await queue.remove(), true)
    },
  },
  {
    name: 'a queue for the dead letters of another one stays',
    run: async (world) => {
      const dead = world.store.queue('dead')
      await world.store.queue('q').configure({ deadLetter: { queue: 'dead' } })
      await stays(dead)
      await world.reopen()
      await stays(world.store.queue('dead'))
      await world.store.queue('q').configure({ deadLetter: null })
      equal(await world.store.queue('dead').remove(), true)
      equal(world.store.queues(), ['q'])
    },
  },
  {
    name: 'a queue whose keys are taken stays until their windows are over, or is told to forget them',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.put('a', { key: 'k', keyWindowMs: 10_000 })
      await world.drain('q')
      await stays(queue)
      await world.reopen()
      await stays(world.store.queue('q'))
      await world.advance(11_000)
      equal(await world.store.queue('q').remove(), true)
      const again = await world.store.queue('q').put('b', { key: 'k' })
      equal(again.duplicate, false)
      await world.drain('q')
      await stays(world.store.queue('q'))
      equal(await world.store.queue('q').remove({ forgetKeys: true }), true)
      equal((await world.store.queue('q').put('c', { key: 'k' })).duplicate, false)
    },
  },
  {
    name: 'a queue that remembers what producers have put stays, unless told to forget that',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.put('a', { producer: 'p', sequence: 1 })
      await world.drain('q')
      await stays(queue)
      equal(await queue.remove({ forgetKeys: true }), true)
      equal((await queue.put('b', { producer: 'p', sequence: 1 })).duplicate, false)
    },
  },
  {
    name: 'rule 21: what was called before a removal counts, whatever it was',
    run: async (world) => {
      await used(world, 'q', 'a')
      const queue = world.store.queue('q')
      const put = queue.put('b')
      await stays(queue)
      await put
      const session = await world.watching('q')
      const ack = first(await session.reserve()).ack()
      session.ignore('q')
      const [isRemoved] = await Promise.all([queue.remove(), ack])
      equal(isRemoved, true)
      const watching = session.watch('q')
      await stays(queue)
      await watching
      await session.close()
      const configured = world.store.queue('p').configure({ deadLetter: { queue: 'q' } })
      await stays(queue)
      await configured
    },
  },
  {
    name: 'rule 21: what is called behind a removal that was decided finds a new queue',
    run: async (world) => {
      await used(world, 'q', 'a')
      const queue = world.store.queue('q')
      const removed = queue.remove()
      const again = queue.remove()
      equal([queue.stats().nextOffset, queue.group().exists], [0, false])
      const put = queue.put('b')
      const session = world.store.session()
      const watching = session.watch('q')
      equal([await removed, await again], [true, false])
      equal((await put).offset, 0)
      await watching
      equal(textOf(first(await session.reserve()).body), 'b')
      await world.reopen()
      equal(world.store.queues(), ['q'])
      equal(await world.ready('q'), ['b'])
    },
  },
  {
    name: 'a removal that resolved is there after a crash, and one under way is whole or absent',
    needs: ['crash'],
    run: async (world) => {
      for (const crashMs of CRASHES_MS) {
        await used(world, 'done', 'a')
        await world.store.queue('done').remove()
        await used(world, 'q', 'b')
        const { nextOffset } = world.store.queue('q').stats()
        world.store
          .queue('q')
          .remove()
          .catch(() => undefined)
        world.store
          .queue('q')
          .put('c')
          .catch(() => undefined)
        await world.advance(crashMs)
        await world.crashAndOpen()
        isTrue(!world.store.queues().includes('done'), 'what was removed is there again')
        const left = world.store.queue('q').stats()
        // Before it, between the two, or behind both.
        const isOld = left.nextOffset === nextOffset && left.messages === 0
        const isNew = left.nextOffset === left.messages && left.messages <= 1
        isTrue(isOld || isNew, `${left.messages} messages, next offset ${left.nextOffset}`)
        if (isNew && left.messages === 1) equal(await world.drain('q'), ['c'])
        await world.store.queue('q').remove({ ifUnused: true })
      }
    },
  },
  {
    name: 'a name that never was a queue is none to remove',
    run: async (world) => {
      equal(await world.store.queue('q').remove(), false)
      equal(world.store.queues(), [])
      const made = present((await world.putAll('q', 'a'))[0])
      equal(made.offset, 0)
    },
  },
]
