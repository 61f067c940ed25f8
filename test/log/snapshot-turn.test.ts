/** Blocks of a snapshot and the map that names it: who waits for them is told how that ended. */
import { expect, test } from 'vitest'
import { BlockType } from '../../src/format/layout.ts'
import { SnapshotTurn } from '../../src/log/snapshot/snapshot-turn.ts'

test('a snapshot that was refused a map and is named late lets the next one be refused', async () => {
  const turn = new SnapshotTurn()
  let nameFirst: () => void = () => undefined
  const first = turn.name((resolve) => {
    nameFirst = resolve
  })
  turn.refuse(new Error('no room'))
  await expect(first).rejects.toThrow('no room')

  let told = 'nothing'
  const second = turn
    .name(() => undefined)
    .catch(({ message }: Error) => {
      told = message
    })
  nameFirst()
  turn.refuse(new Error('no room again'))
  await Promise.race([second, new Promise((resolve) => setImmediate(resolve))])
  expect(told).toBe('no room again')
})

test('on a full disk blocks leave behind all messages, and with control records in turn', async () => {
  const turn = new SnapshotTurn()
  const blocks = [{ type: BlockType.SNAPSHOT_END, body: new Uint8Array(8) }]
  turn.begin(blocks).catch(() => undefined)
  const messages = { isEmpty: false, messages: 1 }
  expect(turn.next(messages, false)).toBe(undefined)
  turn.passed()
  expect(turn.next(messages, false)).toBe(blocks)
  expect(turn.next(messages, true)).toBe(undefined)
  expect(turn.next({ isEmpty: false, messages: 0 }, true)).toBe(blocks)
  expect(turn.next({ isEmpty: true, messages: 0 }, true)).toBe(blocks)
})
