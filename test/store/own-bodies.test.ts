/** The body of a delivery is its holder's: what is done to it is not what others get, and is never written. */
import { expect, test } from 'vitest'
import { type Delivery, openStore, type Store } from '../../src/index.ts'
import { freshDirectory } from '../real/support.ts'

const BODY = 'hello-hello-hello'
const COUNT = 200

async function take(store: Store, group: string, count: number): Promise<readonly Delivery[]> {
  const session = store.session()
  await session.watch('q', { group })
  return session.reserve({ count })
}

async function bodiesOf(store: Store, queue: string): Promise<string[]> {
  const messages = await store.queue(queue).read({ limit: COUNT })
  return messages.map(({ body }) => new TextDecoder().decode(body))
}

test.each([
  { where: ':memory:', compression: 'none' },
  { where: 'disk', compression: 'none' },
  { where: 'disk', compression: 'lz4' },
] as const)(
  'a body that one group has changed is what it was for all others: %o',
  async ({ where, compression }) => {
    const isMemory = where === ':memory:'
    const directory = isMemory ? where : freshDirectory()
    const options = isMemory ? {} : { log: { compression } }
    let store = await openStore(directory, options)
    let queue = store.queue('q')
    await queue.createGroup('one')
    await queue.createGroup('two')
    // Of a size that a file is read in chunks for, and that LZ4 makes small.
    const body = BODY.padEnd(900)
    await queue.putMany(Array.from({ length: COUNT }, () => body))
    if (!isMemory) {
      await store.close()
      store = await openStore(directory, options)
      queue = store.queue('q')
    }
    const others: string[] = []
    for (let round = 0; round < 10; round++) {
      const mine = await take(store, 'one', 1)
      for (const one of mine) one.body.fill(65)
      for (const other of await take(store, 'two', 1)) others.push(other.text())
      const [buried] = mine
      await buried?.bury()
    }
    expect(others).toEqual(Array.from({ length: 10 }, () => body))
    expect(await bodiesOf(store, 'q')).toEqual(Array.from({ length: COUNT }, () => body))
    expect(await queue.group('one').move('other', { state: 'buried' })).toBe(10)
    expect(await bodiesOf(store, 'other')).toEqual(others)
    await store.close()
  },
)

test.each([
  { when: 'before it was delivered', verb: 'retry' },
  { when: 'while it was in hand', verb: 'retry' },
  { when: 'before it was delivered', verb: 'release' },
  { when: 'while it was in hand', verb: 'release' },
  { when: 'before it was delivered', verb: 'transaction' },
  { when: 'while it was in hand', verb: 'transaction' },
] as const)(
  'a letter has the bytes that were put, whatever was done to them in hand: %o',
  async ({ when, verb }) => {
    const store = await openStore(freshDirectory())
    const queue = store.queue('q')
    const change = { attemptsMax: 1, deadLetter: { queue: 'dead' } }
    if (when === 'before it was delivered') await queue.configure(change)
    await queue.putMany([BODY, BODY])
    const taken = await take(store, 'default', 2)
    for (const { body } of taken) body.fill(65)
    if (when === 'while it was in hand') await queue.configure(change)
    const outcomes: unknown[] = []
    if (verb === 'retry') for (const one of taken) outcomes.push(await one.retry(new Error('no')))
    else if (verb === 'release') {
      for (const one of taken) outcomes.push(await one.release({ counts: 'if-limited' }))
    } else {
      await store.transaction((transaction) => {
        for (const one of taken) transaction.retry(one, new Error('no'))
      })
    }
    const dead = { buried: true, deadLetter: 'dead' }
    if (verb !== 'transaction') expect(outcomes).toEqual([dead, dead])
    const session = store.session()
    await session.watch('dead')
    const letters: Delivery[] = []
    while (letters.length < 2) letters.push(...(await session.reserve({ count: 2 })))
    expect(letters.map((one) => one.text())).toEqual([BODY, BODY])
    expect(letters.map(({ headers }) => headers['dead-reason'])).toEqual(['attempts', 'attempts'])
    expect(queue.stats().messages).toBe(0)
    await store.close()
  },
)
