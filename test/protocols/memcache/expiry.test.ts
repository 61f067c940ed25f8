/** The exptime of a set: ignored unless the server was told, then as Kestrel reads it. */
import { expect, test } from 'vitest'
import { memcache } from '../../../src/protocols/memcache/index.ts'
import { server } from './peer.ts'

test('is ignored unless switched on', async () => {
  const one = (await server()).peer()
  await one.ask('set q 0 -1 1\r\nx\r\nset q 0 1 1\r\ny\r\n')
  expect(await one.ask('get q\r\nget q\r\n')).toBe(
    'VALUE q 0 1\r\nx\r\nEND\r\nVALUE q 0 1\r\ny\r\nEND\r\n',
  )
})

test('is a time from now, or since 1970 where it is large', async () => {
  const here = await server({ honourExpiry: true })
  const one = here.peer()
  const soon = Math.ceil(Date.now() / 1_000) + 3_600
  await one.ask(`set q 0 -1 1\r\na\r\nset q 0 1000000 1\r\nb\r\nset q 5 999999 1\r\nc\r\n`)
  await one.ask(`set q 0 ${soon} 1\r\nd\r\nset q 0 0 1\r\ne\r\n`)
  // The first two have expired, as soon as a millisecond has passed.
  while (here.store.stats().messages > 3) await one.wire.settled()
  expect(await one.ask('get q q q q\r\n')).toBe(
    'VALUE q 5 1\r\nc\r\nVALUE q 0 1\r\nd\r\nVALUE q 0 1\r\ne\r\nEND\r\n',
  )
})

test('beyond 31 bits is as late as can be told', async () => {
  const here = await server({ honourExpiry: true })
  const one = here.peer()
  const milliseconds = Date.now() + 60_000
  await one.ask(`set q 0 ${milliseconds} 1\r\na\r\nset q 0 -${milliseconds} 1\r\nb\r\n`)
  while (here.store.stats().messages > 1) await one.wire.settled()
  expect(await one.ask('get q q\r\n')).toBe('VALUE q 0 1\r\na\r\nEND\r\n')
})

test('options that are none are refused', async () => {
  const { store } = await server()
  const make = (options: object) => () => memcache(store, options)
  expect(make({ expiry: true })).toThrow('unknown option "expiry"')
  expect(make({ valueBytesMax: 0 })).toThrow('valueBytesMax')
  expect(make({ openReadsMax: 1.5 })).toThrow('openReadsMax')
  expect(make({ retry: { attemptsMax: 0 } })).toThrow('retry')
})
