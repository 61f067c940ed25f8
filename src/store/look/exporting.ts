/**
 * Messages with everything that a put would have to say to put them again, and what each group has made of
 * them: what an export is made of. Changes nothing.
 */
import type { GroupDispatch } from '../dispatch/group-dispatch.ts'
import type { FoundMessage, QueueDispatch } from '../dispatch/queue-dispatch.ts'
import { type DecodedMessage, DueKind } from '../records/message-record.ts'
import type { StoreCore } from '../store-core.ts'
import type { MessageState } from '../types/messages.ts'
import type { PutOptions } from '../types/puts.ts'
import { findInQueue } from './listing.ts'
import { stateOf } from './looking.ts'

/** Messages of one page, unless their bodies come to more first. */
const PAGE_COUNT = 256
const PAGE_BYTES = 4 * 1024 * 1024

/** When something is due: so many milliseconds from now, or at a time of the wall clock. */
export interface ExportedDue {
  readonly delayMs?: number
  readonly at?: number
}

/** What a put says, its times counted from now. */
export type ExportedPut = Omit<PutOptions, 'at' | 'delayMs'> &
  ExportedDue & {
    /** How long its key is still taken; absent where it has none, 0 where it is free again. */
    readonly keyLeftMs?: number
  }

/** Where a message stands for a group, where that is not what its put says. */
export interface ExportedState extends ExportedDue {
  readonly state: 'ready' | 'delayed' | 'buried' | 'finished'
  readonly priority?: number
  readonly reason?: string
  /** Its place among the buried ones. */
  readonly sequence?: number
}

export interface ExportedMessage {
  readonly id: number
  readonly offset: number
  readonly putMs: number
  readonly put: ExportedPut
  readonly groups: Readonly<Record<string, ExportedState>>
  readonly body: Uint8Array
}

export interface ExportedPage {
  readonly messages: readonly ExportedMessage[]
  /** Where the next page begins; undefined behind the last one. */
  readonly next: number | undefined
}

/** The messages of a queue from this offset on that are not done; damaged ones are left out. */
export async function exportPage(
  core: StoreCore,
  queue: QueueDispatch,
  from: number,
): Promise<ExportedPage> {
  core.dispatcher.advance()
  const wanted = { from, limit: PAGE_COUNT }
  const found = await findInQueue(
    core.system.clock,
    queue,
    wanted,
    ({ offset }) => !queue.state.done.has(offset),
  )
  const ids = found.map(({ id }) => id)
  const bodies = await core.fetch.many(ids, PAGE_BYTES)
  const messages: ExportedMessage[] = []
  for (const [row, message] of bodies.entries()) {
    const one = found[row]
    // It may be done since, or have run out of time.
    if (!one || !message || queue.state.done.has(one.offset)) continue
    if (message.expiresMs !== 0 && message.expiresMs <= core.clock.nowMs()) continue
    messages.push(exported(core, queue, one, message))
  }
  const last = found[bodies.length - 1]
  const isEnd = last === undefined || (bodies.length === found.length && found.length < PAGE_COUNT)
  return { messages, next: isEnd ? undefined : last.offset + 1 }
}

function exported(
  core: StoreCore,
  queue: QueueDispatch,
  { id, offset, timeMs }: FoundMessage,
  message: DecodedMessage,
): ExportedMessage {
  const groups: [string, ExportedState][] = []
  for (const group of queue.groups.values()) {
    if (offset < group.state.finished.floor) continue
    const state = exportedState(core, group, message, { id, offset })
    if (state) groups.push([group.state.name, state])
  }
  const put = exportedPut(core, message)
  return { id, offset, putMs: timeMs, put, groups: Object.fromEntries(groups), body: message.body }
}

function exportedPut(core: StoreCore, message: DecodedMessage): ExportedPut {
  const { priority, dueKind, dueMs, expiresMs, leaseMs, headers } = message
  const { key, keyWindowMs, keyUntilMs } = message
  const nowMs = core.clock.nowMs()
  return {
    priority,
    ...dueOf(core, dueKind, dueMs),
    ...(expiresMs !== 0 && { ttlMs: expiresMs - nowMs }),
    ...(key !== undefined && { key, keyWindowMs, keyLeftMs: Math.max(0, keyUntilMs - nowMs) }),
    ...(leaseMs !== 0 && { leaseMs }),
    ...(Object.keys(headers).length > 0 && { headers }),
  }
}

function dueOf(core: StoreCore, kind: DueKind, dueMs: number): ExportedDue {
  if (kind === DueKind.WALL) return { at: dueMs }
  const delayMs = kind === DueKind.ELAPSED ? dueMs - core.clock.nowMs() : 0
  return delayMs > 0 ? { delayMs } : {}
}

/** Undefined where the group sees it as it was put; a leased one will be ready again. */
function exportedState(
  core: StoreCore,
  group: GroupDispatch,
  message: DecodedMessage,
  { id, offset }: { readonly id: number; readonly offset: number },
): ExportedState | undefined {
  const found = group.queue.find(offset)
  if (found?.id !== id) return undefined
  const state: MessageState = stateOf(group, found)
  if (state === 'finished') return { state }
  const exception = group.state.exception(offset)
  if (!exception) return undefined
  const { priority, dueKind, dueMs, reason, sequence } = exception
  if (state === 'buried') return { state, priority, reason, sequence }
  if (state === 'delayed') return { state, priority, ...dueOf(core, dueKind, dueMs) }
  const isAsPut = priority === message.priority && !group.queue.isScheduled(offset)
  return isAsPut ? undefined : { state: 'ready', priority }
}
