/**
 * Move: messages of a group go to another queue. Each piece is one entry that puts them there and finishes
 * them here, so that a crash leaves every message in one of the two (docs/decisions/0010-moving.md).
 */
import { QlogTypeError, throwIfAborted } from '../../errors.ts'
import { checkInteger, checkName, checkOptionNames } from '../check.ts'
import { PLAIN_PUT, Put, type PutPlan } from '../commit/put.ts'
import { PutMany } from '../commit/puts.ts'
import { finishOp } from '../commit/riding.ts'
import type { GroupDispatch } from '../dispatch/group-dispatch.ts'
import type { FoundMessage } from '../dispatch/queue-dispatch.ts'
import type { Taken } from '../dispatch/taken.ts'
import { findInState } from '../look/listing.ts'
import { stateOf } from '../look/looking.ts'
import { type DecodedMessage, DueKind } from '../records/message-record.ts'
import type { StoreCore } from '../store-core.ts'
import type { MoveOptions } from '../types/groups.ts'
import type { MessagePlace } from '../types/messages.ts'
import { checkMessagePlace } from './redrive.ts'

/** Messages and bytes of one entry at most, but for a first one that is larger. */
const PIECE_COUNT = 256
const PIECE_BYTES = 1024 * 1024

/** Which messages, and where to, checked. */
export interface MovePlan {
  readonly target: string
  readonly state: MoveOptions['state']
  readonly count: number
  readonly from: MessagePlace
  readonly to: MessagePlace
  readonly reason: string | undefined
  readonly signal: AbortSignal | undefined
}

export function checkMove(source: string, target: unknown, options: MoveOptions): MovePlan {
  const name = checkName('the name of the other queue', target)
  if (name === source) throw new QlogTypeError('a message moves to another queue, not to its own')
  const known = ['state', 'count', 'from', 'to', 'reason', 'signal']
  checkOptionNames('the options of move', options, known)
  const { state, count, from, to, reason, signal } = options ?? {}
  if (state !== 'ready' && state !== 'delayed' && state !== 'buried') {
    throw new QlogTypeError("state must be 'ready', 'delayed' or 'buried'")
  }
  const { MAX_SAFE_INTEGER } = Number
  if (count !== undefined) checkInteger('count', count, 1, MAX_SAFE_INTEGER)
  if (reason !== undefined && (typeof reason !== 'string' || state !== 'buried')) {
    throw new QlogTypeError('reason must be a text, of buried messages')
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new QlogTypeError('signal must be an AbortSignal')
  }
  return {
    target: name,
    state,
    count: count ?? Number.POSITIVE_INFINITY,
    from: from === undefined ? { offset: 0 } : checkMessagePlace('from', from),
    to: to === undefined ? { offset: MAX_SAFE_INTEGER } : checkMessagePlace('to', to),
    reason,
    signal,
  }
}

/** Moves what there is now, in order of offset; tells how many. */
export async function moveMessages(
  core: StoreCore,
  group: GroupDispatch,
  plan: MovePlan,
): Promise<number> {
  const { signal, state } = plan
  // What is put or comes back meanwhile may be of those that were moved.
  const end = group.queue.state.nextOffset
  let from = 'offset' in plan.from ? plan.from.offset : 0
  let count = 0
  while (count < plan.count && from < end) {
    throwIfAborted(signal)
    core.assertOpen()
    const limit = Math.min(PIECE_COUNT, plan.count - count)
    const found = await findInState(core.system.clock, group, state, { from, limit })
    const meant = found.filter((one) => one.offset < end && isMeant(group, one, plan))
    const moved = await movePiece(core, group, meant, plan)
    count += moved.count
    from = moved.next ?? (found.at(-1)?.offset ?? end) + 1
  }
  return count
}

interface Moved {
  readonly count: number
  /** Where to go on, if that is within the piece. */
  readonly next: number | undefined
}

async function movePiece(
  core: StoreCore,
  group: GroupDispatch,
  found: readonly FoundMessage[],
  plan: MovePlan,
): Promise<Moved> {
  const held = found.flatMap((one) => hold(group, one, plan.state) ?? [])
  if (held.length === 0) return { count: 0, next: undefined }
  try {
    const ids = held.map(({ id }) => id)
    const messages = await core.fetch.many(ids, PIECE_BYTES)
    core.assertOpen()
    const there = held.filter((taken, row) => {
      if (row < messages.length && messages[row] === undefined)
        core.dispatcher.noteDamaged(taken.id)
      return messages[row] !== undefined && isHeld(taken)
    })
    if (there.length > 0) await send(core, group, plan, there, held, messages)
    return { count: there.length, next: held[messages.length]?.offset }
  } finally {
    // What was moved is out no more; everything else goes back.
    for (const taken of held) group.putBack(taken)
  }
}

async function send(
  core: StoreCore,
  group: GroupDispatch,
  plan: MovePlan,
  there: readonly Taken[],
  held: readonly Taken[],
  messages: readonly (DecodedMessage | undefined)[],
): Promise<void> {
  const number = core.registry.queueNumber(plan.target)
  const puts = there.flatMap((taken) => {
    const message = messages[held.indexOf(taken)]
    if (!message) return []
    // A queue that has no room for all of the piece turns it down, and they stay.
    const put = core.settings.planFor(number, planOf(group, plan, taken, message))
    return [new Put(number, message.body, put)]
  })
  const done = () => core.finished(there)
  await core.send(new PutMany(puts, core.claims, [finishOp(group, there)], done))
}

/** What stays of it: a key and attempts belong to the queue it was in. */
function planOf(
  group: GroupDispatch,
  plan: MovePlan,
  taken: Taken,
  message: DecodedMessage,
): PutPlan {
  const { expiresMs, leaseMs, headers } = message
  const due = plan.state === 'delayed' ? (group.state.exception(taken.offset) ?? message) : NOT_DUE
  const { dueKind, dueMs } = due
  return { ...PLAIN_PUT, priority: taken.priority, dueKind, dueMs, expiresMs, leaseMs, headers }
}

const NOT_DUE = { dueKind: DueKind.NONE, dueMs: 0 } as const

/** Takes it out of the order, unless it is in another state by now. */
function hold(
  group: GroupDispatch,
  found: FoundMessage,
  state: MoveOptions['state'],
): Taken | undefined {
  const { id, offset } = found
  const isFree = !group.isStill && group.isWaiting(offset, id) && stateOf(group, found) === state
  if (!isFree) return undefined
  const priority = group.state.exception(offset)?.priority ?? found.priority
  const taken = group.hold(id, offset, priority)
  taken.status = 'settling'
  return taken
}

/** It was neither deleted nor purged while its body was read, and its group is where it was. */
function isHeld({ group, offset, id, status }: Taken): boolean {
  const { queue } = group
  return status !== 'ended' && !group.isRemoved && !group.isStill && !queue.isLeaving(offset, id)
}

function isMeant(group: GroupDispatch, { id, offset }: FoundMessage, plan: MovePlan): boolean {
  const { from, to, reason } = plan
  if (reason !== undefined && group.state.exception(offset)?.reason !== reason) return false
  const isFrom = 'id' in from ? id >= from.id : offset >= from.offset
  return isFrom && ('id' in to ? id < to.id : offset < to.offset)
}
