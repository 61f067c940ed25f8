/** qlog's queue: `openStore`, every answer behind its flush. */
import { openStore } from '../../../src/index.ts'
import type { Contender } from '../contract.ts'
import { needBody } from '../needed-body.ts'
import { TAKERS } from '../takers.ts'

const QUEUE = 'bench'

export const QLOG_STORE: Contender = {
  id: 'qlog-store',
  name: 'qlog, openStore',
  durability: 'flushed',
  settings: "log: { sync: 'always' }, the default",
  source: 'docs/api.md',
  kind: 'embedded',
  shape: 'queue',
  load: async () => ({
    version: 'this source',
    open: async (directory) => {
      const store = await openStore(directory)
      const queue = store.queue(QUEUE)
      const session = store.session()
      await session.watch(QUEUE)
      return {
        put: (body) => queue.put(body),
        putMany: (bodies) => queue.putMany(bodies),
        take: async (count) => {
          const deliveries = await session.reserve({ count, timeoutMs: 0 })
          // A view of its record, which is made for whoever asks: others come with theirs.
          for (const { body } of deliveries) needBody(body)
          if (deliveries.length > 0) await session.ack(deliveries)
          return deliveries.length
        },
        takers: TAKERS,
        close: () => store.close(),
      }
    },
  }),
}
