/** What `stats` tells. */
import { expect, test } from 'vitest'
import { type Peer, server } from './peer.ts'

async function figures(one: Peer): Promise<Map<string, string>> {
  const lines = (await one.ask('STATS\n')).split('\r\n')
  expect(lines.splice(-2)).toEqual(['END', ''])
  return new Map(
    lines.map((line) => {
      const [, name, value] = /^STAT (\S+) (\S+)$/.exec(line) ?? []
      return [name ?? line, value ?? '']
    }),
  )
}

test('figures of the server and of each queue, by the names of Kestrel', async () => {
  const here = await server()
  const one = here.peer()
  await one.ask('set q 0 0 1\r\nx\r\nset q 0 0 1\r\ny\r\nset q 0 0 1\r\nz\r\n')
  await one.ask('get q\r\nget q/peek\r\nget none\r\nget q+child\r\nflush q+child\r\n')
  await one.ask('get q/open\r\nget q/abort\r\nget q/open\r\n')
  const all = await figures(one)
  expect(Object.fromEntries(all)).toMatchObject({
    curr_items: '2',
    total_items: '3',
    curr_connections: '1',
    total_connections: '1',
    cmd_set: '3',
    cmd_get: '5',
    cmd_peek: '1',
    get_hits: '3',
    get_misses: '2',
    version: '1.6.18',
    qlog_version: '1.2.3',
    queue_creates: '1',
    queue_deletes: '0',
    queue_q_items: '1',
    queue_q_total_items: '3',
    queue_q_open_transactions: '1',
    queue_q_transactions: '3',
    queue_q_canceled_transactions: '1',
    queue_q_waiters: '0',
    queue_q_total_flushes: '0',
    'queue_q+child_items': '0',
    'queue_q+child_total_flushes': '1',
  })
  for (const name of ['uptime', 'time', 'pid', 'bytes', 'bytes_read', 'queue_q_age']) {
    expect(all.get(name), name).toMatch(/^\d+$/)
  }
})

test('bytes that were read and written are counted', async () => {
  const here = await server()
  const one = here.peer()
  const before = await figures(one)
  const sent = 'set q 0 0 3\r\nabc\r\nget q\r\n'
  const reply = await one.ask(sent)
  const after = await figures(one)
  const grown = (name: string): number => Number(after.get(name)) - Number(before.get(name))
  // The questions themselves count too.
  expect(grown('bytes_read')).toBe(sent.length + 'version\r\n'.length * 2 + 'STATS\n'.length)
  expect(grown('bytes_written')).toBeGreaterThan(reply.length)
})

test('reset begins the counts anew', async () => {
  const here = await server()
  const one = here.peer()
  await one.ask('set q 0 0 1\r\nx\r\nget q\r\nstats reset\r\n')
  expect(Object.fromEntries(await figures(one))).toMatchObject({
    cmd_set: '0',
    cmd_get: '0',
    get_hits: '0',
    curr_connections: '1',
  })
})

test('queues that others have put into, and whose names no key can have', async () => {
  const here = await server()
  await here.store.queue('plain').put('x')
  await here.store.queue('with space').put('x')
  await here.store.queue('gone').put('x')
  await here.store.queue('gone').purge()
  await here.store.queue('заказы').put('x')
  const all = await figures(here.peer())
  const name = Buffer.from('queue_заказы_items').toString('latin1')
  expect(
    [...all.keys()].filter((key) => key.endsWith('_items') && key.startsWith('queue_')),
  ).toEqual([
    'queue_plain_items',
    'queue_plain_total_items',
    'queue_plain_expired_items',
    name,
    name.replace('_items', '_total_items'),
    name.replace('_items', '_expired_items'),
  ])
})

test('connections that have gone are not counted', async () => {
  const here = await server()
  const [one, two] = [here.peer(), here.peer()]
  await two.ask('')
  two.wire.hangUp()
  await two.wire.settled()
  expect(Object.fromEntries(await figures(one))).toMatchObject({
    curr_connections: '1',
    total_connections: '2',
  })
})
