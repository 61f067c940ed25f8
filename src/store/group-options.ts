/** What is asked of a group where it begins, checked. */
import { checkInteger, checkMs, checkOptionNames } from './check.ts'
import type { GroupPlan, SettingsPlan } from './commit/registry.ts'
import { checkPlace, offsetAt, type PlaceBy } from './look/queue-start.ts'
import type { StoreCore } from './store-core.ts'
import type { GroupOptions, GroupSettings, GroupStart } from './types/groups.ts'

/** Stands for the end of the queue as it is when the record of the group takes effect. */
export const START_NEXT = Number.MAX_SAFE_INTEGER

const LEASED_MAX_MAX = 1_000_000_000

export function checkGroupOptions(
  what: string,
  options: GroupOptions,
  more: readonly string[] = [],
): void {
  checkOptionNames(what, options, ['from', 'leasedMax', 'promoteAfterMs', ...more])
  const { from, leasedMax, promoteAfterMs } = options
  if (leasedMax !== undefined) checkInteger('leasedMax', leasedMax, 1, LEASED_MAX_MAX)
  if (promoteAfterMs !== undefined) checkMs('promoteAfterMs', promoteAfterMs, 1)
  if (from === undefined || from === 'first' || from === 'next') return
  checkPlace(from, "'first', 'next', { id } or { timeMs }")
}

/** What is asked of the settings of a group that exists; `null` takes a limit away. */
export function checkSettings(settings: GroupSettings): SettingsPlan {
  checkOptionNames('the settings', settings, ['leasedMax', 'promoteAfterMs'])
  const { leasedMax, promoteAfterMs } = settings
  if (leasedMax != null) checkInteger('leasedMax', leasedMax, 1, LEASED_MAX_MAX)
  if (promoteAfterMs != null) checkMs('promoteAfterMs', promoteAfterMs, 1)
  return {
    leasedMax: leasedMax === null ? 0 : leasedMax,
    promoteAfterMs: promoteAfterMs === null ? 0 : promoteAfterMs,
  }
}

/** How a group begins that is asked for with these options. */
export function groupPlan(core: StoreCore, queue: string, options: GroupOptions): GroupPlan {
  const { from = 'first', leasedMax, promoteAfterMs } = options
  return { from: () => startOf(core, queue, from), leasedMax, promoteAfterMs }
}

function startOf(core: StoreCore, name: string, from: GroupStart): number | Promise<number> {
  if (from === 'first') return 0
  if (from === 'next') return START_NEXT
  return startAt(core, name, from)
}

async function startAt(core: StoreCore, name: string, from: PlaceBy): Promise<number> {
  // The message that is meant may be on its way.
  await core.journal.settled()
  const next = core.registry.nextOffset(core.registry.queueNumber(name))
  return offsetAt(core.registry.queue(name)?.state, next, from)
}
