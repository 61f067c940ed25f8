/**
 * Lives of a store, step by step, to be crashed at every call: puts, leases and what ends them, groups,
 * transactions, settings, redrive, moves, checkpoints, compaction. What the store shows after each step is
 * found out first, with a process that is killed between two steps; a crash in the middle must leave what one
 * of the steps that were under way would have left.
 */
import { openSegmentLog } from '../../src/log/open.ts'
import { checkOptions } from '../../src/log/options.ts'
import { openStoreOn } from '../../src/store/open-store.ts'
import type { Delivery } from '../../src/store/types/deliveries.ts'
import type { Session } from '../../src/store/types/sessions.ts'
import type { Store } from '../../src/store/types/store.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import type { Life } from '../simulation/lives.ts'
import { look } from './model/look.ts'

const DIRECTORY = '/d/store'
const SMALL = { segmentBytesMin: 16_384, segmentBytesMax: 16_384, idleSyncMs: 0 }
/** Longer than any of these lives: nothing becomes due by itself. */
const LONG_MS = 3_600_000
/** Written by whoever checks; what is seen of the store leaves it out. */
const CHECKED = 'checked'

interface Steps {
  readonly store: Store
  readonly session: Session
  /** Not ended yet, in the order in which they came. */
  readonly held: Delivery[]
}

interface Step {
  readonly name: string
  /** Several promises are one step after the other, though nobody waits in between. */
  act(steps: Steps): Promise<unknown>
}

/** Steps whose call was made, and steps that have resolved. */
export interface KnownSteps {
  issued: number
  acknowledged: number
}

export interface StoreLife extends Life<KnownSteps> {
  readonly steps: readonly Step[]
  /** What the store shows after so many steps; found out by `learn`. */
  readonly views: string[]
  learn(): Promise<void>
}

function body(bytes: number, mark: string): string {
  return mark.padEnd(bytes, mark)
}

async function open(process: SimulatedProcess): Promise<Store> {
  return openStoreOn(process, (owner) =>
    openSegmentLog(process, DIRECTORY, owner, checkOptions(SMALL)),
  )
}

async function begin(process: SimulatedProcess): Promise<Steps> {
  const store = await open(process)
  for (const name of ['a', 'b']) {
    store.queue(name, { retry: { attemptsMax: 3, backoffMs: LONG_MS, backoffMaxMs: LONG_MS } })
  }
  return { store, session: store.session(), held: [] }
}

/** All that is durable of what there is, but for times and counters. */
async function viewOf(store: Store): Promise<string> {
  const lines: string[] = []
  for (const [name, queue] of await look(store)) {
    if (name === CHECKED) continue
    const { settings, pausedMs, nextOffset } = queue.stats
    const isPaused = pausedMs > 0 ? ' paused' : ''
    lines.push(`${name}${isPaused} next ${nextOffset} ${JSON.stringify(settings)}`)
    for (const { id, offset, priority, body: bytes } of queue.messages) {
      const text = Buffer.from(bytes).toString('latin1')
      lines.push(`  ${offset}: ${id} ${priority} ${text.slice(0, 8)} ${text.length}`)
    }
    for (const [group, { stats, infos }] of queue.groups) {
      const states = infos.map(({ id, state, reason }) => `${id} ${state} ${reason ?? ''}`.trim())
      lines.push(`  ${group} ${stats.leasedMax ?? ''}: ${states.join(', ')}`)
    }
  }
  return lines.join('\n')
}

function storeLife(name: string, steps: readonly Step[]): StoreLife {
  const views: string[] = []
  const act = async (process: SimulatedProcess, known: KnownSteps): Promise<void> => {
    const context = await begin(process)
    for (const step of steps) {
      known.issued += 1
      await step.act(context)
      known.acknowledged += 1
    }
    await context.store.close()
  }
  return {
    name,
    steps,
    views,
    begin: () => ({ issued: 0, acknowledged: 0 }),
    copy: (known) => ({ ...known }),
    act,
    check: (process, known, round) => checkStore(process, known, round, views),
    learn: async () => {
      for (let count = 0; count <= steps.length; count += 1) {
        views[count] = await viewAfter(steps.slice(0, count))
      }
    },
  }
}

/** What an opening shows behind these steps and a kill. */
async function viewAfter(steps: readonly Step[]): Promise<string> {
  const simulation = new Simulation({ seed: 4 })
  const first = simulation.process('owner')
  await simulation.run(() =>
    first.run(async () => {
      const context = await begin(first)
      for (const step of steps) await step.act(context)
    }),
  )
  simulation.kill(first)
  const second = simulation.process('owner')
  const outcome = await simulation.run(() => second.run(async () => viewOf(await open(second))))
  simulation.kill(second)
  if (outcome.state !== 'done') throw new Error('it died in peace')
  return outcome.value
}

async function checkStore(
  process: SimulatedProcess,
  known: KnownSteps,
  round: number,
  views: readonly string[],
): Promise<void> {
  const store = await open(process)
  const seen = await viewOf(store)
  const possible = views.slice(known.acknowledged, known.issued + 1)
  if (!possible.includes(seen)) {
    const wanted = possible.join('\nor\n')
    throw new Error(`it shows\n${seen}\nand not\n${wanted}`)
  }
  known.acknowledged += possible.indexOf(seen)
  known.issued = known.acknowledged + possible.lastIndexOf(seen) - possible.indexOf(seen)
  await store.queue(CHECKED).put(`round ${round}`)
  if (round === 1) await store.compact()
  const found = await store.queue(CHECKED).read()
  if (found.length < round) throw new Error('what was put behind a crash is gone')
  await store.close()
}

/** Reserves so many messages of a queue, which wait to be ended. */
function reserve(queue: string, count: number, group?: string): Step {
  return {
    name: `reserve ${count} of ${queue}`,
    act: async ({ session, held }) => {
      await session.watch(queue, group === undefined ? {} : { group })
      held.push(...(await session.reserve({ count, timeoutMs: 0, leaseMs: LONG_MS })))
    },
  }
}

function next({ held }: Steps): Delivery {
  const delivery = held.shift()
  if (!delivery) throw new Error('nothing is leased')
  return delivery
}

function step(name: string, act: Step['act']): Step {
  return { name, act }
}

const PUTS: readonly Step[] = [
  step('put', ({ store }) => store.queue('a').put(body(100, '1'))),
  step('put many', ({ store }) =>
    store.queue('a').putMany(['2', '3', '4', '5', '6', '7'].map((mark) => body(900, mark))),
  ),
  step('put with a delay', ({ store }) =>
    store.queue('a').put(body(50, '8'), { delayMs: LONG_MS }),
  ),
]

export function storeLives(): StoreLife[] {
  return [
    storeLife('leases and what ends them', [
      ...PUTS,
      reserve('a', 6),
      step('ack', (steps) => next(steps).ack()),
      step('bury', (steps) => next(steps).bury({ reason: 'broken' })),
      step('retry', (steps) => next(steps).retry('later')),
      step('release with a delay', (steps) => next(steps).release({ delayMs: LONG_MS })),
      step('bury another', (steps) => next(steps).bury({ reason: 'by hand' })),
      step('redrive', ({ store }) => store.queue('a').group().redrive({ reason: 'broken' })),
      step('kick', ({ store }) => store.queue('a').group().kick(1)),
      step('delete', ({ store }) => store.queue('a').delete([7])),
      step('move', ({ store }) => store.queue('a').group().move('b', { state: 'ready', count: 2 })),
      step('purge', ({ store }) => store.queue('a').purge()),
    ]),
    storeLife('groups and settings', [
      step('a group', ({ store }) => store.queue('a').createGroup('g', { from: 'first' })),
      ...PUTS,
      reserve('a', 3, 'g'),
      step('ack in a group', (steps) => next(steps).ack()),
      step('ack in a group again', (steps) => next(steps).ack()),
      step('settings of a group', ({ store }) =>
        store.queue('a').group('g').configure({ leasedMax: 5 }),
      ),
      step('settings of a queue', ({ store }) =>
        store.queue('a').configure({ messagesMax: 100, ttlMs: LONG_MS, retention: 'all' }),
      ),
      step('pause', ({ store }) => store.queue('a').pause(LONG_MS)),
      step('seek', ({ store }) => store.queue('a').group('g').seek('first')),
      step('another group', ({ store }) => store.queue('a').createGroup('h', { from: 'next' })),
      step('remove a group', ({ store }) => store.queue('a').group('g').remove()),
    ]),
    storeLife('transactions, checkpoints and compaction', [
      ...PUTS,
      reserve('a', 4),
      step('move in a transaction', (steps) => {
        const [left, right] = [next(steps), next(steps)]
        return steps.store.transaction((transaction) => {
          transaction.ack(left)
          transaction.bury(right, { reason: 'broken' })
          transaction.put('b', body(1_200, 'x'))
          transaction.put('a', body(20, 'y'))
        })
      }),
      step('checkpoint', ({ store }) => checkpoint(store)),
      step('more messages', ({ store }) =>
        store.queue('b').putMany(Array.from({ length: 12 }, (_, row) => body(1_000, `${row}`))),
      ),
      step('ack behind it', (steps) => next(steps).ack()),
      step('another checkpoint', ({ store }) => checkpoint(store)),
      step('purge', ({ store }) => store.queue('b').purge()),
      step('compact', ({ store }) => store.compact()),
      step('configure and pause in a transaction', ({ store }) =>
        store.transaction((transaction) => {
          transaction.configure(store.queue('a').group(), { leasedMax: 2 })
          transaction.pause('a', LONG_MS)
          transaction.purge('b')
        }),
      ),
    ]),
  ]
}

function checkpoint(store: Store): Promise<void> {
  const { checkpoint: save } = store as Store & { checkpoint(): Promise<void> }
  return save.call(store)
}
