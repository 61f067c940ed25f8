/**
 * better-sqlite3 as a table of messages, twice: with FULL a commit is flushed, with NORMAL it is not. Its
 * calls are synchronous, so that each put is a transaction of its own however many are under way; what a
 * user would do about that is `sqlite-grouped`.
 */

import { join } from 'node:path'
import type { Contender, Durability } from '../contract.ts'
import { loadSqlite, SqliteQueue } from '../sqlite-queue.ts'
import { TAKERS } from '../takers.ts'

export const SQLITE_FULL = contender({
  id: 'sqlite-full',
  synchronous: 'FULL',
  durability: 'flushed',
  source:
    'https://www.sqlite.org/pragma.html#pragma_synchronous: "With synchronous=FULL in WAL mode, an additional sync operation of the WAL file happens after each transaction commit." WAL is recommended, and FULL named for durability, by https://github.com/WiseLibs/better-sqlite3/blob/master/docs/performance.md',
})

/** What better-sqlite3 is compiled to take in WAL mode: SQLITE_DEFAULT_WAL_SYNCHRONOUS=1. */
export const SQLITE_NORMAL = contender({
  id: 'sqlite-normal',
  synchronous: 'NORMAL',
  durability: 'kernel',
  source:
    'https://www.sqlite.org/pragma.html#pragma_synchronous: "A transaction committed in WAL mode with synchronous=NORMAL might roll back following a power loss or system crash." It is the default of https://github.com/WiseLibs/better-sqlite3/blob/master/docs/performance.md',
  published: {
    what: 'rows inserted one by one in WAL mode, on a laptop of 2014',
    rate: 62_554,
    source: 'https://github.com/WiseLibs/better-sqlite3/blob/master/docs/benchmark.md',
  },
})

interface Level {
  readonly id: string
  readonly synchronous: 'FULL' | 'NORMAL'
  readonly durability: Durability
  readonly source: string
  readonly published?: NonNullable<Contender['published']>
}

function contender({ synchronous, ...level }: Level): Contender {
  return {
    ...level,
    name: 'better-sqlite3',
    settings: `WAL, synchronous=${synchronous}`,
    notes:
      'Its calls are synchronous: a put is a transaction and ends before the next begins, however many are asked for. Many at once are one transaction; statements are prepared once.',
    kind: 'embedded',
    shape: 'rows',
    load: async () => {
      const { open, version } = await loadSqlite()
      return {
        version,
        open: async (directory) => {
          const queue = new SqliteQueue(open(join(directory, 'queue.db')), synchronous)
          return {
            put: async (body) => queue.put(body),
            putMany: async (bodies) => {
              queue.inTransaction(() => {
                for (const body of bodies) queue.put(body)
                return bodies.length
              })
            },
            take: async (count) => queue.inTransaction(() => queue.take(count)),
            takers: TAKERS,
            close: async () => queue.close(),
          }
        },
      }
    },
  }
}
