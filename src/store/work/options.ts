/** What is asked of a worker or a consuming loop, checked, its defaults filled in. Throws QlogTypeError. */
import { QlogTypeError } from '../../errors.ts'
import { checkInteger, checkMs, checkName } from '../check.ts'
import type { Codec } from '../codec.ts'
import { checkGroupOptions } from '../group-options.ts'
import { LEASE_MS_DEFAULT } from '../types/deliveries.ts'
import { GROUP_DEFAULT, type GroupOptions } from '../types/groups.ts'
import type { ConsumeOptions, Handler, WorkOptions } from './types.ts'

export const CONCURRENCY_MAX = 65_536
const PREFETCH_MAX = 65_536
const PREFETCH_DEFAULT = 64
/** Leases are renewed when a third of them has passed: shorter ones would end before a timer is heard. */
const WORK_LEASE_MS_MIN = 100

/** What is consumed or worked on, and how. */
export interface ConsumePlan<T> {
  readonly queue: string
  readonly group: string
  readonly groupOptions: GroupOptions
  readonly codec: Codec<T> | undefined
  readonly prefetch: number
  readonly leaseMs: number
  readonly signal: AbortSignal | undefined
}

export interface WorkPlan<T> extends ConsumePlan<T> {
  readonly handler: Handler<T>
  readonly concurrency: number
}

export function checkConsume<T>(
  queue: string,
  codec: Codec<T> | undefined,
  options: ConsumeOptions = {},
): ConsumePlan<T> {
  const known = ['group', 'prefetch', 'leaseMs', 'signal']
  checkGroupOptions('the options of consume', options, known)
  const { prefetch = PREFETCH_DEFAULT, leaseMs = LEASE_MS_DEFAULT } = options
  return {
    ...commonOf(queue, codec, options),
    prefetch: checkInteger('prefetch', prefetch, 1, PREFETCH_MAX),
    leaseMs: checkMs('leaseMs', leaseMs, 1),
  }
}

export function checkWork<T>(
  queue: string,
  codec: Codec<T> | undefined,
  handler: Handler<T>,
  options: WorkOptions = {},
): WorkPlan<T> {
  if (typeof handler !== 'function') throw new QlogTypeError('work takes a handler, a function')
  const known = ['group', 'concurrency', 'prefetch', 'leaseMs', 'signal']
  checkGroupOptions('the options of work', options, known)
  const { concurrency = 1, leaseMs = LEASE_MS_DEFAULT } = options
  checkInteger('concurrency', concurrency, 1, CONCURRENCY_MAX)
  const { prefetch = Math.max(PREFETCH_DEFAULT, concurrency) } = options
  return {
    ...commonOf(queue, codec, options),
    handler,
    concurrency,
    prefetch: checkInteger('prefetch', prefetch, 0, PREFETCH_MAX),
    leaseMs: checkMs('leaseMs', leaseMs, WORK_LEASE_MS_MIN),
  }
}

function commonOf<T>(queue: string, codec: Codec<T> | undefined, options: ConsumeOptions) {
  const { group = GROUP_DEFAULT, from, leasedMax, promoteAfterMs, signal } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new QlogTypeError('signal must be an AbortSignal')
  }
  const groupOptions = {
    ...(from !== undefined && { from }),
    ...(leasedMax !== undefined && { leasedMax }),
    ...(promoteAfterMs !== undefined && { promoteAfterMs }),
  }
  return { queue, group: checkName('the name of a group', group), groupOptions, codec, signal }
}
