/** One store behind both protocols: what one puts the other takes. */
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.ts'
import { beanstalkd } from '../../src/protocols/beanstalkd/beanstalkd.ts'
import { memcache } from '../../src/protocols/memcache/index.ts'
import { type FakeClient, fakeClient } from '../../src/testing/fake-client.ts'

async function said(client: FakeClient, sent: string, reply: string): Promise<void> {
  client.send(sent)
  let text = ''
  while (text.length < reply.length) text += await client.text()
  expect(text).toBe(reply)
}

test('jobs and items are the same messages', async () => {
  const store = await openStore(':memory:')
  const jobs = fakeClient(beanstalkd(store))
  const items = fakeClient(memcache(store))
  await said(jobs, 'use mail\r\nput 10 0 60 1\r\na\r\n', 'USING mail\r\nINSERTED 1\r\n')
  await said(items, 'set mail 5 0 1\r\nb\r\n', 'STORED\r\n')

  // The job's priority is better; a job has no flags.
  await said(items, 'get mail/open\r\n', 'VALUE mail/open 0 1\r\na\r\nEND\r\n')
  await said(jobs, 'watch mail\r\nreserve\r\n', 'WATCHING 2\r\nRESERVED 2 1\r\nb\r\n')
  await said(jobs, 'release 2 1024 0\r\n', 'RELEASED\r\n')
  await said(
    items,
    'get mail/abort\r\nget mail/peek\r\n',
    'END\r\nVALUE mail/peek 0 1\r\na\r\nEND\r\n',
  )
  await said(jobs, 'reserve\r\ndelete 1\r\n', 'RESERVED 1 1\r\na\r\nDELETED\r\n')
  await said(items, 'gets mail\r\n', 'VALUE mail 5 1 2\r\nb\r\nEND\r\n')
  await said(jobs, 'reserve-with-timeout 0\r\npeek 2\r\n', 'TIMED_OUT\r\nNOT_FOUND\r\n')
  for (const client of [jobs, items]) client.hangUp()
  await store.close()
})

test('what a worker of one leaves behind is there at once, whoever made the queue', async () => {
  const errors: Error[] = []
  const onError = (error: Error): void => void errors.push(error)
  const store = await openStore(':memory:')
  const jobs = beanstalkd(store, { onError })
  const items = fakeClient(memcache(store, { onError }))
  const [one, two] = [fakeClient(jobs), fakeClient(jobs)]
  await said(items, 'set mail 0 0 1\r\na\r\n', 'STORED\r\n')
  await said(one, 'watch mail\r\nreserve\r\n', 'WATCHING 2\r\nRESERVED 1 1\r\na\r\n')
  await said(two, 'watch mail\r\n', 'WATCHING 2\r\n')
  one.hangUp()
  while (store.stats().leased > 0) await one.settled()
  two.send('reserve-with-timeout 0\r\n')
  expect(await two.text()).toBe('RESERVED 1 1\r\na\r\n')
  expect(errors).toEqual([])
  for (const client of [two, items]) client.hangUp()
  await store.close()
})

test('a reader that waits in one gets what the other puts', async () => {
  const store = await openStore(':memory:')
  const jobs = fakeClient(beanstalkd(store))
  const items = fakeClient(memcache(store))
  items.send('get mail/t=60000\r\n')
  await items.settled()
  jobs.send('use mail\r\nput 10 0 60 1\r\na\r\n')
  await said(items, '', 'VALUE mail/t=60000 0 1\r\na\r\nEND\r\n')
  await jobs.text(24)
  await said(jobs, 'watch mail\r\n', 'WATCHING 2\r\n')
  jobs.send('reserve\r\n')
  await jobs.settled()
  await said(items, 'set mail 0 0 1\r\nb\r\n', 'STORED\r\n')
  await said(jobs, '', 'RESERVED 2 1\r\nb\r\n')
  for (const client of [jobs, items]) client.hangUp()
  await store.close()
})
