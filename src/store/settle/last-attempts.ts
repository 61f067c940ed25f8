/**
 * Messages that have no attempt left: how many they have, and what becomes of them where no verb answers for
 * it: their lease timed out, or they were to be delivered once more.
 */
import { PlainOperation } from '../commit/operation.ts'
import type { Taken } from '../dispatch/taken.ts'
import type { QueueState } from '../state/queue-state.ts'
import type { StoreCore } from '../store-core.ts'
import { lastErrorOf } from './dead-letters.ts'

/** What two records of a message take at most, without the error that one of them tells. */
const RECORDS_BYTES = 192
/** What a character of that error takes at most. */
const CHAR_BYTES = 3
/** After a burial that was turned down, its message is looked at again no sooner than this. */
const AGAIN_MS = 250

export class LastAttempts {
  readonly #core: StoreCore
  /** Out of the order, and not to be delivered: they go back a little later. */
  #waiting: Taken[] = []

  constructor(core: StoreCore) {
    this.#core = core
  }

  /** Deliveries that count of a message of this queue at most: by its settings, and by its handles. */
  maxOf({ name, number }: QueueState): number {
    const { retries, settings } = this.#core
    return retries.attemptsMax(name, settings.of(number).attemptsMax)
  }

  /** The queue itself is set to a number of them. */
  isSetFor({ number }: QueueState): boolean {
    return this.#core.settings.of(number).attemptsMax > 0
  }

  /** The leases of these are over: they are ready again, or were delivered for the last time. */
  timedOut(taken: readonly Taken[]): void {
    for (const some of this.#pieces(taken)) this.#return(some)
  }

  /** These are out of the order, and have no attempt left. */
  usedUp(taken: readonly Taken[]): void {
    const { deadLetters, settings } = this.#core
    for (const one of taken) one.status = 'settling'
    const isLetter = ({ group }: Taken) => deadLetters.isFor(group.queue)
    const letters = settings.isEmpty ? [] : taken.filter(isLetter)
    if (letters.length > 0) deadLetters.usedUp(letters)
    if (letters.length === taken.length) return
    this.bury(letters.length === 0 ? taken : taken.filter((one) => !isLetter(one)))
  }

  /** The same, and they have no other place to go. */
  bury(taken: readonly Taken[]): void {
    for (const some of this.#pieces(taken)) {
      const ops = some.map((one) => this.#core.buryOp(one, 'attempts', lastErrorOf(one)))
      this.#core.send(new PlainOperation(ops, undefined, () => this.putBackLater(some)))
    }
  }

  /** Not at once: whoever waits for a message would take them again, and nothing has changed. */
  putBackLater(taken: readonly Taken[]): void {
    if (taken.length === 0) return
    if (this.#waiting.length === 0) this.#core.system.clock.after(AGAIN_MS, this.#putBack)
    this.#waiting.push(...taken)
  }

  readonly #putBack = (): void => {
    const waiting = this.#waiting
    this.#waiting = []
    if (this.#core.status !== 'open') return
    for (const one of waiting) one.group.putBack(one)
  }

  /** Nobody asked for them together: as many as fit one entry of this log, whatever they tell. */
  #pieces(taken: readonly Taken[]): Taken[][] {
    const { batchBytesMax } = this.#core.log.limits
    const pieces: Taken[][] = []
    let left = 0
    for (const one of taken) {
      const bytes = RECORDS_BYTES + CHAR_BYTES * lastErrorOf(one).length
      const piece = pieces.at(-1)
      if (piece && bytes <= left) piece.push(one)
      else {
        pieces.push([one])
        left = batchBytesMax
      }
      left -= bytes
    }
    return pieces
  }

  #return(taken: readonly Taken[]): void {
    const { deadLetters, dispatcher } = this.#core
    const ops = taken.map((one) => this.#core.returnOp(one, 'timed-out'))
    const dead = taken.filter(({ attempt, group }) => attempt >= this.maxOf(group.queue.state))
    const letters = dead.filter(({ group }) => deadLetters.isFor(group.queue))
    // In the same entry: nobody sees them ready in between.
    const burials = dead
      .filter((one) => !letters.includes(one))
      .map((one) => this.#core.buryOp(one, 'attempts', lastErrorOf(one)))
    const done = () => this.#readLetters(letters)
    const undo = () => {
      // The lease of each goes on, as far as its time does.
      for (const one of taken) dispatcher.unsettle(one)
    }
    this.#core.send(new PlainOperation([...ops, ...burials], done, undo))
  }

  /**
   * These have come back for the last time, and that is durable: they go where dead letters go. Their bodies
   * have to be read first: until then they are out of the order.
   */
  #readLetters(letters: readonly Taken[]): void {
    const held = letters.flatMap(({ group, id, offset, priority }) => {
      const isReady = group.state.exception(offset)?.state === 'ready'
      const isOurs = !group.isRemoved && !group.isStill && isReady && group.isFree(offset, id)
      return isOurs ? [group.hold(id, offset, priority)] : []
    })
    // This is within the log's word of a commit, which is no place to append.
    if (held.length > 0) queueMicrotask(() => this.usedUp(held))
  }
}
