/**
 * classic-level as someone uses it who has many puts under way: what arrives in one turn of the event loop is
 * one batch, and so one flush. That is a few lines of the user's own, as in `sqlite-grouped`.
 */

import type { Contender } from '../contract.ts'
import { type LevelQueue, loadLevel } from '../level-queue.ts'
import { TAKERS } from '../takers.ts'
import { LEVEL_ENV, LEVEL_SOURCE } from './classic-level.ts'

export const CLASSIC_LEVEL_GROUPED: Contender = {
  id: 'classic-level-grouped',
  name: 'classic-level, grouped',
  durability: 'flushed',
  settings: 'sync: true, else defaults',
  notes:
    'All puts of one turn of the event loop are one batch, by code around it. A take goes on behind the key that was read last, not over the markers of what was deleted.',
  source: LEVEL_SOURCE,
  kind: 'embedded',
  shape: 'rows',
  env: LEVEL_ENV,
  load: async () => {
    const { version, open } = await loadLevel()
    return {
      version,
      open: async (directory) => {
        const queue = await open(directory)
        const group = new Group(queue)
        return {
          put: (body) => group.put(body),
          putMany: (bodies) => queue.putMany(bodies),
          take: (count) => queue.take(count),
          takers: TAKERS,
          close: () => queue.close(),
        }
      },
    }
  },
}

/** Puts of one turn, as many as callers have under way at once, which they bound. */
class Group {
  readonly #queue: LevelQueue
  #bodies: Uint8Array[] = []
  #written: Promise<void> = Promise.resolve()

  constructor(queue: LevelQueue) {
    this.#queue = queue
  }

  put(body: Uint8Array): Promise<void> {
    if (this.#bodies.push(body) === 1) {
      this.#written = new Promise(setImmediate).then(() =>
        this.#queue.putMany(this.#bodies.splice(0)),
      )
    }
    return this.#written
  }
}
