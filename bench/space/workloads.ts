/**
 * Loads that are known to fill disks in other queues: each in rounds, after which what must stay is known.
 */
import type { Delivery } from '../../src/store/types/deliveries.ts'
import type { Session } from '../../src/store/types/sessions.ts'
import type { LiveMessages } from './disk-use.ts'
import type { Ground } from './ground.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const BATCH = 1_000

export interface Workload {
  readonly name: string
  /** Where it was met. */
  readonly met: string
  /** Rounds of a measurement; the steady state shows within. */
  readonly rounds: number
  /** As much comes as goes: the disk must stop growing. */
  readonly isBalanced: boolean
  readonly begin: (ground: Ground) => Promise<Work>
}

export interface Work {
  round(): Promise<void>
  /** What nobody has finished, and what is retained. */
  live(): LiveMessages
}

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'one old buried message under churn',
    met: 'beanstalkd #43',
    rounds: 300,
    isBalanced: true,
    begin: beginBuried,
  },
  {
    name: 'one in 500 stays, due in a day',
    met: 'beanstalkd #276',
    rounds: 400,
    isBalanced: true,
    begin: beginDelayed,
  },
  {
    name: 'one message released again and again',
    met: 'beanstalkd #622',
    rounds: 300,
    isBalanced: true,
    begin: beginReleased,
  },
  {
    name: 'every second message is acknowledged',
    met: 'Pulsar #25540',
    rounds: 2_000,
    isBalanced: false,
    begin: beginHoles,
  },
  {
    name: '1,000 queues, one of them slow',
    met: 'one log for all',
    rounds: 300,
    isBalanced: true,
    begin: beginQueues,
  },
  {
    name: 'the last 5,000 finished messages are retained',
    met: 'history',
    rounds: 300,
    isBalanced: true,
    begin: beginRetained,
  },
  {
    name: '10-byte puts, each awaited',
    met: 'framing',
    rounds: 200,
    isBalanced: false,
    begin: beginTiny,
  },
  {
    name: '1,000 openings that put one message',
    met: 'command line',
    rounds: 1_000,
    isBalanced: false,
    begin: beginOpenings,
  },
]

export function workloadNamed(name: string): Workload {
  const found = WORKLOADS.find((one) => one.name === name || one.met === name)
  if (!found) throw new Error(`there is no workload "${name}"`)
  return found
}

async function beginBuried(ground: Ground): Promise<Work> {
  const queue = ground.store.queue('churn')
  const session = await watching(ground, 'churn')
  await queue.put(new Uint8Array(BATCH))
  const [old] = await take(session, 1)
  await old?.bury({ reason: 'kept for somebody to look at' })
  const bodies = bodiesOf(BATCH, 1_000)
  return {
    round: async () => {
      await queue.putMany(bodies)
      await session.ack(await take(session, BATCH))
    },
    live: () => ({ messages: 1, bytes: BATCH }),
  }
}

async function beginDelayed(ground: Ground): Promise<Work> {
  const every = 500
  const roundsADay = 50
  const queue = ground.store.queue('jobs')
  const session = await watching(ground, 'jobs')
  const bodies = bodiesOf(every - 1, 1_000)
  let live = 0
  return {
    round: async () => {
      await queue.putMany([{ body: new Uint8Array(1_000), delayMs: DAY_MS }, ...bodies])
      live++
      await ground.pass(DAY_MS / roundsADay)
      // Those of yesterday are due as well.
      const taken = await session.reserve({ count: BATCH, timeoutMs: 0 })
      live -= taken.length - bodies.length
      await session.ack(taken)
    },
    live: () => ({ messages: live, bytes: live * 1_000 }),
  }
}

async function beginReleased(ground: Ground): Promise<Work> {
  const { id } = await ground.store.queue('retries').put(new Uint8Array(1_000))
  const session = ground.store.session()
  return {
    round: async () => {
      for (let i = 0; i < BATCH; i++) {
        const delivery = await session.reserveById(id)
        if (!delivery) throw new Error('the message is delayed, and nobody else takes it')
        await delivery.release({ delayMs: HOUR_MS })
      }
    },
    live: () => ({ messages: 1, bytes: 1_000 }),
  }
}

async function beginHoles(ground: Ground): Promise<Work> {
  const queue = ground.store.queue('shared')
  const session = await watching(ground, 'shared')
  const bodies = bodiesOf(BATCH, 100)
  let live = 0
  return {
    round: async () => {
      await queue.putMany(bodies)
      const taken = await session.reserve({ count: BATCH, timeoutMs: 0, leaseMs: 100 * DAY_MS })
      await session.ack(taken.filter((_, row) => row % 2 === 0))
      live += BATCH / 2
    },
    live: () => ({ messages: live, bytes: live * 100 }),
  }
}

async function beginQueues(ground: Ground): Promise<Work> {
  const names = Array.from({ length: BATCH }, (_, row) => `queue-${row}`)
  const [slow, ...others] = names
  const session = ground.store.session()
  for (const name of others) await session.watch(name)
  const bytes = new Uint8Array(1_000)
  let rounds = 0
  return {
    round: async () => {
      await ground.store.transaction((tx) => {
        for (const name of names) tx.put(name, bytes)
      })
      rounds++
      await session.ack(await take(session, others.length))
    },
    live: () => ({ messages: slow === undefined ? 0 : rounds, bytes: rounds * bytes.length }),
  }
}

/** A second a round passes: what is beyond the limit goes about as late. */
async function beginRetained(ground: Ground): Promise<Work> {
  const kept = 5 * BATCH
  const queue = ground.store.queue('history')
  await queue.configure({ retention: { messages: kept } })
  const session = await watching(ground, 'history')
  const bodies = bodiesOf(BATCH / 10, 1_000)
  let puts = 0
  return {
    round: async () => {
      for (let row = 0; row < 10; row++) await queue.putMany(bodies)
      await session.ack(await take(session, BATCH))
      await ground.pass(1_000)
      puts += BATCH
    },
    live: () => ({ messages: Math.min(puts, kept), bytes: Math.min(puts, kept) * 1_000 }),
  }
}

async function beginTiny(ground: Ground): Promise<Work> {
  const queue = ground.store.queue('tiny')
  let puts = 0
  return {
    round: async () => {
      for (let i = 0; i < BATCH; i++) await queue.put(String(puts++).padStart(10, '0'))
    },
    live: () => ({ messages: puts, bytes: puts * 10 }),
  }
}

/** The store is open afterwards, as with the others. */
async function beginOpenings(ground: Ground): Promise<Work> {
  let puts = 0
  return {
    round: async () => {
      await ground.store.queue('lines').put(`message ${puts}`)
      puts++
      await ground.close()
      await ground.open()
    },
    live: () => ({ messages: puts, bytes: puts * 'message 1000'.length }),
  }
}

async function watching(ground: Ground, queue: string): Promise<Session> {
  const session = ground.store.session()
  await session.watch(queue)
  return session
}

/** So many, all of which are ready. */
async function take(session: Session, count: number): Promise<readonly Delivery[]> {
  const taken = await session.reserve({ count, timeoutMs: 0 })
  if (taken.length !== count) throw new Error(`${taken.length} of ${count} messages were ready`)
  return taken
}

function bodiesOf(count: number, bytes: number): readonly Uint8Array[] {
  return Array.from({ length: count }, () => new Uint8Array(bytes))
}
