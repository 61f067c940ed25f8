/**
 * Dead letters: what has expired, or has no attempt left, goes to another queue, its body put there in the
 * entry that takes it out here. Reads the bodies first, so many at a time; whatever goes wrong, a message
 * stays where it was or is buried, and is in no two places.
 */
import { QlogError } from '../../errors.ts'
import { PlainOperation } from '../commit/operation.ts'
import { PLAIN_PUT, Put } from '../commit/put.ts'
import { byGroup, finishOp } from '../commit/riding.ts'
import type { QueueDispatch } from '../dispatch/queue-dispatch.ts'
import type { Taken } from '../dispatch/taken.ts'
import type { ControlOp } from '../records/control-ops.ts'
import type { DecodedMessage, Headers } from '../records/message-record.ts'
import type { StoreCore } from '../store-core.ts'

/** Messages and bytes of them that are read, and put, at a time; the first comes whatever its size. */
const LETTERS_COUNT = 256
const LETTERS_BYTES = 1024 * 1024
/** Above every offset that a queue comes to: for what the head of a letter takes at most. */
const OFFSET_MAX = 2 ** 48

/** What the headers of a letter tell of its message. */
interface Death {
  readonly reason: 'expired' | 'attempts'
  /** Undefined where it died for all of them. */
  readonly group: string | undefined
  readonly attempts: number
  readonly error: string
}

const NO_ANSWER = 'the lease ended without an answer'

export class DeadLetters {
  readonly #core: StoreCore
  /** What was begun last; each waits for the one before. */
  #working: Promise<void> = Promise.resolve()

  constructor(core: StoreCore) {
    this.#core = core
  }

  /** The queue has a queue for its dead letters. */
  isFor(queue: QueueDispatch): boolean {
    return this.#core.settings.of(queue.state.number).deadLetter > 0
  }

  /** What is put for a delivery whose last attempt has failed; undefined where it is to be buried. */
  letterOf(
    taken: Taken,
    message: { readonly id: number; readonly body: Uint8Array; readonly headers: Headers },
    error: string,
    attempts = taken.attempt,
  ): Put | undefined {
    const { queue, state } = taken.group
    if (!this.isFor(queue)) return undefined
    const death: Death = { reason: 'attempts', group: state.name, attempts, error }
    return this.#letter(queue, taken.priority, message, death)
  }

  /** These are out of the order, and have no attempt left. */
  usedUp(taken: readonly Taken[]): void {
    this.#next(() => this.#moveUsedUp(taken))
  }

  /** These have outlived their time, and are marked as leaving. */
  expired(queue: QueueDispatch, ids: readonly number[], offsets: readonly number[]): void {
    this.#next(() => this.#moveExpired(queue, ids, offsets))
  }

  #next(work: () => Promise<void>): void {
    this.#working = this.#working.then(work)
  }

  async #moveUsedUp(taken: readonly Taken[]): Promise<void> {
    for (let first = 0; first < taken.length; ) {
      const some = taken.slice(first, first + LETTERS_COUNT)
      const messages = await this.#read(some.map(({ id }) => id))
      if (this.#core.status !== 'open') return
      if (messages === undefined) {
        this.#core.lastAttempts.putBackLater(taken.slice(first))
        return
      }
      const count = Math.max(1, messages.length)
      await this.#sendUsedUp(some.slice(0, count), messages)
      first += count
    }
  }

  async #sendUsedUp(
    taken: readonly Taken[],
    messages: readonly (DecodedMessage | undefined)[],
  ): Promise<void> {
    const puts: Put[] = []
    const dead: Taken[] = []
    const unmoved: Taken[] = []
    taken.forEach((one, row) => {
      if (!isStillMeant(one)) return
      const { group, offset, id } = one
      const message = messages[row]
      const error = lastErrorOf(one)
      const attempts = group.state.attempts(offset)
      const letter = message && this.letterOf(one, { ...message, id }, error, attempts)
      if (letter) {
        puts.push(letter)
        dead.push(one)
      } else unmoved.push(one)
    })
    if (unmoved.length > 0) this.#core.lastAttempts.bury(unmoved)
    if (dead.length === 0) return
    const ops: ControlOp[] = [...byGroup(dead)].map(([group, all]) => finishOp(group, all))
    const done = () => this.#core.finished(dead)
    // A full disk takes no letters, but what is buried: they wait there for somebody.
    const undo = () => {
      const left = dead.filter(isStillMeant)
      if (left.length > 0) this.#core.lastAttempts.bury(left)
    }
    await this.#settled(new PlainOperation(ops, done, undo, puts))
  }

  async #moveExpired(
    queue: QueueDispatch,
    ids: readonly number[],
    offsets: readonly number[],
  ): Promise<void> {
    for (let first = 0; first < ids.length; ) {
      const messages = await this.#read(ids.slice(first, first + LETTERS_COUNT))
      if (this.#core.status !== 'open') return
      // A purge on its way takes them out as they are, unless it is turned down.
      if (messages === undefined || queue.isPurging) {
        const left = offsets.slice(first)
        for (const offset of left) queue.stay(offset)
        queue.expireAgain(ids.slice(first), left)
        return
      }
      const end = first + Math.max(1, messages.length)
      await this.#sendExpired(queue, ids.slice(first, end), offsets.slice(first, end), messages)
      first = end
    }
  }

  async #sendExpired(
    queue: QueueDispatch,
    ids: readonly number[],
    offsets: readonly number[],
    messages: readonly (DecodedMessage | undefined)[],
  ): Promise<void> {
    const puts: Put[] = []
    ids.forEach((id, row) => {
      const offset = offsets[row] ?? 0
      const message = messages[row]
      // What cannot be read, or is done meanwhile, only goes.
      if (!message || queue.state.done.has(offset)) return
      const letter = this.#letter(
        queue,
        message.priority,
        { ...message, id },
        deathOf(queue, offset),
      )
      if (letter) puts.push(letter)
    })
    const undo = () => queue.expireAgain(ids, offsets)
    // One operation, not two that join: those that have joined are turned down by themselves where the log is busy.
    await this.#settled(
      this.#core.deleteOperation(queue, ids, offsets, undo, 'expired', undefined, puts),
    )
  }

  /** One at a time: bodies are read faster than a log that has no room takes them. Whoever sent it knows its outcome. */
  async #settled(operation: PlainOperation): Promise<void> {
    await this.#core.send(operation).catch(() => undefined)
  }

  /** Undefined where they cannot be read now. */
  async #read(
    ids: readonly number[],
  ): Promise<readonly (DecodedMessage | undefined)[] | undefined> {
    const { batchBytesMax } = this.#core.log.limits
    try {
      return await this.#core.fetch.many(
        ids,
        Math.min(LETTERS_BYTES, Math.floor(batchBytesMax / 4)),
      )
    } catch (error) {
      if (error instanceof QlogError) return undefined
      throw error
    }
  }

  /** Undefined where a log that takes no larger messages has no room for it, whatever is left out. */
  #letter(
    queue: QueueDispatch,
    priority: number,
    message: { readonly id: number; readonly body: Uint8Array; readonly headers: Headers },
    death: Death,
  ): Put | undefined {
    const { settings, log } = this.#core
    const to = settings.of(queue.state.number).deadLetter
    if (to === 0) return undefined
    const told = headersOf(queue.state.name, message.id, death)
    for (const headers of [{ ...message.headers, ...told }, message.headers]) {
      const plan = settings.planFor(to, { ...PLAIN_PUT, priority, headers })
      const letter = new Put(to, message.body, plan)
      letter.place(OFFSET_MAX)
      if (letter.byteLength > log.limits.messageBytesMax) continue
      letter.mayExceed = true
      return letter
    }
    return undefined
  }
}

/**
 * False where it was deleted, or its group removed, since its body was asked for. Where a record on its
 * way decides of it, it goes back.
 */
function isStillMeant(taken: Taken): boolean {
  const { group, offset, id } = taken
  if (group.isRemoved || group.out.get(offset) !== taken) return false
  const isMeant = !group.isStill && !group.queue.isLeaving(offset, id)
  if (!isMeant) group.putBack(taken)
  return isMeant
}

function deathOf(queue: QueueDispatch, offset: number): Death {
  let attempts = 0
  let error = ''
  for (const { state } of queue.groups.values()) {
    attempts = Math.max(attempts, state.attempts(offset))
    error ||= state.exception(offset)?.error ?? ''
  }
  return { reason: 'expired', group: undefined, attempts, error }
}

/**
 * Why a message has no attempt left that nobody answers for now: what its last `retry` was told, or that
 * lease after lease ended with its time, or with its process.
 */
export function lastErrorOf({ group, offset }: Taken): string {
  return group.state.exception(offset)?.error || NO_ANSWER
}

function headersOf(queue: string, id: number, { reason, group, attempts, error }: Death): Headers {
  return {
    'dead-from': queue,
    'dead-id': `${id}`,
    'dead-reason': reason,
    'dead-attempts': `${attempts}`,
    ...(group !== undefined && { 'dead-group': group }),
    ...(error !== '' && { 'dead-error': error }),
  }
}
