/** qlog's server, over beanstalkd's protocol: what `qlog serve` is by itself, every answer behind its flush. */
import { existsSync, mkdirSync } from 'node:fs'
import { commandOf, QLOG_COMMAND } from '../../../tools/beanstalkd/server-process.ts'
import { openBeanstalkdClient, RAW_SOCKET } from '../beanstalkd-client.ts'
import { type Contender, Missing, type Opened } from '../contract.ts'
import { openOn, somePort, startServer } from '../servers.ts'

/** As beanstalkd's here, so that a body of 64 KiB goes through. */
const JOB_BYTES_MAX = 1024 * 1024

export const QLOG_SERVE: Contender = {
  id: 'qlog-serve',
  name: 'qlog serve',
  durability: 'flushed',
  settings: `--beanstalkd -b DIR -z ${JOB_BYTES_MAX}`,
  notes: RAW_SOCKET,
  source: 'docs/beanstalkd.md',
  kind: 'server',
  shape: 'queue',
  load: async () => {
    if (!existsSync(QLOG_COMMAND)) throw new Missing('dist/ is missing: run `npm run build` first')
    return { version: 'this source', open: openServe }
  },
}

async function openServe(directory: string): Promise<Opened> {
  mkdirSync(directory, { recursive: true })
  const port = await somePort()
  const flags = ['-z', String(JOB_BYTES_MAX)]
  const [program = '', ...args] = commandOf({ kind: 'qlog', directory, flags }, port)
  return openOn(await startServer({ program, args, port, directory }), openBeanstalkdClient)
}
