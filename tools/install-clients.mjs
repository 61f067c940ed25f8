/**
 * Installs the clients of other people that test/protocols/clients runs against our servers, at the
 * versions of the lock file there and into that folder, so that the project itself never depends on
 * them: `node tools/install-clients.mjs`. Does nothing where they are there already.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { npmCommand, root, run, runMain, say } from './bootstrap.mjs'

const folder = join(root, 'test/protocols/clients')
const stamp = join(folder, 'node_modules/.qlog-installed')

async function main() {
  const wanted = readFileSync(join(folder, 'package-lock.json'), 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return 0
  say('installing clients for the tests of servers (npm ci) ...')
  const { command, leading } = npmCommand()
  const options = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder]
  const code = await run(command, [...leading, ...options])
  if (code === 0) writeFileSync(stamp, wanted)
  return code
}

await runMain(main)
