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
          put: (body) => groups.put(body),
          putMany: (bodies) => groups.putMany(bodies),
          take: (count) => groups.take(count),
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

interface Taking {
  readonly count: number
  taken: number
}

/**
 * Collects what one turn brings: as much as callers have under way at once, which they bound. All of it shares
 * one promise, so that a put costs no object of its own.
 */
class Groups {
  readonly #queue: SqliteQueue
  #bodies: Uint8Array[] = []
  #takings: Taking[] = []
  #committed: Promise<void> | undefined

  constructor(queue: SqliteQueue) {
    this.#queue = queue
  }

  put(body: Uint8Array): Promise<void> {
    this.#bodies.push(body)
    return this.#commitSoon()
  }

  putMany(bodies: readonly Uint8Array[]): Promise<void> {
    for (const body of bodies) this.#bodies.push(body)
    return this.#commitSoon()
  }

  async take(count: number): Promise<number> {
    const taking = { count, taken: 0 }
    this.#takings.push(taking)
    await this.#commitSoon()
    return taking.taken
  }

  commit(): void {
    const [bodies, takings] = [this.#bodies, this.#takings]
    this.#bodies = []
    this.#takings = []
    this.#committed = undefined
    if (bodies.length === 0 && takings.length === 0) return
    this.#queue.inTransaction(() => {
      for (const body of bodies) this.#queue.put(body)
      for (const taking of takings) taking.taken = this.#queue.take(taking.count)
      return bodies.length
    })
  }

  #commitSoon(): Promise<void> {
    this.#committed ??= new Promise(setImmediate).then(() => this.commit())
    return this.#committed
  }
}
