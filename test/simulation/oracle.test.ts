/** What the oracle lets pass, and what it does not, where schedules come upon it too rarely. */
import { expect, test } from 'vitest'
import type { Gap } from '../../src/errors.ts'
import { Oracle, type Writer } from './oracle.ts'

const body = new Uint8Array([1, 2, 3])
const FALSE_ALARM: Gap = {
  file: '00000000000000000002-00.qls',
  offset: 8_512,
  bytes: 56,
  firstId: 1,
  endId: 2,
  why: 'above D, one bit away from a valid block, and nothing else is invalid',
}
const content = {
  messages: [],
  gaps: [{ ...FALSE_ALARM, why: 'the checksum does not match' }],
  firstId: 1,
  nextId: 2,
}
const isOver = (writer: Writer): boolean => !writer.alive

/** An oracle of a log in which something has rotted, that was asked to append id 1. */
function asked() {
  const oracle = new Oracle()
  oracle.rotten = true
  const append = oracle.appended(oracle.begin('always'), 1, [body])
  return { oracle, append }
}

test('an id that nobody was promised may go with a torn block that looks like rot', () => {
  const { oracle } = asked()
  oracle.setAside([FALSE_ALARM])
  oracle.verifyOwner(content, isOver)
  expect([...oracle.allowances]).toEqual(['a torn block that looks like rot was set aside'])
  // It is used up.
  oracle.appended(oracle.begin('always'), 1, [body])
  expect(oracle.violation?.message).toMatch('invariant 1: id 1 is given again')
})

test('an id that was promised may not', () => {
  const { oracle, append } = asked()
  oracle.resolved(append, 1)
  oracle.setAside([FALSE_ALARM])
  expect(() => oracle.verifyOwner(content, isOver)).toThrow('invariant 6: id 1 is missing')
})

test('nor may one that nobody appended', () => {
  const { oracle } = asked()
  oracle.setAside([{ ...FALSE_ALARM, endId: 3 }])
  expect(() => oracle.verifyOwner({ ...content, nextId: 3 }, isOver)).toThrow('id 2 is missing')
})

test('a group in force ends what an earlier owner had under way', () => {
  const oracle = new Oracle()
  const [old, young] = [oracle.begin('always'), oracle.begin('always')]
  oracle.appended(old, 1, [body])
  oracle.appended(old, 2, [body])
  old.superseded = true
  oracle.resolved(oracle.appended(young, 1, [new Uint8Array([4])]), 1)
  const shown = {
    messages: [
      { id: 1, timeMs: 0, body: new Uint8Array([4]) },
      { id: 2, timeMs: 0, body },
    ],
    gaps: [],
    firstId: 1,
    nextId: 3,
  }
  expect(() => oracle.verifyRunning(shown)).toThrow('invariant 3: id 2 was never appended')
})

test('a reader that cannot see who lives may show what another has cut off, and nothing that nobody appended', () => {
  const oracle = new Oracle()
  const [old, young] = [oracle.begin('always'), oracle.begin('always')]
  oracle.appended(old, 1, [body])
  old.superseded = true
  oracle.resolved(oracle.appended(young, 1, [new Uint8Array([4])]), 1)
  const seen = (bytes: Uint8Array) => ({
    messages: [{ id: 1, timeMs: 0, body: bytes }],
    gaps: [],
    firstId: 1,
    nextId: 2,
  })
  oracle.verifyForeign(seen(body))
  oracle.verifyForeign(seen(new Uint8Array([4])))
  expect(() => oracle.verifyForeign(seen(new Uint8Array([5])))).toThrow('invariant 1')
  expect(() => oracle.verifyReader(seen(body), 'always', false)).toThrow('invariant 1')
})
