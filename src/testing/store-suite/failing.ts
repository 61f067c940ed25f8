/** A write that fails: what it carried rejects, the store stops for good, and opening again tells the rest. */
import { codeOf, equal, isTrue, rejected, Watched } from './checks.ts'
import { type StoreTest, withBody } from './world.ts'

const FAILED = 'QLOG_FAILED'
/** Of what was under way: known not to be there, or not known. */
const LOST = ['QLOG_REJECTED', 'QLOG_INDETERMINATE']

export const FAILING: readonly StoreTest[] = [
  {
    name: 'a put whose write fails rejects, and is there after opening again only if it may be',
    needs: ['failNextWrite'],
    run: async (world) => {
      const { store } = world
      await world.put('q', 'before')
      world.failNextWrite()
      const puts = ['a', 'b'].map((body) => new Watched(world.put('q', body)))
      await world.settle()
      for (const put of puts) {
        isTrue(LOST.includes(codeOf(put.error)), `${put.state}: ${codeOf(put.error)}`)
      }
      equal(store.status, 'failed')
      equal(store.stats().status, 'failed')
      await rejected(FAILED, () => store.queue('q').put('after'))
      await world.reopen()
      const found = await world.drain('q')
      const mayBe = ['before']
      for (const [row, { error }] of puts.entries()) {
        if (codeOf(error) === 'QLOG_INDETERMINATE') mayBe.push('ab'.charAt(row))
      }
      equal(found, mayBe.slice(0, found.length))
      equal((await world.put('q', 'again')).offset, found.length)
    },
  },
  {
    name: 'what waits when a write fails rejects with QLOG_FAILED, and so does every call after it',
    needs: ['failNextWrite'],
    run: async (world) => {
      const { store } = world
      const queue = store.queue('q')
      const session = await world.watching('q', 'other')
      await world.put('q', 'a')
      const [delivery] = await session.reserve()
      const waiting = new Watched(session.reserve())
      const loop = new Watched((await world.watching('q')).deliveries().next())
      await world.settle()
      world.failNextWrite()
      await world.put('other', 'b').catch(() => undefined)
      await world.settle()
      equal([codeOf(waiting.error), codeOf(loop.error)], [FAILED, FAILED])
      await rejected(FAILED, () => session.reserve({ timeoutMs: 0 }), 'reserve')
      await rejected(FAILED, () => delivery?.ack(), 'ack')
      await rejected(FAILED, () => queue.putMany(['x']), 'putMany')
      await rejected(FAILED, () => queue.createGroup('g'), 'createGroup')
      await rejected(FAILED, () => queue.pause(1_000), 'pause')
      await rejected(FAILED, () => queue.purge(), 'purge')
      await rejected(FAILED, () => queue.group().move('to', { state: 'ready' }), 'move')
      await rejected(FAILED, () => queue.group().seek('first'), 'seek')
      await rejected(FAILED, () => queue.group().redrive(), 'redrive')
      await rejected(FAILED, () => queue.delete([1]), 'delete')
      await rejected(FAILED, () => store.transaction((tx) => tx.put('q', 'x')), 'transaction')
      await store.close()
      equal(store.status, 'closed')
    },
  },
  {
    name: 'an ack whose write fails rejects, and its message is either finished or comes again',
    needs: ['failNextWrite'],
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      const taken = await world.take('q')
      await withBody(taken, 'a').ack()
      await world.settle()
      world.failNextWrite()
      const ack = new Watched(withBody(taken, 'b').ack())
      await world.settle()
      isTrue(LOST.includes(codeOf(ack.error)), `${ack.state}: ${codeOf(ack.error)}`)
      await world.reopen()
      const left = await world.drain('q')
      const isDone = left.length === 0 && codeOf(ack.error) === 'QLOG_INDETERMINATE'
      isTrue(isDone || left.join() === 'b', `left is ${left.join()}`)
    },
  },
  {
    name: 'a transaction whose write fails is there as a whole or not at all',
    needs: ['failNextWrite'],
    run: async (world) => {
      await world.putAll('q', 'order')
      const delivery = await world.takeOne('q')
      await world.settle()
      world.failNextWrite()
      const both = new Watched(
        world.store.transaction((tx) => {
          tx.ack(delivery)
          tx.put('invoices', 'invoice')
        }),
      )
      await world.settle()
      isTrue(LOST.includes(codeOf(both.error)), `${both.state}: ${codeOf(both.error)}`)
      await world.reopen()
      const left = [...(await world.drain('q')), ...(await world.drain('invoices'))]
      equal(left.length, 1)
    },
  },
]
