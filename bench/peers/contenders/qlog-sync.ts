/** qlog's log called synchronously, as SQLite is: `appendSync` holds up the event loop until its flush. */
import { openLog } from '../../../src/index.ts'
import type { Contender } from '../contract.ts'

export const QLOG_SYNC: Contender = {
  id: 'qlog-sync',
  name: 'qlog, appendSync',
  durability: 'flushed',
  settings: "sync: 'always', the default",
  notes: 'A put is a synchronous call that ends with its flush.',
  source: 'docs/api.md',
  kind: 'embedded',
  shape: 'log',
  inFlightMax: 1,
  load: async () => ({
    version: 'this source',
    open: async (directory) => {
      const log = await openLog(directory)
      return {
        put: async (body) => {
          log.appendSync(body)
        },
        putMany: async (bodies) => {
          for (const body of bodies) log.appendSync(body)
        },
        close: () => log.close(),
      }
    },
  }),
}
