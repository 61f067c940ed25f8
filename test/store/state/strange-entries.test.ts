/** Entries that pass their checksum and say what no store ever did: they are refused, or cost no more than others. */
import { describe, expect, test } from 'vitest'
import type { ControlOp } from '../../../src/store/records/control-ops.ts'
import { encodeControl } from '../../../src/store/records/control-record.ts'
import { encodeMessageHead } from '../../../src/store/records/message-record.ts'
import { RANGE_OFFSETS_MAX } from '../../../src/store/records/offset-ranges.ts'
import { loadSlices } from '../../../src/store/state/load-slices.ts'
import { slicesOf } from '../../../src/store/state/slices.ts'
import { StoreState } from '../../../src/store/state/store-state.ts'
import { PLAIN } from '../record-samples.ts'

const NEWER = expect.objectContaining({ code: 'QLOG_NEWER_FORMAT' })
const OF = { queue: 1, group: 1 }

function applied(state: StoreState, ops: readonly ControlOp[], ids: readonly number[] = []): void {
  const messages = ids.map((id) => encodeMessageHead({ ...PLAIN, offset: id - 1 }, {}))
  state.applyEntry({ timeMs: 1, ids, messages, control: ops.map(encodeControl) })
}

/** Four messages: the first is finished, the second buried, the third leased. */
function someState(): StoreState {
  const state = new StoreState()
  applied(state, [{ kind: 'group', ...OF, name: 'g', from: 0 }], [1, 2, 3, 4])
  const second = { offset: 1, id: 2, priority: 0 }
  applied(state, [
    { kind: 'finish', ...OF, ranges: [0, 1] },
    { kind: 'bury', ...OF, ...second, sequence: 0, reason: '', error: '' },
    { kind: 'lease', ...OF, ranges: [2, 3] },
  ])
  return state
}

describe('a range as long as the longest', () => {
  // Whoever went through it offset by offset would still be at it when this test ends.
  const ranges = [0, RANGE_OFFSETS_MAX]

  test.each(['lease', 'give-back', 'redrive', 'finish'] as const)('%s', (kind) => {
    const state = someState()
    applied(state, [{ kind, ...OF, ranges }])
    const group = state.queues.get(1)?.groups.get(1)
    if (group === undefined) throw new Error('there is no group')
    expect({
      finished: group.finished.count,
      leased: group.leased.count,
      buried: group.buriedCount,
      exceptions: group.exceptionCount,
    }).toEqual(
      {
        lease: { finished: 1, leased: RANGE_OFFSETS_MAX - 1, buried: 1, exceptions: 1 },
        'give-back': { finished: 1, leased: 0, buried: 1, exceptions: 1 },
        redrive: { finished: 1, leased: 1, buried: 0, exceptions: 1 },
        finish: { finished: RANGE_OFFSETS_MAX, leased: 0, buried: 0, exceptions: 0 },
      }[kind],
    )
  })

  test('delete', () => {
    const state = someState()
    applied(state, [{ kind: 'delete', queue: 1, ranges }])
    expect(state.queues.get(1)?.pending).toBe(0)
  })
})

test('a message that is not behind the last one', () => {
  const state = someState()
  expect(() => applied(state, [], [3])).toThrow(NEWER)
})

test('a message, or what is finished, further on than so many can have been lost', () => {
  const messages = [encodeMessageHead({ ...PLAIN, offset: 2 ** 33 }, {})]
  const entry = { timeMs: 1, ids: [5], messages, control: [] }
  expect(() => someState().applyEntry(entry)).toThrow(NEWER)
  const ranges = [2 ** 33, 2 ** 33 + 1]
  expect(() => applied(someState(), [{ kind: 'finish', ...OF, ranges }])).toThrow(NEWER)
})

const FAR = 2 ** 33

test.each(['lease', 'give-back', 'redrive', 'finish'] as const)(
  '%s: several ranges, each as far behind the one before as one may be',
  (kind) => {
    const ranges = [2, 3, FAR / 2, FAR / 2 + 1, FAR, FAR + 1]
    expect(() => applied(someState(), [{ kind, ...OF, ranges }])).toThrow(NEWER)
  },
)

test.each(['kick', 'lease-again'] as const)('%s: of an offset that was never given', (kind) => {
  const op = { kind, ...OF, offset: FAR, id: 5, priority: 0 }
  expect(() => applied(someState(), [op])).toThrow(NEWER)
})

test('several ranges that hold more offsets together than one may', () => {
  const ranges = [0, RANGE_OFFSETS_MAX / 2, RANGE_OFFSETS_MAX, 2 * RANGE_OFFSETS_MAX]
  const control = [encodeControl({ kind: 'delete', queue: 1, ranges })]
  const entry = { timeMs: 1, ids: [], messages: [], control }
  expect(() => someState().applyEntry(entry)).toThrow(NEWER)
})

test('a saved state whose lane has more entries than its queue ever had offsets', () => {
  const state = someState()
  const lane = state.queues.get(1)?.lanes.all[0]
  const slices = new Map(slicesOf(state).map(({ name, encode }) => [name, encode()]))
  expect(loadSlices(slices).hash()).toBe(state.hash())
  lane?.postings.appendRun(5, 4, 1, 2 ** 50)
  for (const { name, encode } of slicesOf(state))
    if (name.includes('.l')) slices.set(name, encode())
  expect(() => loadSlices(slices)).toThrow(NEWER)
})
