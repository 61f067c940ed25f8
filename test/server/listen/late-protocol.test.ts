/** Connections that come before what they want is there. */
import { expect, test } from 'vitest'
import { LateProtocol } from '../../../src/server/listen/late-protocol.ts'
import { fakeClient } from '../../../src/testing/fake-client.ts'
import { LineProtocol } from './line-protocol.ts'

test('who comes early waits, and is answered once it is there', async () => {
  const late = new LateProtocol('lines')
  const early = fakeClient(late)
  early.send('a\r\nb\r\n')
  const halfClosed = fakeClient(late)
  halfClosed.send('c\r\n')
  halfClosed.end()
  await early.settled()
  expect(early.takeText()).toBe('')
  expect(halfClosed.hasEnded).toBe(false)
  late.serve(new LineProtocol())
  await halfClosed.ended()
  expect(early.takeText()).toBe('GOT a\r\nGOT b\r\n')
  expect(halfClosed.takeText()).toBe('GOT c\r\n')
  const after = fakeClient(late)
  after.send('d\r\n')
  await after.settled()
  expect(after.takeText()).toBe('GOT d\r\n')
})

test('waiting is neither idle nor half a command', () => {
  const early = fakeClient(new LateProtocol('lines'), { idleTimeoutMs: 1_000 })
  early.send('hal')
  for (let at = 0; at < 100; at += 1) early.pass(1_000)
  expect(early.endedBy).toBe(undefined)
})

test('the time for a token begins when somebody asks for one', () => {
  const late = new LateProtocol('lines')
  const early = fakeClient(late)
  for (let at = 0; at < 100; at += 1) early.pass(1_000)
  const protocol = new LineProtocol()
  late.serve(protocol)
  protocol.last.isUnknown = true
  for (let at = 0; at < 9; at += 1) early.pass(1_000)
  expect(early.endedBy).toBe(undefined)
  early.pass(1_000)
  expect(early.endedBy).toBe('unauthorized')
})

test('who leaves, or is told that the server stops, is not served later', async () => {
  const late = new LateProtocol('lines')
  const leaves = fakeClient(late)
  leaves.hangUp()
  const stopped = fakeClient(late)
  stopped.stop()
  await stopped.ended()
  const protocol = new LineProtocol()
  late.serve(protocol)
  await leaves.settled()
  expect(protocol.conversations.filter(({ closings }) => closings === 0)).toHaveLength(1)
})

test('what it becomes hears of the end', async () => {
  const late = new LateProtocol('lines')
  const early = fakeClient(late)
  const protocol = new LineProtocol()
  late.serve(protocol)
  early.stop()
  await early.ended()
  expect(protocol.last.stops).toBe(1)
  early.hangUp()
  await early.settled()
  expect(protocol.last.closings).toBe(1)
})
