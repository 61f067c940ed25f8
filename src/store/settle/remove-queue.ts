/**
 * Removing a queue: refused as long as anybody may miss it, durably or on its way. What is decided here is
 * recorded as one change, and replay asks for no reason.
 */
import { QlogError, QlogTypeError } from '../../errors.ts'
import { checkOptionNames } from '../check.ts'
import type { QueueDispatch } from '../dispatch/queue-dispatch.ts'
import type { StoreCore } from '../store-core.ts'
import type { RemoveQueueOptions } from '../types/queues.ts'

export interface RemovalPlan {
  readonly ifUnused: boolean
  readonly forgetKeys: boolean
}

export function checkRemoval(options: RemoveQueueOptions = {}): RemovalPlan {
  checkOptionNames('the options of remove', options, ['ifUnused', 'forgetKeys'])
  const { ifUnused = false, forgetKeys = false } = options
  for (const [name, value] of Object.entries({ ifUnused, forgetKeys })) {
    if (typeof value !== 'boolean') throw new QlogTypeError(`${name} must be true or false`)
  }
  return { ifUnused, forgetKeys }
}

/**
 * False where there is no queue of the name, or where it stays. With `takesRetry` its plan of retries goes
 * with it: whoever removes it has named that, and names it again.
 */
export async function removeQueue(
  core: StoreCore,
  name: string,
  plan: RemovalPlan,
  takesRetry: boolean,
): Promise<boolean> {
  const { journal, registry, retries, riding } = core
  if (whyItStays(core, name, plan) !== undefined) {
    // What was called before this may be about to end that.
    riding.flush()
    await journal.settled()
    core.assertOpen()
  }
  if (registry.knownNumber(name) === undefined) {
    await registry.removed(name)
    return false
  }
  const reason = whyItStays(core, name, plan)
  const queue = registry.queue(name)
  if (reason !== undefined || queue === undefined) {
    if (plan.ifUnused) return false
    throw new QlogError('QLOG_QUEUE_IN_USE', `the queue ${name} stays: ${reason}`)
  }
  const undo = takesRetry ? retries.forget(name) : () => undefined
  await registry.removeQueue(queue.state, undo)
  return true
}

/** Undefined where nothing keeps it. */
function whyItStays(core: StoreCore, name: string, plan: RemovalPlan): string | undefined {
  const { clock, journal, registry, settings } = core
  const queue = registry.queue(name)
  if (!queue) return registry.knownNumber(name) === undefined ? undefined : 'it is only being made'
  const { keys, number, pending, producers, retained } = queue.state
  if (pending > 0) return `${pending} of its messages are not finished`
  if (retained.count > 0) return `it retains ${retained.count} finished messages`
  const reader = readOf(queue)
  if (reader !== undefined) return `a session or a worker reads its group ${reader}`
  if (isChanging(queue) || registry.isUsed(name) || journal.concerns(number)) {
    return 'changes of it are on their way'
  }
  if (settings.isForLetters(number)) return 'another queue sends its dead letters there'
  if (plan.forgetKeys) return undefined
  if (keys.isAnyTaken(clock.nowMs())) return 'keys of its messages are still taken'
  return producers.size > 0 ? 'it remembers what producers have put' : undefined
}

/** The name of a group that somebody reads. */
function readOf(queue: QueueDispatch): string | undefined {
  for (const { state, use } of queue.groups.values()) if (use.isRead) return state.name
  return undefined
}

function isChanging(queue: QueueDispatch): boolean {
  if (queue.isPurging || queue.leaving.size > 0) return true
  for (const group of queue.groups.values()) if (group.isStill || group.out.size > 0) return true
  return false
}
