/** qlog's log by itself: `openLog`, every append flushed before it resolves. Nothing is taken from a log. */
import { openLog } from '../../../src/index.ts'
import type { Contender } from '../contract.ts'

export const QLOG_LOG: Contender = {
  id: 'qlog-log',
  name: 'qlog, openLog',
  durability: 'flushed',
  settings: "sync: 'always', the default",
  source: 'docs/api.md',
  kind: 'embedded',
  shape: 'log',
  load: async () => ({
    version: 'this source',
    open: async (directory) => {
      const log = await openLog(directory)
      return {
        put: (body) => log.append(body),
        putMany: (bodies) => log.appendMany(bodies),
        close: () => log.close(),
      }
    },
  }),
}
