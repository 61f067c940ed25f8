import fc from 'fast-check'
import { expect, it } from 'vitest'
import { OffsetSet } from '../../../src/store/containers/offset-set.ts'
import type { Exception } from '../../../src/store/state/exception.ts'
import { GroupState } from '../../../src/store/state/group-state.ts'

const OFFSETS = 12

type Change = (group: GroupState, offset: number) => void

const of = (offset: number) => ({ queue: 1, group: 1, offset, id: offset + 1, priority: 7 })
const CHANGES: readonly Change[] = [
  (group, offset) =>
    group.return({
      ...of(offset),
      kind: 'return',
      how: 'retried',
      dueKind: 0,
      dueMs: 0,
      error: 'e',
    }),
  (group, offset) =>
    group.bury({ ...of(offset), kind: 'bury', sequence: 3, reason: 'r', error: '' }),
  (group, offset) => group.kick({ ...of(offset), kind: 'kick' }),
  (group, offset) => group.leaseAgain({ ...of(offset), kind: 'lease-again' }),
  (group, offset) => group.giveBack([offset, offset + 1]),
  (group, offset) => void group.finish(offset, offset + 1),
  (group, offset) => group.lease([offset, offset + 1]),
]

const steps = fc.array(
  fc.record({ change: fc.constantFrom(...CHANGES), offset: fc.nat(OFFSETS - 1) }),
  { maxLength: 60 },
)

function savedForm(exceptions: readonly Exception[]): string {
  return JSON.stringify(exceptions.map(({ holder: _holder, ...saved }) => saved))
}

it('tells what it held when it was frozen, whatever changes until it thaws', () => {
  fc.assert(
    fc.property(steps, steps, (before, after) => {
      const group = new GroupState(1, 'g', new OffsetSet())
      for (const { change, offset } of before) change(group, offset)
      const chunk = group.chunks.get(0)
      if (!chunk) return
      const held = savedForm(chunk.inOrder())
      chunk.freeze()
      for (const { change, offset } of after) change(group, offset)
      expect(savedForm(chunk.inOrder())).toBe(held)
      chunk.thaw()
      expect(chunk.inOrder().length).toBe(chunk.byOffset.size)
    }),
  )
})
