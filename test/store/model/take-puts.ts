/** Commands that put messages, alone, in batches, and together with other verbs in a transaction. */

import type { PutItem, PutOptions, PutResult } from '../../../src/store/types/puts.ts'
import type { Transaction } from '../../../src/store/types/transactions.ts'
import type { Random } from '../../../src/system/simulated/random.ts'
import { bodyOf } from '../../simulation/bodies.ts'
import { any } from './commands.ts'
import type { Driver, Held } from './driver.ts'
import { Violation } from './reference.ts'
import { QUEUES } from './retries.ts'
import {
  copyState,
  isExpired,
  limitOf,
  type MessageFacts,
  type Now,
  passed,
  type State,
} from './state.ts'
import { beforePut, expectFull, makeRoom } from './take-limits.ts'
import { tell } from './take-verbs.ts'
import { purgeStep } from './take-whole.ts'
import * as verbs from './verbs.ts'

const PRIORITIES = [0, 7, 1024, 1024, 1024, 5_000, 0xffff_ffff] as const
const KEYS = ['k1', 'k2', 'k3'] as const
const PRODUCERS = ['p1', 'p2'] as const
const SEQUENCES_MAX = 7
const DELAYS_MS = [500, 1_000, 3_000, 12_000] as const
const HEADERS = [{ type: 'a' }, { type: 'b', trace: 'é'.repeat(20) }, { __proto__x: '' }] as const

interface Draft {
  readonly body: Uint8Array
  readonly options: PutOptions
  readonly what: verbs.Put
}

export async function takePut(driver: Driver, random: Random): Promise<void> {
  const queue = random.pick(QUEUES)
  await beforePut(driver, random, queue)
  if (driver.stopped) return
  const drawn = draftOf(driver, random, queue)
  const draft = random.chance(0.5) ? replacing(driver, queue, drawn) : drawn
  const [entry, answers] = driver.reference.append(`put into ${queue}`, (state) =>
    putAll(state, queue, [draft], driver),
  )
  const [answer] = answers ?? []
  if (!answer || answer.duplicate) driver.reference.forget(entry)
  const promise = driver.queue(queue).put(draft.body, draft.options)
  if (!answer) return expectFull(driver, promise)
  const sent = driver.send('put', answer.duplicate ? undefined : entry, promise, (result) =>
    expectAnswer([answer], [result]),
  )
  if (random.chance(0.6)) await sent
}

export async function takePutMany(driver: Driver, random: Random): Promise<void> {
  const queue = random.pick(QUEUES)
  await beforePut(driver, random, queue)
  if (driver.stopped) return
  const drafts = Array.from({ length: random.between(1, 6) }, () => draftOf(driver, random, queue))
  const [entry, answers] = driver.reference.append(
    `put of ${drafts.length} into ${queue}`,
    (state) => putAll(state, queue, drafts, driver),
  )
  const isEmpty = !answers || answers.every(({ duplicate }) => duplicate)
  if (isEmpty) driver.reference.forget(entry)
  const items = drafts.map(({ body, options }): PutItem => ({ ...options, body }))
  const promise = driver.queue(queue).putMany(items)
  if (!answers) return expectFull(driver, promise)
  const sent = driver.send('putMany', isEmpty ? undefined : entry, promise, (results) =>
    expectAnswer(answers, results),
  )
  if (random.chance(0.6)) await sent
}

export async function takeTransaction(driver: Driver, random: Random): Promise<void> {
  const isCalm = random.chance(0.4)
  if (isCalm) await driver.calm()
  if (driver.stopped) return
  const steps: Step[] = []
  const drafts: Draft[] = []
  const touched = new Set<number>()
  for (let count = random.between(1, 5); count > 0; count -= 1) {
    const shape = random.below(isCalm ? 8 : 6)
    if (shape < 3) pushIf(steps, putStep(driver, random, drafts))
    else if (shape < 6) pushIf(steps, tellStep(driver, random, touched))
    else if (shape === 6) pushIf(steps, kickStep(driver, random, touched))
    else pushIf(steps, deleteStep(driver, random, touched))
  }
  if (isCalm && random.chance(0.1)) pushIf(steps, purgeStep(driver, random))
  if (steps.length === 0) return
  const label = `transaction of ${steps.length}`
  const [entry, answers] = driver.reference.append(label, (state) => {
    for (const { change } of steps) change(state)
    return drafts.map(({ what }) => verbs.put(state, what, driver.now))
  })
  const isEmpty = steps.length === drafts.length && answers.every(({ duplicate }) => duplicate)
  if (isEmpty) driver.reference.forget(entry)
  const promise = driver.store.transaction((transaction) => {
    for (const { call } of steps) call(transaction)
  })
  driver.becomesVague(({ id }) => touched.has(-id))
  const sent = driver.send('transaction', isEmpty ? undefined : entry, promise, ({ puts }) =>
    expectAnswer(answers, puts),
  )
  if (random.chance(0.7)) await sent
}

/** Their outcomes; undefined where the queue has no room for them. */
function putAll(
  state: State,
  queue: string,
  drafts: readonly Draft[],
  driver: Driver,
): verbs.PutAnswer[] | undefined {
  const { now } = driver
  const tried = copyState(state)
  const isNew = drafts.filter(({ what }) => !verbs.put(tried, what, now).duplicate)
  const replaced = drafts.flatMap(({ what }) => replacedBy(state, what, now) ?? [])
  if (makeRoom(state, queue, isNew.length, replaced) === 'full') return undefined
  return drafts.map(({ what }) => verbs.put(state, what, now))
}

/** The message in whose place this one comes, as long as that has the key. */
function replacedBy(state: State, what: verbs.Put, now: Now): number | undefined {
  if (!what.replaces || what.key === undefined) return undefined
  const taken = state.queues.get(what.queue)?.keys.get(what.key)
  return taken && passed(taken.until, now) !== 'yes' ? taken.id : undefined
}

export interface Step {
  change(state: State): void
  call(transaction: Transaction): void
}

function pushIf(steps: Step[], step: Step | undefined): void {
  if (step) steps.push(step)
}

function putStep(driver: Driver, random: Random, drafts: Draft[]): Step | undefined {
  const queue = random.pick(QUEUES)
  // How a transaction is refused for want of room is for tests of its own.
  if (limitOf(driver.reference.current, queue)) return undefined
  const draft = draftOf(driver, random, queue)
  drafts.push(draft)
  return {
    change: () => undefined,
    call: (transaction) => transaction.put(queue, draft.body, draft.options),
  }
}

function tellStep(driver: Driver, random: Random, touched: Set<number>): Step | undefined {
  const isMeant = (held: Held): boolean =>
    driver.expectedOf(held) === 'done' && !touched.has(held.place.id)
  const held = driver.pickHeld(random, isMeant)
  if (held === undefined) return undefined
  touched.add(held.place.id)
  const telling = tell(driver, random, held)
  driver.unlease([held.place])
  return telling
}

function kickStep(driver: Driver, random: Random, touched: Set<number>): Step | undefined {
  const { queues } = driver.reference.current
  for (const queue of random.shuffle([...queues.values()])) {
    for (const group of queue.groups.values()) {
      for (const [id, cell] of group.cells) {
        const isDelayed = cell.state === 'waiting' && passed(cell.due, driver.now) === 'no'
        const message = queue.messages.get(id)
        if (touched.has(id) || !message || message.expires) continue
        if (cell.state !== 'buried' && !isDelayed) continue
        touched.add(id)
        const ref = { queue: queue.name, id, offset: message.offset }
        const place = { queue: queue.name, group: group.name, id }
        const target = driver.queue(queue.name).group(group.name)
        return {
          change: (state) => verbs.kick(state, place),
          call: (transaction) => transaction.kick(target, ref),
        }
      }
    }
  }
  return undefined
}

function deleteStep(driver: Driver, random: Random, touched: Set<number>): Step | undefined {
  const queue = driver.reference.current.queues.get(random.pick(QUEUES))
  const isMeant = (message: MessageFacts): boolean =>
    !touched.has(message.id) && message.expires === undefined
  const message = [...(queue?.messages.values() ?? [])].find(isMeant)
  if (queue === undefined || message === undefined) return undefined
  const { id, offset } = message
  touched.add(id)
  // Its holders, where there are any, hold nothing any more.
  touched.add(-id)
  return {
    change: (state) => verbs.remove(state, queue.name, id),
    call: (transaction) => transaction.delete({ queue: queue.name, id, offset }),
  }
}

function draftOf(driver: Driver, random: Random, queue: string): Draft {
  driver.beginQueue(queue)
  driver.serial += 1
  const body = bodyOf(driver.serial, sizeOf(random))
  const priority = random.pick(PRIORITIES)
  const options: { -readonly [Name in keyof PutOptions]: PutOptions[Name] } = {}
  if (priority !== 1024 || random.chance(0.2)) options.priority = priority
  let due: verbs.Put['due']
  const delayed = random.below(10)
  if (delayed < 2) {
    options.delayMs = random.pick(DELAYS_MS)
    due = driver.after(options.delayMs)
  } else if (delayed === 2) {
    const at = driver.now.wallMs + random.pick([-1_000, 2_000, 8_000])
    options.at = random.chance(0.5) ? at : new Date(at)
    if (at > driver.now.wallMs) due = { kind: 'wall', lowMs: at, highMs: at }
  }
  let expires: verbs.Put['expires']
  if (random.chance(0.1) && !limitOf(driver.reference.current, queue)) {
    options.ttlMs = random.pick([2_000, 6_000, 20_000])
    expires = driver.after(options.ttlMs)
  }
  const leaseMs = random.chance(0.1) ? random.pick([1_000, 4_000, 60_000]) : undefined
  if (leaseMs !== undefined) options.leaseMs = leaseMs
  let key: string | undefined
  let keyUntil: verbs.Put['keyUntil']
  const drawn = random.pick(KEYS)
  if (random.chance(0.15) && isClear(driver, queue, drawn)) {
    key = drawn
    const windowMs = any(random, [1_000, 5_000, undefined])
    options.key = key
    if (windowMs !== undefined) options.keyWindowMs = windowMs
    keyUntil = driver.after(windowMs ?? 600_000)
  }
  const producer = key === undefined && random.chance(0.15) ? random.pick(PRODUCERS) : undefined
  const sequence = random.below(SEQUENCES_MAX)
  const isNumbered = producer !== undefined && isSentClear(driver, queue, producer, sequence)
  if (isNumbered) Object.assign(options, { producer, sequence })
  const headers = random.chance(0.15) ? random.pick(HEADERS) : {}
  if (random.chance(0.5) || Object.keys(headers).length > 0) options.headers = headers
  const put = driver.after(0, 'wall')
  return {
    body,
    options,
    what: {
      ...{ queue, body, priority, due, expires, leaseMs, key, keyUntil, headers, put },
      producer: isNumbered ? producer : undefined,
      sequence: isNumbered ? sequence : 0,
    },
  }
}

/** The same put in the place of whatever has the key, where nothing is on its way and nobody has begun that. */
function replacing(driver: Driver, queue: string, draft: Draft): Draft {
  const { key } = draft.what
  const state = driver.reference.current.queues.get(queue)
  const id = key === undefined ? undefined : state?.keys.get(key)?.id
  const { inFlight, reserving } = driver.reference
  if (inFlight + reserving.length > 0 || state === undefined || id === undefined) return draft
  const message = state.messages.get(id)
  const groups = [...state.groups.values()]
  const isUntouched = groups.every(({ cells }) => {
    const cell = cells.get(id)
    return cell?.state === 'waiting' || cell?.state === 'buried'
  })
  const isClear = !message || (isUntouched && isExpired(message, driver.now) === 'no')
  if (!isClear) return draft
  driver.world.simulation.report.note('a put in the place of another')
  return {
    ...draft,
    options: { ...draft.options, onDuplicate: 'replace' },
    what: { ...draft.what, replaces: true },
  }
}

/** Whether it is known if the key is taken; a batch waits for one that is on its way. */
function isClear(driver: Driver, queue: string, key: string): boolean {
  const taken = driver.reference.states.map((state) => state.queues.get(queue)?.keys.get(key))
  const ids = new Set(taken.map((one) => one?.id))
  const isKnown = taken.every((one) => !one || passed(one.until, driver.now) !== 'maybe')
  return isKnown && ids.size === 1
}

/** The same of a number of a producer. */
function isSentClear(driver: Driver, queue: string, producer: string, sequence: number): boolean {
  const name = verbs.sentName(producer, sequence)
  const known = driver.reference.states.map((state) => state.queues.get(queue)?.sent.has(name))
  return new Set(known.map((one) => one === true)).size === 1
}

function sizeOf(random: Random): number {
  const shape = random.below(20)
  if (shape < 14) return random.between(0, 200)
  return shape < 19 ? random.between(500, 4_000) : random.between(6_000, 14_000)
}

function expectAnswer(expected: readonly verbs.PutAnswer[], results: readonly PutResult[]): void {
  const left = JSON.stringify(expected.map((one) => answerOf(one, one)))
  const right = JSON.stringify(results.map((one, row) => answerOf(one, expected[row])))
  if (left !== right) throw new Violation(`puts: ${left} expected, ${right} answered`)
}

/** What can be compared: of what a producer sent again, only that it did. */
function answerOf(
  { id, offset, duplicate }: verbs.PutAnswer,
  expected: verbs.PutAnswer | undefined,
): readonly unknown[] {
  return expected?.isSentAgain ? [duplicate] : [id, offset, duplicate]
}
