/**
 * Records that many share: acknowledgements of one turn of the event loop leave as one entry, and with
 * them the leases that have begun since the last one; so a message costs a few bytes and no promise.
 */
import type { GroupDispatch } from '../dispatch/group-dispatch.ts'
import type { Taken } from '../dispatch/taken.ts'
import type { ControlOp } from '../records/control-ops.ts'
import { rangesOf } from '../records/offset-ranges.ts'
import { NO_PUTS, Operation, type Sendable } from './operation.ts'

/** Messages of one entry at most: what it takes must fit the smallest log. */
const RIDERS_MAX = 2048
/** A lease whose record was turned down is recorded again no sooner than this. */
const AGAIN_MS = 250

export interface RidingHost {
  submit(operation: Sendable): void
  /** These are finished, durably, for the group. */
  finished(taken: readonly Taken[]): void
  /** The change was turned down. */
  unsettle(taken: Taken): void
  /** Something may still be recorded. */
  isOpen(): boolean
  /** Calls back at the end of this turn of the event loop. */
  soon(callback: () => void): void
  /** Calls back in a later one, after so long. */
  later(delayMs: number, callback: () => void): void
}

const NONE: readonly Taken[] = []

/** The leases and acknowledgements of one entry. */
class Ride extends Operation {
  readonly puts = NO_PUTS
  readonly #host: RidingHost
  readonly #acks: readonly Taken[]
  readonly #whenVoid: () => void

  constructor(
    host: RidingHost,
    leases: readonly Taken[],
    acks: readonly Taken[],
    whenVoid: () => void,
  ) {
    super([...leaseOps(leases), ...finishOps(acks)])
    this.#host = host
    this.#acks = acks
    this.#whenVoid = whenVoid
    this.promise.catch(() => undefined)
  }

  protected override result(): void {
    if (this.#acks.length > 0) this.#host.finished(this.#acks)
  }

  override refused(cause: Error): void {
    for (const taken of this.#acks) this.#host.unsettle(taken)
    this.#whenVoid()
    super.refused(cause)
  }
}

/** What those wait for who ride: settled with the entry that carries them. */
class Ticket {
  readonly promise: Promise<void>
  resolve: () => void = () => undefined
  reject: (error: unknown) => void = () => undefined

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    this.promise.catch(() => undefined)
  }
}

export class Riding {
  readonly #host: RidingHost
  #leases: Taken[] = []
  #acks: Taken[] = []
  #ticket: Ticket | undefined
  #isScheduled = false
  #isLater = false
  /** Leases whose record was turned down, or withheld for nothing. */
  #again: Taken[] = []

  constructor(host: RidingHost) {
    this.#host = host
  }

  /** Records that the lease has begun; resolves once that is durable. */
  lease(taken: Taken): Promise<void> {
    this.#leases.push(taken)
    return this.#depart()
  }

  /** The same where nobody waits for it: it leaves with whatever leaves next, or in a later turn. */
  leaseAlong(taken: Taken): void {
    this.#leases.push(taken)
    if (this.#isFull) this.flush()
    else if (!this.#isLater) {
      this.#isLater = true
      this.#host.later(0, this.#flushLater)
    }
  }

  /** Finishes a settling message for its group; resolves once that is durable. */
  finish(taken: Taken): Promise<void> {
    this.#acks.push(taken)
    return this.#depart()
  }

  /**
   * Leases that nobody has recorded and that these acknowledgements end are not recorded at all, since
   * those say everything. Returns them, for `goOn` where the acknowledgements are turned down.
   */
  withhold(acks: readonly Taken[]): readonly Taken[] {
    if (this.#leases.length === 0 || acks.length === 0) return NONE
    for (const taken of acks) taken.isFinishing = true
    const withheld: Taken[] = []
    const others: Taken[] = []
    for (const taken of this.#leases) {
      if (taken.isFinishing) withheld.push(taken)
      else others.push(taken)
    }
    for (const taken of acks) taken.isFinishing = false
    this.#leases = others
    return withheld
  }

  /**
   * These leases go on, and no record of them is on its way: one is made a little later, since this may
   * be told from within the log, which has just turned one down.
   */
  goOn(leases: readonly Taken[]): void {
    if (leases.length === 0 || !this.#host.isOpen()) return
    if (this.#again.length === 0) this.#host.later(AGAIN_MS, this.#recordAgain)
    for (const taken of leases) this.#again.push(taken)
  }

  /** Sends what there is now. */
  flush(): void {
    const withheld = this.withhold(this.#acks)
    if (this.#leases.length + this.#acks.length === 0) return
    const ticket = this.#ticket
    const leases = this.#leases
    const ride = new Ride(this.#host, leases, this.#acks, () => {
      this.goOn(leases)
      this.goOn(withheld)
    })
    this.#leases = []
    this.#acks = []
    this.#ticket = undefined
    if (ticket) ride.promise.then(ticket.resolve, ticket.reject)
    try {
      this.#host.submit(ride)
    } catch (error) {
      ride.refused(error instanceof Error ? error : new Error(String(error)))
    }
  }

  get #isFull(): boolean {
    return this.#leases.length + this.#acks.length >= RIDERS_MAX
  }

  /** Leaves with everything that follows from the same event, however many steps that takes. */
  #depart(): Promise<void> {
    this.#ticket ??= new Ticket()
    const { promise } = this.#ticket
    if (this.#isFull) this.flush()
    else if (!this.#isScheduled) {
      this.#isScheduled = true
      this.#host.soon(this.#flushSoon)
    }
    return promise
  }

  readonly #recordAgain = (): void => {
    const again = this.#again
    this.#again = []
    if (!this.#host.isOpen()) return
    for (const taken of again) if (taken.status === 'leased') this.leaseAlong(taken)
  }

  readonly #flushLater = (): void => {
    this.#isLater = false
    this.flush()
  }

  readonly #flushSoon = (): void => {
    this.#isScheduled = false
    this.flush()
  }
}

/** A first lease is a range among others; one more needs what an exception is made of. */
function leaseOps(leases: readonly Taken[]): ControlOp[] {
  const ops: ControlOp[] = []
  for (const [group, taken] of byGroup(leases)) {
    const of = { queue: group.queue.state.number, group: group.state.number }
    const first: number[] = []
    for (const { offset, id, priority } of taken) {
      // What is taken before its time is plain no more: it is ready where it comes back.
      const isPlain = !group.state.exception(offset) && !group.queue.isScheduled(offset)
      const isFirst = isPlain && !group.state.leased.has(offset)
      if (isFirst) first.push(offset)
      else ops.push({ kind: 'lease-again', ...of, offset, id, priority })
    }
    if (first.length > 0) ops.push({ kind: 'lease', ...of, ranges: rangesOf(first) })
  }
  return ops
}

function finishOps(acks: readonly Taken[]): ControlOp[] {
  return [...byGroup(acks)].map(([group, taken]) => finishOp(group, taken))
}

/** One record that finishes all of these for their group. */
export function finishOp(group: GroupDispatch, taken: readonly Taken[]): ControlOp {
  const of = { queue: group.queue.state.number, group: group.state.number }
  return { kind: 'finish', ...of, ranges: rangesOf(taken.map(({ offset }) => offset)) }
}

export function byGroup(all: readonly Taken[]): Map<GroupDispatch, Taken[]> {
  const groups = new Map<GroupDispatch, Taken[]>()
  let last: Taken[] | undefined
  let lastGroup: GroupDispatch | undefined
  for (const taken of all) {
    if (taken.group !== lastGroup || !last) {
      lastGroup = taken.group
      last = groups.get(lastGroup) ?? []
      groups.set(lastGroup, last)
    }
    last.push(taken)
  }
  return groups
}
