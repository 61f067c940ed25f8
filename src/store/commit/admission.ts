/**
 * Whether a queue has room for what is about to be put, counted as it will be in the log's order: what is
 * durable, what is on its way, what is on its way out. Where the queue says so its oldest messages go in
 * the same entry.
 */
import { QlogError } from '../../errors.ts'
import type { QueueDispatch } from '../dispatch/queue-dispatch.ts'
import { DROP_OLDEST, type SettingValues } from '../records/queue-settings.ts'
import { forEachRange } from '../state/ranges.ts'
import type { StoreCore } from '../store-core.ts'
import type { Sendable } from './operation.ts'
import type { Put } from './put.ts'

/** Messages that one put takes out at most: more where a limit was lowered go with the next ones. */
const DROPS_MAX = 1_024

/** What puts that are on their way to a queue with limits take, but for those that a purge takes out. */
class InFlight {
  /** In order of offset, without holes. */
  puts: Put[] = []
  bytes = 0
  /** Messages that the puts on their way take out, and their bytes. */
  leaving = 0
  leavingBytes = 0
  /** Below, everything that may go is on its way out. */
  searchFrom = 0
}

/** What there is too much of. */
interface Excess {
  messages: number
  bytes: number
}

export class Admission {
  readonly #core: StoreCore
  readonly #inFlight = new Map<number, InFlight>()

  constructor(core: StoreCore) {
    this.#core = core
  }

  /** Throws QLOG_QUEUE_FULL. The puts of the operation have their offsets. */
  admit(operation: Sendable): void {
    const { settings, dispatcher } = this.#core
    if (!dispatcher.purging.isEmpty) this.#notePurges(operation)
    if (settings.isEmpty || operation.puts.length === 0) return
    const byQueue = new Map<number, Put[]>()
    for (const put of operation.puts) {
      const { messagesMax, bytesMax } = settings.of(put.queue)
      if (messagesMax + bytesMax === 0) continue
      const puts = byQueue.get(put.queue)
      if (puts) puts.push(put)
      else byQueue.set(put.queue, [put])
    }
    for (const [queue, puts] of byQueue) this.#admitTo(queue, puts, operation)
  }

  /** A group has become durable: what was on its way with it is held no longer, bodies and all. */
  settled(): void {
    for (const [queue, inFlight] of this.#inFlight) {
      this.#forgetSettled(queue, inFlight, this.#core.registry.nextOffset(queue))
      if (inFlight.puts.length + inFlight.leaving === 0) this.#inFlight.delete(queue)
    }
  }

  /** The queue is gone. */
  forgetQueue(queue: number): void {
    this.#inFlight.delete(queue)
  }

  /** Behind a purge a queue begins with nothing. */
  #notePurges(operation: Sendable): void {
    const { dispatcher, registry } = this.#core
    for (const op of operation.ops) {
      if (op.kind !== 'purge') continue
      // It takes effect in front of the puts of its own entry.
      const own = operation.puts.find(({ queue }) => queue === op.queue)
      dispatcher.purging.place(op, own?.offset ?? registry.nextOffset(op.queue))
      this.#inFlight.delete(op.queue)
    }
  }

  #admitTo(number: number, puts: readonly Put[], operation: Sendable): void {
    const { settings, state, registry, dispatcher } = this.#core
    const limits = settings.of(number)
    const inFlight = this.#inFlightOf(number, (puts[0] as Put).offset)
    const queueState = state.queues.get(number)
    const queue = queueState && dispatcher.queue(queueState)
    const bytes = puts.reduce((sum, { byteLength }) => sum + byteLength, 0)
    const purged = dispatcher.purging.endOf(number)
    const there = purged < 0 ? stayingOf(queue, operation) : { messages: 0, bytes: 0 }
    const placed = registry.nextOffset(number) - Math.max(purged, queueState?.nextOffset ?? 0)
    const leaving = purged < 0 ? (queue?.leavingCount ?? 0) : inFlight.leaving
    const messages = there.messages + placed - leaving
    const allBytes = there.bytes + inFlight.bytes + bytes - inFlight.leavingBytes
    const excess: Excess = {
      messages: limits.messagesMax === 0 ? 0 : messages - limits.messagesMax,
      bytes: limits.bytesMax === 0 ? 0 : allBytes - limits.bytesMax,
    }
    if (excess.messages > 0 || excess.bytes > 0) {
      const isLarger =
        (limits.messagesMax > 0 && puts.length > limits.messagesMax) ||
        (limits.bytesMax > 0 && bytes > limits.bytesMax)
      const mayDrop = limits.whenFull === DROP_OLDEST && !isLarger && queue !== undefined
      const isTaken = puts.every(({ mayExceed }) => mayExceed)
      if (!(mayDrop && this.#drop(queue, inFlight, excess, operation)) && !isTaken) {
        const name = this.#core.registry.nameOf(number)
        throw isLarger ? tooLarge(name, limits, puts.length, bytes) : full(name, limits)
      }
    }
    inFlight.puts.push(...puts)
    inFlight.bytes += bytes
  }

  /** The oldest messages that nobody has leased leave with the operation; false where these are too few. */
  #drop(queue: QueueDispatch, inFlight: InFlight, excess: Excess, operation: Sendable): boolean {
    const ids: number[] = []
    const offsets: number[] = []
    let bytes = 0
    const isEnough = () =>
      (offsets.length >= excess.messages && bytes >= excess.bytes) || offsets.length === DROPS_MAX
    const { state, leaving } = queue
    if (leaving.size === 0) inFlight.searchFrom = state.done.floor
    // A purge takes out all that is durable.
    const end = this.#core.dispatcher.purging.endOf(state.number) < 0 ? state.nextOffset : 0
    let offset = state.done.nextPending(inFlight.searchFrom, end)
    for (; offset < end && !isEnough(); ) {
      const found = leaving.has(offset) || queue.isOut(offset) ? undefined : queue.find(offset)
      if (found) {
        ids.push(found.id)
        offsets.push(offset)
        bytes += state.sizes?.get(offset) ?? 0
      }
      offset = state.done.nextPending(offset + 1, end)
    }
    for (const put of inFlight.puts) {
      if (isEnough()) break
      if (leaving.has(put.offset)) continue
      ids.push(put.id)
      offsets.push(put.offset)
      bytes += put.byteLength
    }
    if (!isEnough()) return false
    inFlight.searchFrom = offset
    inFlight.leaving += ids.length
    inFlight.leavingBytes += bytes
    const settle = () => {
      inFlight.leaving -= ids.length
      inFlight.leavingBytes -= bytes
      // What was in the hands of somebody may have come back.
      inFlight.searchFrom = 0
    }
    operation.join(this.#core.deleteOperation(queue, ids, offsets, settle, 'deleted', settle))
    return true
  }

  /** What is on its way now, in front of this offset. */
  #inFlightOf(queue: number, nextOffset: number): InFlight {
    let inFlight = this.#inFlight.get(queue)
    if (!inFlight) {
      inFlight = new InFlight()
      this.#inFlight.set(queue, inFlight)
    }
    this.#forgetSettled(queue, inFlight, nextOffset)
    return inFlight
  }

  #forgetSettled(queue: number, inFlight: InFlight, nextOffset: number): void {
    const durableEnd = this.#core.state.queues.get(queue)?.nextOffset ?? 0
    const { puts } = inFlight
    const durable = puts.findIndex(({ offset }) => offset >= durableEnd)
    const gone = puts.splice(0, durable < 0 ? puts.length : durable)
    // Turned down since: its place is free again.
    const voided = puts.findIndex(({ offset }) => offset >= nextOffset)
    if (voided >= 0) gone.push(...puts.splice(voided))
    for (const { byteLength } of gone) inFlight.bytes -= byteLength
  }
}

/** What is there, but for what the operation itself finishes for the last group that has it. */
function stayingOf(queue: QueueDispatch | undefined, operation: Sendable): Excess {
  if (!queue) return { messages: 0, bytes: 0 }
  const { state } = queue
  const staying: Excess = { messages: state.pending, bytes: state.bytes }
  for (const op of operation.ops) {
    if (op.kind !== 'finish' || op.queue !== state.number) continue
    forEachRange(op.ranges, (first, end) => {
      for (let offset = first; offset < end; offset++) {
        if (queue.leaving.has(offset) || !state.done.hasBut(offset, op.group)) continue
        staying.messages--
        staying.bytes -= state.sizes?.get(offset) ?? 0
      }
    })
  }
  return staying
}

function full(queue: string, limits: SettingValues): QlogError {
  return new QlogError('QLOG_QUEUE_FULL', `the queue ${queue} has room for ${wordsOf(limits)}`)
}

/** No finishing makes room for it. */
function tooLarge(
  queue: string,
  limits: SettingValues,
  messages: number,
  bytes: number,
): QlogError {
  return new QlogError(
    'QLOG_QUEUE_FULL',
    `the queue ${queue} takes at most ${wordsOf(limits)}, and this put alone has ` +
      `${messages} messages and ${bytes} bytes: it never fits`,
  )
}

function wordsOf({ messagesMax, bytesMax }: SettingValues): string {
  const limits = [
    ...(messagesMax > 0 ? [`${messagesMax} messages`] : []),
    ...(bytesMax > 0 ? [`${bytesMax} bytes`] : []),
  ]
  return limits.join(' and ')
}
