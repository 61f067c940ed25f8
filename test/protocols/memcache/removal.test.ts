/** A queue that a client has used is anybody's to remove once that client is gone, and not before. */
import { describe, expect, test, vi } from 'vitest'
import type { Store } from '../../../src/index.ts'
import { OWN_READERS_MAX } from '../../../src/protocols/memcache/limits.ts'
import { server } from './peer.ts'

const PUT = 'set q 0 0 1\r\nx\r\n'

async function isRemovable(store: Store): Promise<boolean> {
  return store.queue('q').remove({ ifUnused: true })
}

/** Once what its connections held is given back, which needs turns of its own. */
async function becomesRemovable(store: Store): Promise<void> {
  await vi.waitFor(async () => expect(await isRemovable(store)).toBe(true))
  expect(store.queues()).not.toContain('q')
}

describe('a queue is removed after the last client', () => {
  test.each([
    ['put and got', `${PUT}get q\r\n`],
    ['put alone, of which nothing is left', `${PUT}flush q\r\n`],
    ['peeked', `${PUT}get q/peek\r\nflush q\r\n`],
    ['deleted', `${PUT}get q\r\n${PUT}delete q\r\n`],
    ['read as it was', 'get q/t=1\r\n'],
    [
      'deleted of it a fan-out that it had open',
      `get q+a\r\n${PUT}get q+a/open\r\ndelete q+a\r\nflush q\r\n`,
    ],
  ])('%s', async (_, sent) => {
    const here = await server()
    const one = here.peer()
    await one.ask(sent)
    expect(await isRemovable(here.store)).toBe(false)
    one.wire.hangUp()
    await becomesRemovable(here.store)
  })

  test('and not as long as another one uses it', async () => {
    const here = await server()
    const [one, two] = [here.peer(), here.peer()]
    await one.ask(`${PUT}get q\r\n`)
    await two.ask('get q\r\n')
    one.wire.hangUp()
    expect(await two.ask('get q\r\n')).toBe('END\r\n')
    expect(await isRemovable(here.store)).toBe(false)
    two.wire.hangUp()
    await becomesRemovable(here.store)
  })

  test('whose open read was given back, and taken by whoever came then', async () => {
    const here = await server()
    const one = here.peer()
    await one.ask(`${PUT}get q/open\r\n`)
    one.wire.hangUp()
    const two = here.peer()
    expect(await two.ask('get q/t=1000\r\n')).toBe('VALUE q/t=1000 0 1\r\nx\r\nEND\r\n')
    two.wire.hangUp()
    await becomesRemovable(here.store)
  })

  test('that waited as it went', async () => {
    const here = await server()
    const one = here.peer()
    await one.ask(`${PUT}get q\r\n`)
    one.wire.send('get q/t=100000\r\n')
    await vi.waitFor(() => expect(here.store.stats().queues[0]?.groups[0]?.waiting).toBe(1))
    one.wire.hangUp()
    await becomesRemovable(here.store)
  })

  test('that read a fan-out alone', async () => {
    const here = await server()
    const one = here.peer()
    await one.ask('get q+child\r\n')
    one.wire.hangUp()
    await becomesRemovable(here.store)
  })

  test('that has used more queues than a connection holds', async () => {
    const here = await server()
    const one = here.peer()
    await one.ask(`${PUT}get q\r\n`)
    for (let at = 0; at < OWN_READERS_MAX; at++) await one.ask(`get q${at}\r\n`)
    await becomesRemovable(here.store)
    expect(await one.ask(`${PUT}get q\r\n`)).toBe('STORED\r\nVALUE q 0 1\r\nx\r\nEND\r\n')
  })
})

test('a queue that was removed begins anew for who comes then', async () => {
  const here = await server()
  const one = here.peer()
  await one.ask(`${PUT}get q\r\n`)
  one.wire.hangUp()
  await becomesRemovable(here.store)
  expect(await here.peer().ask(`${PUT}get q\r\n`)).toBe('STORED\r\nVALUE q 0 1\r\nx\r\nEND\r\n')
})
