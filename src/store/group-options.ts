/** What is asked of a group where it begins, checked. */
import { QlogTypeError } from '../errors.ts'
import { checkInteger, checkMs, checkOptionNames } from './check.ts'
import { offsetWhere } from './looking.ts'
import type { GroupPlan } from './registry.ts'
import type { StoreCore } from './store-core.ts'
import type { GroupOptions, GroupStart } from './types.ts'

/** Stands for the end of the queue as it is when the record of the group takes effect. */
const START_NEXT = Number.MAX_SAFE_INTEGER

export const LEASED_MAX_MAX = 1_000_000_000

export function checkGroupOptions(
  what: string,
  options: GroupOptions,
  more: readonly string[] = [],
): void {
  checkOptionNames(what, options, ['from', 'leasedMax', 'promoteAfterMs', ...more])
  const { from, leasedMax, promoteAfterMs } = options
  if (leasedMax !== undefined) checkInteger('leasedMax', leasedMax, 1, LEASED_MAX_MAX)
  if (promoteAfterMs !== undefined) checkMs('promoteAfterMs', promoteAfterMs, 1)
  if (from !== undefined) checkStart(from)
}

/** How a group begins that is asked for with these options. */
export function groupPlan(core: StoreCore, queue: string, options: GroupOptions): GroupPlan {
  const { from = 'first', leasedMax, promoteAfterMs } = options
  return { from: () => startOf(core, queue, from), leasedMax, promoteAfterMs }
}

function checkStart(from: GroupStart): void {
  if (from === 'first' || from === 'next') return
  if (typeof from === 'object' && from !== null && 'id' in from) {
    checkInteger('from.id', from.id, 1, Number.MAX_SAFE_INTEGER)
  } else if (typeof from === 'object' && from !== null && 'timeMs' in from) {
    checkMs('from.timeMs', from.timeMs)
  } else throw new QlogTypeError("from must be 'first', 'next', { id } or { timeMs }")
}

function startOf(core: StoreCore, name: string, from: GroupStart): number | Promise<number> {
  if (from === 'first') return 0
  if (from === 'next') return START_NEXT
  return startAt(core, name, from)
}

async function startAt(
  core: StoreCore,
  name: string,
  from: { readonly id: number } | { readonly timeMs: number },
): Promise<number> {
  // The message that is meant may be on its way.
  await core.journal.settled()
  const next = core.registry.nextOffset(core.registry.queueNumber(name))
  const state = core.state.queue(name)
  if ('id' in from) return offsetWhere(state, next, (id) => id >= from.id)
  return offsetWhere(state, next, (_id, timeMs) => timeMs >= from.timeMs)
}
