/** Stores with one planted mistake each, around a good one: what the store suite has to notice. */
import type { Delivery } from '../../src/store/types/deliveries.ts'
import type { Group, GroupOptions } from '../../src/store/types/groups.ts'
import type { PutResult } from '../../src/store/types/puts.ts'
import type { Queue, QueueOptions } from '../../src/store/types/queues.ts'
import type { Session } from '../../src/store/types/sessions.ts'
import type { Store } from '../../src/store/types/store.ts'
import type { Transaction } from '../../src/store/types/transactions.ts'
import { codeOf } from '../../src/testing/store-suite/checks.ts'
import type { StoreFactory } from '../../src/testing/store-suite/factory.ts'
import { MemoryWorld } from './store-worlds.ts'

/** What a mistake may replace of a good store. */
interface Parts {
  store?(store: Store): Partial<Store>
  queue?(queue: Queue): Partial<Queue>
  group?(group: Group): Partial<Group>
  session?(session: Session): Partial<Session>
  delivery?(delivery: Delivery): Partial<Delivery>
  /** Done to the store when it is opened again. */
  reopened?(store: Store, hasCrashed: boolean): Promise<void>
}

export interface WrongStore {
  readonly name: string
  /** The subject of the suite that is run, and a test of it that has to fail. */
  readonly subject: string
  readonly caughtBy: string
  readonly make: (world: MemoryWorld) => Parts
}

export const WRONG_STORES: readonly WrongStore[] = [
  {
    name: 'resolves a put before it is durable',
    subject: 'puts',
    caughtBy: 'a put that resolved is there after a crash',
    make: () => {
      let last: { queue: string; id: number } | undefined
      return {
        queue: (queue) => ({
          put: async (body, options) => {
            const result = await queue.put(body, options)
            last = { queue: queue.name, id: result.id }
            return result
          },
        }),
        reopened: async (store, hasCrashed) => {
          if (hasCrashed && last) await store.queue(last.queue).delete([last.id])
        },
      }
    },
  },
  {
    name: 'forgets an ack when it is closed',
    subject: 'verbs',
    caughtBy: 'an acknowledged message never comes back',
    make: () => ({
      delivery: (delivery) => ({ ack: async () => delivery.extend(1e9) }),
    }),
  },
  {
    name: 'does not keep to the attempts that a queue is set to',
    subject: 'last attempts',
    caughtBy:
      'a message whose last lease times out is buried at once, whether or not anybody waits',
    make: () => ({
      queue: (queue) => ({
        configure: ({ attemptsMax: _, ...settings }) => queue.configure(settings),
      }),
    }),
  },
  {
    name: 'forgets how long the leases of a message are',
    subject: 'leases',
    caughtBy: 'a lease is as long as the put says, unless the reserve does; also after a restart',
    make: () => ({
      queue: (queue) => ({
        put: (body, { leaseMs: _, ...rest } = {}) => queue.put(body, rest),
      }),
    }),
  },
  {
    name: 'deletes what somebody has',
    subject: 'by id',
    caughtBy: 'delete lets those be that somebody has, where it is told so',
    make: () => ({
      queue: (queue) => ({ delete: (messages) => queue.delete(messages) }),
    }),
  },
  {
    name: 'counts all ready messages as urgent',
    subject: 'figures',
    caughtBy: 'how many ready messages are urgent follows every change of state and priority',
    make: () => ({
      group: (group) => ({ countReady: async () => group.stats().ready }),
    }),
  },
  {
    name: 'releases with the old priority',
    subject: 'order',
    caughtBy: 'a release with a priority moves the message, and it keeps that priority',
    make: () => ({
      delivery: (delivery) => {
        const release = delivery.release.bind(delivery)
        return { release: ({ priority: _, ...rest } = {}) => release(rest) }
      },
    }),
  },
  {
    name: 'takes an ack after the end of the lease',
    subject: 'leases',
    caughtBy: 'after its end no verb is taken for a lease, and the message stays where it is',
    make: () => ({
      delivery: (delivery) => {
        const ack = delivery.ack.bind(delivery)
        return {
          ack: async () => {
            await ack().catch((error: unknown) => {
              if (codeOf(error) !== 'QLOG_STALE_LEASE') throw error
            })
          },
        }
      },
    }),
  },
  {
    name: 'loses the order of burial when it is closed',
    subject: 'verbs',
    caughtBy: 'the order of burial survives a restart and a compaction',
    make: () => {
      let isLost = false
      return {
        group: (group) => {
          const kick = async (which: number | readonly (number | { id: number })[]) => {
            const buried = await group.list({ state: 'buried' })
            if (!isLost || typeof which !== 'number') return group.kick(which as number)
            return buried.length > 0 ? group.kick(buried.slice(0, which)) : group.kick(which)
          }
          return { kick } as Partial<Group>
        },
        reopened: async () => {
          isLost = true
        },
      }
    },
  },
  {
    name: 'makes each part of a transaction by itself',
    subject: 'transactions',
    caughtBy: 'publish and acknowledge: both or neither, at whatever moment the crash comes',
    make: (world) => ({
      store: (store) => ({ transaction: (body) => inParts(world, store, body) }),
    }),
  },
  {
    name: 'begins a group behind the first message',
    subject: 'where a group begins',
    caughtBy: 'from first: everything that the queue holds, and so it is unless told',
    make: () => ({
      queue: (queue) => ({
        createGroup: async (name, options: GroupOptions = {}) => {
          const [first] = await queue.read({ limit: 1 })
          if (first === undefined || (options.from ?? 'first') !== 'first') {
            return queue.createGroup(name, options)
          }
          return queue.createGroup(name, { ...options, from: { id: first.id + 1 } })
        },
      }),
    }),
  },
  {
    name: 'counts every delivery as finished',
    subject: 'figures',
    caughtBy: 'totals count what happened to messages, in the group, the queue and the store',
    make: () => ({
      group: (group) => ({
        stats: () => {
          const stats = group.stats()
          return { ...stats, totals: { ...stats.totals, acked: stats.totals.delivered } }
        },
      }),
    }),
  },
  {
    name: 'ignores leasedMax',
    subject: 'leases',
    caughtBy: 'leasedMax bounds what is leased at once, over all sessions, until some of it ends',
    make: () => ({
      queue: (queue) => ({
        createGroup: (name, { leasedMax: _, ...rest }: GroupOptions = {}) =>
          queue.createGroup(name, rest),
      }),
    }),
  },
  {
    name: 'lets delays follow the wall clock',
    subject: 'delays',
    caughtBy: 'a jump of the wall clock, forwards or back, changes no delay',
    make: (world) => ({
      queue: (queue) => ({
        put: (body, { delayMs, ...options } = {}) =>
          queue.put(body, delayMs ? { ...options, at: world.nowMs() + delayMs } : options),
      }),
    }),
  },
  {
    name: 'forgets a pause when it is closed',
    subject: 'pause',
    caughtBy: 'a pause goes on across a restart for what is left of it',
    make: () => ({
      reopened: async (store) => {
        for (const name of store.queues()) await store.queue(name).pause(0)
      },
    }),
  },
  {
    name: 'gives the leases of a closed session back when they end',
    subject: 'sessions',
    caughtBy: 'closing a session gives everything back at once, without counting an attempt',
    make: () => ({ session: () => ({ close: async () => undefined }) }),
  },
  {
    name: 'purges what is ready and nothing else',
    subject: 'purge',
    caughtBy: 'a purge empties the queue for every group, in whatever state its messages are',
    make: () => ({
      queue: (queue) => ({
        purge: async () => queue.delete(await queue.group().list({ state: 'ready' })),
      }),
    }),
  },
  {
    name: 'removes queues whatever is in them',
    subject: 'removed queues',
    caughtBy: 'a queue with messages stays: ready, delayed, buried, leased, or unread',
    make: () => ({
      queue: (queue) => ({
        remove: async () => {
          await queue.purge()
          return queue.remove({ forgetKeys: true })
        },
      }),
    }),
  },
  {
    name: 'goes on with the offsets of a queue that was removed',
    subject: 'removed queues',
    caughtBy: 'what is put to the name later makes a new queue: offsets from 0, ids that go on',
    make: () => ({
      queue: (queue) => ({ remove: async () => (await queue.purge()) >= 0 }),
    }),
  },
  {
    name: 'redrives everything whatever the filter',
    subject: 'redrive',
    caughtBy: 'a filter says which: a reason, from and up to a message, so many in order of burial',
    make: () => ({ group: (group) => ({ redrive: () => group.redrive() }) }),
  },
  {
    name: 'seeks forward alone',
    subject: 'seek',
    caughtBy: 'a seek back delivers again what the queue still holds, also after a restart',
    make: () => ({
      group: (group) => ({
        seek: async (from) => (from === 'first' ? undefined : group.seek(from)),
      }),
    }),
  },
  {
    name: 'moves messages and leaves them where they were too',
    subject: 'move',
    caughtBy: 'everything that is ready goes in its order, also what came back, and the rest stays',
    make: () => {
      let open: Store | undefined
      return {
        reopened: async (store) => {
          open = store
        },
        store: (store) => {
          open = store
          return {}
        },
        group: (group) => ({
          move: async (target, { state }) => {
            const infos = await group.list({ state })
            for (const { id } of infos) {
              const stored = await open?.queue(group.queue).get(id)
              if (stored) await open?.queue(target).put(stored.body)
            }
            return infos.length
          },
        }),
      }
    },
  },
  {
    name: 'puts one message beside the one that it replaces',
    subject: 'duplicates',
    caughtBy:
      'where nobody has begun a message, a replacing one comes in its place with its own options',
    make: () => ({
      queue: (queue) => ({
        put: (body, { key, onDuplicate, ...options } = {}) =>
          queue.put(body, onDuplicate || key === undefined ? options : { ...options, key }),
      }),
    }),
  },
  {
    name: 'acknowledges what its handlers throw at',
    subject: 'workers',
    caughtBy:
      'a handler that throws is tried again with back-off, then its message is buried with the error',
    make: () => ({
      queue: (queue) => ({
        work: (handler, options) =>
          queue.work((body, job) => {
            try {
              return handler(body, job)
            } catch {
              return undefined
            }
          }, options),
      }),
    }),
  },
  {
    name: 'gives the messages of a stopped worker back as failures',
    subject: 'how workers end',
    caughtBy:
      'at its deadline stop gives up: signals are aborted, messages back without an attempt',
    make: () => ({
      queue: (queue) => ({
        work: (handler, options) =>
          queue.work((body, job) => {
            job.signal.addEventListener('abort', () => {
              job.delivery.retry(job.signal.reason).catch(() => undefined)
            })
            return handler(body, job)
          }, options),
      }),
    }),
  },
  {
    name: 'keeps what a loop did not settle',
    subject: 'consuming loops',
    caughtBy:
      'a consuming loop gets one delivery after the other, and leaving it gives back the rest',
    make: () => ({
      queue: (queue) => ({
        consume: (options) => {
          const loop = queue.consume(options)
          const wrong: typeof loop = over(loop, {
            [Symbol.asyncIterator]: () => wrong,
            return: async () => ({ done: true, value: undefined }),
          })
          return wrong
        },
      }),
    }),
  },
  {
    name: 'puts what its codec cannot read again',
    subject: 'values',
    caughtBy: 'a value that cannot be encoded is an error, and nothing is put',
    make: () => ({
      queue: (queue) => ({
        put: (value, options) =>
          queue.put(value, options).catch((error: unknown) => {
            if (codeOf(error) !== 'QLOG_CODEC') throw error
            return { id: 0, offset: 0, duplicate: false }
          }),
      }),
    }),
  },
  {
    name: 'overlooks options that it does not know',
    subject: 'bad options',
    caughtBy: 'options that nobody knows are refused, and named',
    make: () => ({
      delivery: (delivery) => {
        const bury = delivery.bury.bind(delivery)
        return { bury: ({ reason } = {}) => bury(reason === undefined ? {} : { reason }) }
      },
    }),
  },
]

/** The world of a wrong store. */
export function wrongWorld({ make }: WrongStore): StoreFactory {
  const world = new MemoryWorld(4)
  const parts = make(world)
  let openings = 0
  let hasCrashed = false
  return over<StoreFactory>(world, {
    open: async (options) => {
      const good = await world.open(options)
      openings += 1
      if (openings > 1) await parts.reopened?.(good, hasCrashed)
      hasCrashed = false
      return wrongStore(good, parts)
    },
    crash: async () => {
      hasCrashed = true
      await world.crash()
    },
  })
}

function wrongStore(good: Store, parts: Parts): Store {
  return over(good, {
    queue: ((name: string, options?: QueueOptions) =>
      wrongQueue(good.queue(name, options), parts)) as Store['queue'],
    session: (options) => wrongSession(good.session(options), parts),
    ...parts.store?.(good),
  })
}

function wrongQueue(good: Queue, parts: Parts): Queue {
  return over(good, {
    group: (name) => wrongGroup(good.group(name), parts),
    ...parts.queue?.(good),
  })
}

function wrongGroup<T>(good: Group<T>, parts: Parts): Group<T> {
  return over<Group<T>>(good, (parts.group?.(good) ?? {}) as Partial<Group<T>>)
}

function wrongSession(good: Session, parts: Parts): Session {
  const spoilt = (delivery: Delivery): Delivery => {
    // The same object, since the good store must know it when it comes back.
    for (const [name, value] of Object.entries(parts.delivery?.(delivery) ?? {})) {
      Object.defineProperty(delivery, name, { value })
    }
    return delivery
  }
  return over(good, {
    reserve: async (options) => (await good.reserve(options)).map(spoilt),
    ...parts.session?.(good),
  })
}

/** Takes down what the body asks for, and makes a transaction of each part. */
async function inParts(world: MemoryWorld, store: Store, body: (tx: Transaction) => void) {
  const calls: ((tx: Transaction) => void)[] = []
  const note = new Proxy({} as Transaction, {
    get:
      (_, name: keyof Transaction) =>
      (...values: readonly unknown[]) =>
        calls.push((tx) => Reflect.apply(tx[name], tx, values)),
  })
  body(note)
  const puts: PutResult[] = []
  for (const call of calls) {
    puts.push(...(await store.transaction(call)).puts)
    await world.advance(1)
  }
  return { puts }
}

/** The good one, with some members replaced. */
function over<T extends object>(good: T, wrong: Partial<T>): T {
  return new Proxy(good, {
    get: (_, name) => {
      if (Object.hasOwn(wrong, name)) return Reflect.get(wrong, name)
      const value: unknown = Reflect.get(good, name, good)
      return typeof value === 'function' ? value.bind(good) : value
    },
  })
}
