/** classic-level (LevelDB) as a queue: a put is a write that is flushed, and LevelDB flushes together what its threads wait with. */

import type { Contender } from '../contract.ts'
import { loadLevel } from '../level-queue.ts'
import { TAKERS } from '../takers.ts'

/** Each write holds a thread of libuv's pool until it is flushed: with the 4 of its default, 4 share a flush. */
export const LEVEL_ENV = { UV_THREADPOOL_SIZE: '32' }
export const LEVEL_SOURCE =
  'https://github.com/Level/classic-level#writing: "a synchronous write will use fsync() or equivalent, so the write will not complete until the data is actually on disk"; batches for many: https://github.com/google/leveldb/blob/main/doc/index.md#synchronous-writes'

export const CLASSIC_LEVEL: Contender = {
  id: 'classic-level',
  name: 'classic-level',
  durability: 'flushed',
  settings: 'sync: true, else defaults',
  notes:
    "A put waits in a thread of libuv's pool; 32 threads instead of its 4 let more of them share a flush, several times the rate. A take goes on behind the key that was read last, not over the markers of what was deleted.",
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
        return {
          put: (body) => queue.put(body),
          putMany: (bodies) => queue.putMany(bodies),
          take: (count) => queue.take(count),
          takers: TAKERS,
          close: () => queue.close(),
        }
      },
    }
  },
}
