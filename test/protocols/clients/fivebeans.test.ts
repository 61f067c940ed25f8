/**
 * fivebeans, a client of other people: its own tests as they come in the package. They want
 * 127.0.0.1:11300 and are skipped, aloud, where something else listens there.
 */

import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { areInstalled, packagePath, startBeanstalkd } from './support.ts'

const PORT = 11_300
/** Its own tests wait for whole seconds. */
const TEST_MS = 120_000
/** Expects an error's number to be a name, which Node gave up in version 13: no server is asked. */
const NOT_OF_THE_SERVER = 'emits the error event on failure'

describe.skipIf(!areInstalled('fivebeans', 'mocha', 'must'))('fivebeans', () => {
  test(
    'passes its own tests',
    async ({ skip }) => {
      if (!(await isFree(PORT))) {
        console.log(`SKIPPED: port ${PORT}, which the tests of fivebeans want, is taken`)
        skip()
      }
      const started = await startBeanstalkd(PORT)
      try {
        const { stats, failures } = await ownTests()
        expect(failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.message}`)).toEqual([])
        expect(stats).toMatchObject({ passes: 53, failures: 0 })
      } finally {
        await started.stop()
      }
    },
    TEST_MS,
  )
})

interface Report {
  readonly stats: { readonly passes: number; readonly failures: number }
  readonly failures: readonly {
    readonly fullTitle: string
    readonly err: { readonly message: string }
  }[]
}

async function ownTests(): Promise<Report> {
  const program = join(packagePath('mocha'), 'bin/_mocha')
  const flags = ['-t', '8000', '-R', 'json', '--grep', NOT_OF_THE_SERVER, '--invert', 'test/']
  const child = spawn(process.execPath, [program, ...flags], {
    cwd: packagePath('fivebeans'),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const limit = setTimeout(() => child.kill('SIGKILL'), TEST_MS - 10_000)
  const output = await text(child.stdout)
  clearTimeout(limit)
  // A line of one of its tests may stand before the report.
  const begin = output.indexOf('{\n  "stats"')
  if (begin === -1) throw new Error(`no report: ${output.slice(0, 500)}`)
  return JSON.parse(output.slice(begin)) as Report
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return await new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
