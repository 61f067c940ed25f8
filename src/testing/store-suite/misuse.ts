/** Calls with values that the types forbid: each is refused with its code, and nothing is half done. */
import type { Delivery } from '../../store/types/deliveries.ts'
import type { Group } from '../../store/types/groups.ts'
import type { Queue } from '../../store/types/queues.ts'
import type { Session } from '../../store/types/sessions.ts'
import type { Store } from '../../store/types/store.ts'
import { equal, isTrue, rejected } from './checks.ts'
import { visibleState } from './visible-state.ts'
import { type World, withBody } from './world.ts'

/** One wrong call, and what its error has to name. */
export interface Misuse {
  readonly what: string
  /** A word that the message has to have; any message will do unless there is one. */
  readonly word?: string
  readonly call: () => unknown
}

/** What the wrong calls are made on. */
export interface Hand {
  readonly store: Store
  readonly queue: Queue
  readonly group: Group
  readonly session: Session
  /** Leased all the time: no wrong call may end its lease. */
  readonly delivery: Delivery
}

/** One misuse for each value; `never` since the types would refuse them. */
export function each(
  what: string,
  values: readonly unknown[],
  call: (value: never) => unknown,
  word?: string,
): Misuse[] {
  return values.map((value) => ({
    what: `${what} ${nameOf(value)}`,
    ...(word !== undefined && { word }),
    call: () => call(value as never),
  }))
}

/** A value of an option that has that name in the message. */
export function eachOption(
  what: string,
  option: string,
  values: readonly unknown[],
  call: (options: never) => unknown,
): Misuse[] {
  return values.map((value) => ({
    what: `${what} ${option} ${nameOf(value)}`,
    word: option,
    call: () => call({ [option]: value } as never),
  }))
}

/** Every one is refused, and neither now nor after a restart is there anything of it. */
export async function refusesAll(
  world: World,
  misusesOf: (hand: Hand) => readonly Misuse[],
): Promise<void> {
  const { store } = world
  const session = await world.watching('q')
  await world.putAll('q', 'leased', 'ready')
  const delivery = withBody(await session.reserve({ leaseMs: 3_600_000 }), 'leased')
  const queue = store.queue('q')
  await world.settle()
  const before = await visibleState(store)
  for (const { what, word, call } of misusesOf({
    store,
    queue,
    group: queue.group(),
    session,
    delivery,
  })) {
    const { message } = await rejected('QLOG_INVALID_ARGUMENT', call, what)
    isTrue(word === undefined || message.includes(word), `${what}: ${message} names no ${word}`)
  }
  await world.settle()
  equal(await visibleState(store), before, 'after all that was refused')
  await delivery.ack()
  await world.reopen()
  equal([...world.store.queues()], ['q'])
  equal(world.store.queue('q').stats().nextOffset, 2)
  equal(world.store.queue('q').stats().groups.length, 1)
  equal(await world.drain('q'), ['ready'])
}

function nameOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 20))
  if (Array.isArray(value)) return `[${value.map(nameOf).join(', ')}]`
  if (typeof value !== 'object' || value === null || value instanceof Date) return String(value)
  return `{${Object.entries(value).map(([name, part]) => `${name}: ${nameOf(part)}`)}}`
}
