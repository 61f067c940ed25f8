/**
 * One store with the reference beside it: opens it, keeps the reference informed of every call and every
 * answer, moves out of the way of deadlines, and after each opening finds out what had happened. What the
 * single commands do stands in the files that take them.
 */
import { QlogError } from '../../../src/errors.ts'
import type { Delivery } from '../../../src/store/types/deliveries.ts'
import type { Queue } from '../../../src/store/types/queues.ts'
import type { Session } from '../../../src/store/types/sessions.ts'
import type { Random } from '../../../src/system/simulated/random.ts'
import { difference } from './compare.ts'
import { look, type Seen } from './look.ts'
import { recognise } from './recognise.ts'
import { type Entry, type Lease, nameOf, type Outcome, Reference, Violation } from './reference.ts'
import type { Watched } from './reserved.ts'
import { attemptsMaxOf, QUEUES, type QueueName, RETRIES } from './retries.ts'
import {
  type Cell,
  cellOf,
  type Deadline,
  isExpired,
  type Now,
  type Place,
  passed,
  queueOf,
  type State,
} from './state.ts'
import * as verbs from './verbs.ts'
import type { ProvableStore, World } from './worlds.ts'

/** A clock is read within so many milliseconds of the call that it counts for. */
const EARLY_MS = 2
/** Deadlines further apart than this are not known well enough to get out of their way. */
const WIDE_MS = 3_000
const STEPS_ASIDE_MAX = 60
/** Looking at everything takes less than this. */
const LOOKING_MS = 300
/** What an answer says when the log has stopped. */
const STOPPED: readonly string[] = [
  'QLOG_FENCED',
  'QLOG_FAILED',
  'QLOG_REJECTED',
  'QLOG_INDETERMINATE',
]

export interface Holder {
  readonly session: Session
  watched: Watched[]
}

export interface Held {
  readonly delivery: Delivery
  readonly place: Place
  readonly lease: Lease
  readonly holder: Holder
  /** Its message or group is gone: whether its verbs still answer is nobody's promise. */
  vague: boolean
}

/** What is expected of a call: that it does what it says, that the lease is over, or either. */
export type Expected = 'done' | 'stale' | 'either'

export class Driver {
  readonly world: World
  readonly reference = new Reference()
  holders: Holder[] = []
  held: Held[] = []
  /** Messages below were there when an unclean end was found: their leases are on disk before they go. */
  uncleanBelowId = 0
  /** The log has stopped: nothing more happens in this opening. */
  stopped = false
  /** Hash of the state when nothing was in flight, just before the process died. */
  quietHash: string | undefined
  serial = 0
  /** Moments with nothing in flight and nothing put around them, for groups that begin at a time. */
  marks: { readonly timeMs: number; readonly nextId: number }[] = []
  #store: ProvableStore | undefined
  #opening = 0
  #bootId = ''
  /** A lease has run out whose message had outlived its time: it comes back, and then it goes. */
  #isLeaving = false
  /** Boots of the last opening that is known, and of the last one that wrote. */
  #knownIn = ''
  #writtenIn = ''
  /** The last opening may have come to its end in order. */
  #isClosed = true
  readonly #flying = new Set<Promise<void>>()
  #violation: Error | undefined
  openings = 0

  constructor(world: World) {
    this.world = world
  }

  get store(): ProvableStore {
    if (this.#store === undefined) throw new Error('the store is not open')
    return this.#store
  }

  get now(): Now {
    return this.world.now
  }

  queue(name: string): Queue {
    const retry = RETRIES[name as QueueName]
    return this.store.queue(name, { retry })
  }

  /** A queue begins with an entry of its own in front of what needs it. */
  beginQueue(name: string): void {
    if (this.reference.current.queues.has(name)) return
    this.reference.append(`queue ${name} begins`, (state) => queueOf(state, name))
  }

  /** A time so many milliseconds from now, decided soon. */
  after(ms: number, kind: Deadline['kind'] = 'elapsed'): Deadline {
    const { elapsedMs, wallMs } = this.now
    const fromMs = kind === 'elapsed' ? elapsedMs : wallMs
    return { kind, lowMs: fromMs + ms - EARLY_MS, highMs: fromMs + ms + this.world.lateMs }
  }

  /** Opens the store and finds out what is there. */
  async open(): Promise<string> {
    this.#opening += 1
    this.holders = []
    this.held = []
    this.stopped = false
    this.reference.endLeases()
    this.#flying.clear()
    const store = await this.world.open()
    await this.whileAlive()
    this.#store = store
    const hash = store.stateHash()
    for (const name of QUEUES) this.queue(name)
    this.#noteBoot()
    // What became due while nobody had it open is noticed now.
    await this.world.wait(this.world.lateMs)
    await this.stepAside(LOOKING_MS)
    const before = this.now
    const seen = await look(store)
    await this.whileAlive()
    this.#recognise(seen, before)
    this.openings += 1
    return hash
  }

  /** Everything in order: what is in flight becomes durable, leases are given back. */
  async close(): Promise<void> {
    await this.stepAside()
    const places = this.placesToGiveBack(this.held)
    const giveBack = (state: State): void => {
      for (const place of places) verbs.giveBack(state, place)
    }
    if (places.length > 0) this.reference.append('close', giveBack, places)
    this.#isClosed = true
    try {
      await this.store.close()
    } catch (error) {
      if (!this.isStop(error)) throw error
      return
    }
    await this.whileAlive()
    // Where the log stops while its store closes, nobody is told that leases were not given back.
    if (this.stopped || this.world.mayStop) return
    this.reference.acknowledgeAll()
    this.unlease(places)
    await this.settle()
  }

  /** Waits until nothing is in flight, of what nobody waits for either. */
  async quiesce(): Promise<void> {
    await this.settle()
    await this.world.wait(this.world.lateMs)
    // Of what nobody waits for, nobody is told that it failed.
    if (this.world.mayStop && this.store.status !== 'open') this.stopped = true
    if (!this.stopped) this.reference.acknowledgeAll()
  }

  /** Some verbs see only what is durable. A lease that ends while time is left to pass is in flight itself. */
  async calm(): Promise<void> {
    while (this.reference.inFlight > 0 && !this.stopped) {
      await this.quiesce()
      await this.stepAside()
    }
  }

  /** Waits for all that is in flight. */
  async settle(): Promise<void> {
    await Promise.all([...this.#flying])
    await this.whileAlive()
    this.check()
  }

  /**
   * A call was made. Its answer is compared when it comes, and means nothing once the process is dead.
   * What `heard` throws ends the test.
   */
  send<T>(
    label: string,
    entry: Entry | undefined,
    promise: Promise<T>,
    heard: (value: T) => void = () => undefined,
    expected: Expected = 'done',
  ): Promise<void> {
    const opening = this.#opening
    const whenAlive = (act: () => void): void => {
      if (!this.world.alive || opening !== this.#opening) return
      try {
        act()
      } catch (error) {
        this.#violation ??= error instanceof Error ? error : new Error(String(error))
      }
    }
    const answered = (value: T): void => {
      if (expected === 'stale') throw new Violation(`${label}: the lease is over, and it was taken`)
      if (entry) this.reference.acknowledge(entry)
      heard(value)
    }
    const failed = (error: unknown): void => {
      const isStale = error instanceof QlogError && error.code === 'QLOG_STALE_LEASE'
      if (isStale && expected !== 'done') return
      if (!this.isStop(error)) throw new Violation(`${label}: ${String(error)}`, { cause: error })
      const mayHaveHappened = error instanceof QlogError && error.code === 'QLOG_INDETERMINATE'
      if (entry && !mayHaveHappened) this.reference.reject(entry)
    }
    const settled = promise.then(
      (value) => whenAlive(() => answered(value)),
      (error: unknown) => whenAlive(() => failed(error)),
    )
    this.#flying.add(settled)
    void settled.then(() => this.#flying.delete(settled))
    return settled
  }

  /** Whether this says that the log has stopped, which only some logs may. */
  isStop(error: unknown): boolean {
    if (!(error instanceof QlogError) || !STOPPED.includes(error.code)) return false
    if (!this.world.mayStop) return false
    this.stopped = true
    return true
  }

  check(): void {
    if (this.#violation) throw this.#violation
  }

  /** What a dead process would do next is not done: a log in memory does not stop it by itself. */
  async whileAlive(): Promise<void> {
    if (!this.world.alive) await new Promise(() => {})
  }

  /** Waits until no deadline is near, so that it is plain on which side of each of them one is. */
  async stepAside(aheadMs = this.world.aheadMs): Promise<void> {
    for (let steps = 0; steps < STEPS_ASIDE_MAX; steps += 1) {
      const waitMs = this.#untilClear(aheadMs)
      if (waitMs <= 0) break
      await this.world.wait(waitMs)
    }
    this.#expireLeases()
  }

  #untilClear(aheadMs: number): number {
    const { elapsedMs, wallMs } = this.now
    let waitMs = 0
    for (const { kind, lowMs, highMs } of this.#deadlines()) {
      const nowMs = kind === 'elapsed' ? elapsedMs : wallMs
      const endMs = highMs + EARLY_MS
      if (highMs - lowMs > WIDE_MS || nowMs < lowMs - aheadMs || nowMs > endMs) continue
      waitMs = Math.max(waitMs, endMs - nowMs + 1)
    }
    return waitMs
  }

  *#deadlines(): Iterable<Deadline> {
    for (const { end } of this.reference.leases.values()) yield end
    for (const state of [this.reference.durable, this.reference.current]) {
      for (const { pausedUntil, messages, keys, groups } of state.queues.values()) {
        if (pausedUntil) yield pausedUntil
        for (const { expires } of messages.values()) if (expires) yield expires
        for (const { until } of keys.values()) yield until
        for (const { cells } of groups.values()) {
          for (const { due } of cells.values()) if (due) yield due
        }
      }
    }
  }

  /** Leases whose time has run out: the store has noticed, and noted it. */
  #expireLeases(): void {
    const { now } = this
    const ended = [...this.reference.leases.values()].filter(
      ({ end }) => passed(end, now) === 'yes',
    )
    ended.sort((left, right) => left.end.lowMs - right.end.lowMs)
    for (const lease of ended) this.timeOut(lease)
  }

  /** What was given again must have timed out, however near its end is. */
  expireGiven(given: readonly Place[]): void {
    for (const place of given) {
      const lease = this.reference.leases.get(nameOf(place))
      if (lease && passed(lease.end, this.now) !== 'no') this.timeOut(lease, true)
    }
    this.#expireLeases()
  }

  /** `mayBeThere`: it was seen afterwards, or nothing is asked that rests on whether it has outlived its time. */
  timeOut(lease: Lease, mayBeThere = false): void {
    const { place } = lease
    const message = this.reference.current.queues.get(place.queue)?.messages.get(place.id)
    const expired = message && !mayBeThere ? isExpired(message, this.now) : 'no'
    // Whether it came back or went is told by what is seen of it next.
    if (expired === 'maybe') return
    this.reference.leases.delete(nameOf(place))
    if (expired === 'yes') this.#isLeaving = true
    if (message === undefined || expired === 'yes') return
    const attemptsMax = attemptsMaxOf(this.reference.current, place)
    const change = (state: State): void => verbs.timeOut(state, place, attemptsMax)
    this.reference.append(`time-out of ${nameOf(place)}`, change, [place])
  }

  /** How many leases of the group may have run out just now. */
  endingIn({ queue, group }: Watched): number {
    const { now } = this
    const ends = [...this.reference.leases.values()].filter(
      ({ place, end }) =>
        place.queue === queue && place.group === group && passed(end, now) !== 'no',
    )
    return ends.length
  }

  isLive(held: Held): boolean {
    return this.reference.leases.get(nameOf(held.place)) === held.lease
  }

  /** What its verbs must do; undefined where nobody knows whether its message is still there. */
  expectedOf(held: Held): Expected | undefined {
    const { queue, id } = held.place
    const message = this.reference.current.queues.get(queue)?.messages.get(id)
    const expired = message ? isExpired(message, this.now) : 'no'
    if (held.vague || expired === 'yes') return 'either'
    if (expired === 'maybe') return undefined
    return this.isLive(held) ? 'done' : 'stale'
  }

  leasedPlaces(held: readonly Held[]): Place[] {
    return held.filter((one) => this.isLive(one)).map(({ place }) => place)
  }

  /** What a holder gives back as it ends. What has run out before came back by itself, where it did not go. */
  placesToGiveBack(held: readonly Held[]): Place[] {
    for (const { lease } of held.filter((one) => this.isLive(one))) {
      if (passed(lease.end, this.now) === 'yes') this.timeOut(lease, true)
    }
    return this.leasedPlaces(held)
  }

  /** Nobody holds these any more. */
  unlease(places: readonly Place[]): void {
    for (const place of places) this.reference.leases.delete(nameOf(place))
  }

  /** Messages or groups went away under their holders. */
  becomesVague(isMeant: (place: Place) => boolean): void {
    for (const held of this.held) {
      if (!isMeant(held.place)) continue
      if (this.isLive(held)) this.unlease([held.place])
      held.vague = true
    }
  }

  /** Compares everything that the store shows. */
  async expectAll(): Promise<void> {
    // What runs out while one waits for the rest is on its way again.
    for (let rounds = 0; rounds < STEPS_ASIDE_MAX; rounds += 1) {
      await this.quiesce()
      if (this.stopped) return
      this.#isLeaving = false
      await this.stepAside(LOOKING_MS)
      if (this.reference.inFlight === 0 && !this.#isLeaving) break
    }
    const { current: state, leases } = this.reference
    const { now } = this
    const seen = await look(this.store)
    await this.whileAlive()
    const found = difference({ state, now, leases }, seen)
    if (found) throw new Violation(`it shows something else: ${found}`)
  }

  /** Finds out what there is. */
  #recognise(seen: Seen, before: Now): void {
    const { reference } = this
    const { outcome, state } = recognise(reference, seen, before, this.now)
    this.#noteOutcome(outcome)
    this.uncleanBelowId = reference.hasWritten && !this.#isClosed ? state.nextId : 0
    this.#isClosed = false
    this.#knownIn = this.#bootId
    reference.adopt(state)
  }

  /** Elapsed time goes on by the boot's clock only from what an opening of that boot has written. */
  #noteBoot(): void {
    const { reference } = this
    const { bootId } = this.world.process.identity
    if (reference.hasWritten) this.#writtenIn = this.#knownIn
    if (bootId !== this.#bootId || bootId !== this.#writtenIn) reference.rebooted()
    this.#bootId = bootId
  }

  #noteOutcome({ state, lost }: Outcome): void {
    const { report } = this.world.simulation
    const { history, durable } = this.reference
    if (state !== durable) report.note('something in flight was there after a crash')
    if (lost.length > 0) report.note('something in flight was gone after a crash')
    history.push(`opened, without ${lost.map(({ label }) => label).join(', ') || 'nothing'}`)
  }

  /** Someone may have meddled with the clock: what was told in wall time is known less well. */
  jump(ms: number): void {
    this.reference.jumped(ms, this.now)
    this.world.jump(ms)
    this.marks = []
  }

  pickHeld(random: Random, isMeant: (held: Held) => boolean): Held | undefined {
    const found = this.held.filter(isMeant)
    return found.length === 0 ? undefined : random.pick(found)
  }
}

export function cellNow(driver: Driver, place: Place): Cell | undefined {
  return cellOf(driver.reference.current, place)
}
