/** Loads clients of other people from this folder, and starts what they talk to. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ServerKind, ServerProcess } from '../../../tools/beanstalkd/server-process.ts'

/** QLOG_CLIENTS_PEER=beanstalkd runs the same tests against Debian's beanstalkd. */
export const PEER: ServerKind =
  process.env['QLOG_CLIENTS_PEER'] === 'beanstalkd' ? 'beanstalkd' : 'qlog'

const fromHere = createRequire(import.meta.url)

/** Whether all of these packages are installed; says so aloud where one is not. */
export function areInstalled(...names: readonly string[]): boolean {
  const missing = names.filter((name) => !existsSync(packagePath(name)))
  if (missing.length > 0) {
    console.log(
      `SKIPPED: ${missing.join(', ')} not installed: run \`node tools/install-clients.mjs\``,
    )
  }
  return missing.length === 0
}

export function packagePath(name: string): string {
  return join(import.meta.dirname, 'node_modules', name)
}

/** What a CommonJS package exports. */
export function load(name: string): unknown {
  return fromHere(name)
}

export interface Started {
  readonly server: ServerProcess
  stop(): Promise<void>
}

/** A fresh server that speaks beanstalkd's protocol. */
export async function startBeanstalkd(port?: number): Promise<Started> {
  const directory = mkdtempSync(join(tmpdir(), 'qlog-clients-'))
  const place = PEER === 'qlog' ? { directory } : {}
  const where = port === undefined ? {} : { port }
  const server = await ServerProcess.start({ kind: PEER, ...place, ...where })
  return {
    server,
    stop: async () => {
      await server.kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
