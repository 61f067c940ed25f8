/**
 * What becomes of a put whose key, or producer's number, may be taken: decided by what is durable, once
 * nothing of it is on its way.
 */
import type { QueueDispatch } from '../dispatch/queue-dispatch.ts'
import type { StoreCore } from '../store-core.ts'
import type { PutResult } from '../types/puts.ts'
import type { PlainOperation } from './operation.ts'
import { isClaim } from './pending-claims.ts'
import type { PutPlan } from './put.ts'

export interface ClaimDecision {
  /** Nothing is put, and this is the message that has the key or number. */
  readonly first?: PutResult
  /** Takes out the message in whose place this one comes. */
  readonly replaced?: PlainOperation
  /** The offset of the message that it waits for. */
  readonly after?: number
}

const FREE: ClaimDecision = {}

export function decideClaim(core: StoreCore, name: string, plan: PutPlan): ClaimDecision {
  const number = isClaim(plan) ? core.registry.knownNumber(name) : undefined
  if (number === undefined) return FREE
  const first = core.claims.durable(number, plan, core.clock.nowMs())
  // A number of a producer is taken for good: only a key can be asked to make way.
  if (!first || plan.onDuplicate === 'drop') return first ? { first } : FREE
  const { id, offset } = first
  const queue = core.registry.queue(name)
  const isThere = queue && !queue.state.done.has(offset) && !queue.leaving.has(offset)
  // It has run, or never will: there is nothing to replace, and nothing to come after.
  if (!isThere || queue.isPurging) return FREE
  if (hasBegun(queue, offset)) return { after: offset }
  if (plan.onDuplicate === 'trailing') return { first }
  const after = queue.state.trailing.after(offset)
  const replaced = core.deleteOperation(queue, [id], [offset])
  return after === undefined ? { replaced } : { replaced, after }
}

/** Somebody has it, is about to get it, or is done with it. */
function hasBegun(queue: QueueDispatch, offset: number): boolean {
  for (const { out, state } of queue.groups.values()) {
    if (out.has(offset) || state.finished.has(offset)) return true
  }
  return false
}
