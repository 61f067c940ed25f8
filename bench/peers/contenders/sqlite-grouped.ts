/**
 * better-sqlite3 as someone uses it who has many puts under way: what arrives in one turn of the event loop
 * shares one transaction, and so one flush. That is a few lines of the user's own, which this file is.
 */

import { join } from 'node:path'
import type { Contender } from '../contract.ts'
import { loadSqlite, SqliteQueue } from '../sqlite-queue.ts'
import { TAKERS } from '../takers.ts'

export const SQLITE_GROUPED: Contender = {
  id: 'sqlite-grouped',
  name: 'better-sqlite3, grouped',
  durability: 'flushed',
  settings: 'WAL, synchronous=FULL',
  notes:
    'All that arrives in one turn of the event loop, puts and takes, is one transaction, by code around it.',
  source:
    'https://www.sqlite.org/faq.html#q19: "The time needed to commit the transaction is amortized over all the enclosed insert statements"; FULL: https://www.sqlite.org/pragma.html#pragma_synchronous',
  kind: 'embedded',
  shape: 'rows',
  load: async () => {
    const { open, version } = await loadSqlite()
    return {
      version,
      open: async (directory) => {
        const queue = new SqliteQueue(open(join(directory, 'queue.db')), 'FULL')
        const groups = new Groups(queue)
        return {
          put: (body) => groups.run(() => putAll(queue, [body])),
          putMany: (bodies) => groups.run(() => putAll(queue, bodies)),
          take: (count) => groups.run(() => queue.take(count)),
          takers: TAKERS,
          close: async () => {
            groups.commit()
            queue.close()
          },
        }
      },
    }
  },
}

function putAll(queue: SqliteQueue, bodies: readonly Uint8Array[]): number {
  for (const body of bodies) queue.put(body)
  return bodies.length
}

interface Waiting {
  readonly run: () => number
  readonly resolve: (result: number) => void
  readonly reject: (error: unknown) => void
}

/** Collects what one turn brings. As large as what callers have under way at once, which they bound. */
class Groups {
  readonly #queue: SqliteQueue
  #waiting: Waiting[] = []

  constructor(queue: SqliteQueue) {
    this.#queue = queue
  }

  run(run: () => number): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.commit())
      this.#waiting.push({ run, resolve, reject })
    })
  }

  commit(): void {
    const group = this.#waiting
    if (group.length === 0) return
    this.#waiting = []
    const results: number[] = []
    try {
      this.#queue.inTransaction(() => {
        for (const { run } of group) results.push(run())
        return group.length
      })
    } catch (error) {
      for (const { reject } of group) reject(error)
      return
    }
    for (const [at, { resolve }] of group.entries()) resolve(results[at] ?? 0)
  }
}
