/** A token, where the server asks for one: memcached's way, the first `set`. */
import { expect, test } from 'vitest'
import { server } from './peer.ts'

const tokens = ['a-secret-token', 'another-token']
const NO = 'CLIENT_ERROR unauthenticated\r\n'
const FAILURE = 'CLIENT_ERROR authentication failure\r\n'

test.each([
  ['get a\r\n', NO],
  ['quit\r\n', NO],
  ['foo\r\n', NO],
  ['set a 0 0 x\r\n', NO],
  ['set a 0 0 -1\r\n', NO],
  ['set a 0 0 3\r\nabc\r\n', `${FAILURE}<end>`],
  ['set a 0 0 14\r\na-secret-tokem\r\nset a 0 0 14\r\na-secret-token\r\n', `${FAILURE}<end>`],
  ['set a 0 0 14\r\na-secret-tokenx\r\n', `CLIENT_ERROR bad command line termination\r\n${NO}`],
  [`get ${'a '.repeat(2000)}\r\n`, 'CLIENT_ERROR line too long\r\n<end>'],
  ['set a 0 0 100000\r\n', 'CLIENT_ERROR line too long\r\n<end>'],
])(
  'nothing is done before it is shown: %j',
  async (sent, reply) => {
    const here = await server({ tokens })
    const { wire } = here.peer()
    wire.send(sent)
    for (let turn = 0; turn < 3; turn++) await wire.settled()
    const answer = `${wire.takeText()}${wire.hasEnded ? '<end>' : ''}`
    expect(answer).toBe(reply)
    expect(here.store.queues()).toEqual([])
  },
  5_000,
)

test.each([
  'set a 0 0 14\r\na-secret-token\r\n',
  'set whatever 1 2 18 noreply\r\nme! another-token\r\n'.replace('18', '17'),
])('any of the tokens opens, with or without a user: %j', async (sent) => {
  const here = await server({ tokens })
  expect(await here.peer().ask(`${sent}set q 0 0 1\r\nx\r\nget q\r\n`)).toBe(
    'STORED\r\nSTORED\r\nVALUE q 0 1\r\nx\r\nEND\r\n',
  )
})

test.each([
  ['nothing', ''],
  ['half a line', 'get'],
  ['commands', 'get a\r\n'],
  ['half a token', 'set a 0 0 14\r\na-sec'],
  ['a frame', Buffer.from([0x80, 0x20, ...Buffer.alloc(22)])],
])('who has sent %s and shows no token is ended after ten seconds', async (_, sent) => {
  const here = await server({ tokens })
  const { wire } = here.peer()
  if (sent.length > 0) wire.send(sent)
  await wire.settled()
  for (let at = 0; at < 9; at++) wire.pass(1_000)
  expect(wire.endedBy).toBe(undefined)
  wire.pass(1_000)
  expect(wire.endedBy).toBe('unauthorized')
})

test.each([
  ['has shown one', true, 'set a 0 0 14\r\na-secret-token\r\n'],
  ['needs none', false, 'get a\r\n'],
  ['needs none, and has said nothing', false, ''],
])('who %s may be silent for ever', async (_, isAsked, sent) => {
  const here = await server(isAsked ? { tokens } : {})
  const { wire } = here.peer()
  if (sent !== '') wire.send(sent)
  await wire.settled()
  for (let day = 0; day < 100; day++) wire.pass(86_400_000)
  expect(wire.endedBy).toBe(undefined)
})

test.each([
  ['commands', 'get a\r\n', NO],
  ['bodies without an end', 'set a 0 0 1\r\nabc', 'CLIENT_ERROR bad command line termination\r\n'],
])('without a token the connection ends behind 16 %s', async (_, sent, reply) => {
  const here = await server({ tokens })
  const { wire } = here.peer()
  wire.send(sent.repeat(15))
  await wire.settled()
  expect(wire.takeText()).toBe(reply.repeat(15))
  expect(wire.hasEnded).toBe(false)
  wire.send(sent.repeat(1_000))
  await wire.settled()
  expect(wire.takeText()).toBe(reply)
  expect(wire.endedBy).toBe('unauthorized')
})

test('a line that is too long is without a token a reason of its own for the end', async () => {
  const here = await server({ tokens })
  const { wire } = here.peer()
  wire.send('x'.repeat(2_049))
  await wire.ended()
  expect(wire.endedBy).toBe('unauthorized')
})

test('a wrong token is the reason for the end', async () => {
  const here = await server({ tokens })
  const one = here.peer()
  await one.ask('set a 0 0 14\r\na-secret-tokem\r\n')
  expect(one.wire.endedBy).toBe('unauthorized')
})
