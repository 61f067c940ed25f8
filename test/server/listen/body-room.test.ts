/** Room for large bodies, shared by connections. */
import { expect, test } from 'vitest'
import { BodyRoom } from '../../../src/server/listen/body-room.ts'

test('who finds no room waits in a row, and gets it in that order', () => {
  const room = new BodyRoom(100)
  const admitted: string[] = []
  const take = (name: string, bytes: number): (() => void) =>
    room.take(bytes, () => admitted.push(name))
  const leaveA = take('a', 60)
  const leaveB = take('b', 50)
  const leaveC = take('c', 10)
  expect(admitted).toEqual(['a'])
  leaveA()
  expect(admitted).toEqual(['a', 'b', 'c'])
  expect(room.bytes).toBe(60)
  leaveB()
  leaveC()
  expect(room.bytes).toBe(0)
})

test('who gives up waiting holds up nobody', () => {
  const room = new BodyRoom(100)
  const admitted: string[] = []
  room.take(90, () => admitted.push('a'))
  const giveUp = room.take(80, () => admitted.push('b'))
  room.take(10, () => admitted.push('c'))
  expect(admitted).toEqual(['a'])
  giveUp()
  expect(admitted).toEqual(['a', 'c'])
})

test('one that is larger than all the room comes in alone', () => {
  const room = new BodyRoom(100)
  const admitted: string[] = []
  const leaveA = room.take(10, () => admitted.push('a'))
  const leaveB = room.take(500, () => admitted.push('b'))
  expect(admitted).toEqual(['a'])
  leaveA()
  expect(admitted).toEqual(['a', 'b'])
  leaveB()
  expect(room.bytes).toBe(0)
})
