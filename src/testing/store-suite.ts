/**
 * The conformance suite of stores: what the reference promises of queues, groups, sessions and
 * transactions, as tests that any store over any log can run. Knows no test runner.
 */
import { BAD_INPUT } from './store-suite/bad-input.ts'
import { BAD_OPTIONS } from './store-suite/bad-options.ts'
import { BAD_WORK } from './store-suite/bad-work.ts'
import { BATCHES } from './store-suite/batches.ts'
import { BY_ID } from './store-suite/by-id.ts'
import { CLOSING } from './store-suite/closing.ts'
import { CONSUMING } from './store-suite/consuming.ts'
import { DEAD_LETTERS } from './store-suite/dead-letters.ts'
import { DELAYS } from './store-suite/delays.ts'
import { DELIVERIES } from './store-suite/deliveries.ts'
import type { StoreFactory, StoreSuite } from './store-suite/factory.ts'
import { FAILING } from './store-suite/failing.ts'
import { FIGURES } from './store-suite/figures.ts'
import { FULL_DISK } from './store-suite/full-disk.ts'
import { GROUP_STARTS } from './store-suite/group-starts.ts'
import { GROUPS } from './store-suite/groups.ts'
import { IDLE_GROUPS } from './store-suite/idle-groups.ts'
import { KEYS } from './store-suite/keys.ts'
import { LAST_ATTEMPTS } from './store-suite/last-attempts.ts'
import { LEASES } from './store-suite/leases.ts'
import { LIMITS } from './store-suite/limits.ts'
import { LOOKING } from './store-suite/looking.ts'
import { MAKING_ROOM } from './store-suite/making-room.ts'
import { MOVE } from './store-suite/move.ts'
import { ON_DUPLICATE } from './store-suite/on-duplicate.ts'
import { ORDER } from './store-suite/order.ts'
import { OVERLAPS } from './store-suite/overlaps.ts'
import { PAUSE } from './store-suite/pause.ts'
import { PRODUCERS } from './store-suite/producers.ts'
import { PURGE } from './store-suite/purge.ts'
import { PUTS } from './store-suite/puts.ts'
import { REDRIVE } from './store-suite/redrive.ts'
import { REMOVED_QUEUES } from './store-suite/removed-queues.ts'
import { RESTART } from './store-suite/restart.ts'
import { RETENTION } from './store-suite/retention.ts'
import { SEEK } from './store-suite/seek.ts'
import { SESSIONS } from './store-suite/sessions.ts'
import { STOPPING } from './store-suite/stopping.ts'
import { SUSPECTS } from './store-suite/suspects.ts'
import { TRANSACTIONS } from './store-suite/transactions.ts'
import { TTL } from './store-suite/ttl.ts'
import { VALUES } from './store-suite/values.ts'
import { VERBS } from './store-suite/verbs.ts'
import { WORK_LEASES } from './store-suite/work-leases.ts'
import { WORKING } from './store-suite/working.ts'
import { type StoreTest, World } from './store-suite/world.ts'

const SUBJECTS: readonly (readonly [subject: string, tests: readonly StoreTest[]])[] = [
  ['puts', PUTS],
  ['keys', KEYS],
  ['producers', PRODUCERS],
  ['duplicates', ON_DUPLICATE],
  ['time to live', TTL],
  ['limits', LIMITS],
  ['making room', MAKING_ROOM],
  ['dead letters', DEAD_LETTERS],
  ['last attempts', LAST_ATTEMPTS],
  ['order', ORDER],
  ['delays', DELAYS],
  ['leases', LEASES],
  ['verbs', VERBS],
  ['batches', BATCHES],
  ['groups', GROUPS],
  ['where a group begins', GROUP_STARTS],
  ['idle groups', IDLE_GROUPS],
  ['sessions', SESSIONS],
  ['by id', BY_ID],
  ['loops', DELIVERIES],
  ['consuming loops', CONSUMING],
  ['values', VALUES],
  ['workers', WORKING],
  ['leases of workers', WORK_LEASES],
  ['how workers end', STOPPING],
  ['transactions', TRANSACTIONS],
  ['overlapping calls', OVERLAPS],
  ['restart', RESTART],
  ['suspects', SUSPECTS],
  ['looking', LOOKING],
  ['figures', FIGURES],
  ['pause', PAUSE],
  ['purge', PURGE],
  ['removed queues', REMOVED_QUEUES],
  ['redrive', REDRIVE],
  ['seek', SEEK],
  ['retention', RETENTION],
  ['move', MOVE],
  ['closing', CLOSING],
  ['failure', FAILING],
  ['full disk', FULL_DISK],
  ['bad input', BAD_INPUT],
  ['bad options', BAD_OPTIONS],
  ['bad options of workers', BAD_WORK],
]

/** Registers a test for each thing that a store promises. */
export function storeConformance(suite: StoreSuite): void {
  const without = suite.without ?? []
  for (const [subject, tests] of SUBJECTS) {
    suite.describe(`${suite.name}: ${subject}`, () => {
      for (const test of tests) {
        const missing = test.needs?.filter((ability) => without.includes(ability)) ?? []
        const run = () => runTest(suite, test)
        if (missing.length === 0) suite.it(test.name, run)
        else suite.it.skip(`${test.name} (lacks ${missing.join(', ')})`, run)
      }
    })
  }
}

async function runTest(suite: StoreSuite, test: StoreTest): Promise<void> {
  const factory = await suite.make()
  try {
    const body = () => inWorld(factory, test)
    await (factory.run === undefined ? body() : factory.run(body))
  } finally {
    await factory.dispose()
  }
}

async function inWorld(factory: StoreFactory, test: StoreTest): Promise<void> {
  const world = new World(factory)
  await world.open()
  await test.run(world)
  await world.close()
}
