/** The witness of the lab: it has to notice what a server loses, changes or brings back. */

import { expect, onTestFinished, test } from 'vitest'
import { seededRandom } from '../../src/cli/prove-random.ts'
import {
  beanstalkdVersion,
  freePort,
  ServerProcess,
} from '../../tools/beanstalkd/server-process.ts'
import { Wire } from '../../tools/beanstalkd/wire.ts'
import { Witness } from '../../tools/lab/witness.ts'

const isThere = beanstalkdVersion() !== undefined
if (!isThere) console.log('SKIPPED: beanstalkd is not installed; the witness is not tried')

async function witnessOf(port: number): Promise<Witness> {
  const witness = new Witness(port, seededRandom(1))
  await witness.work(() => true)
  await witness.check()
  return witness
}

async function startForgetful(port: number): Promise<ServerProcess> {
  const server = await ServerProcess.start({ kind: 'beanstalkd', port })
  onTestFinished(() => server.kill())
  return server
}

test.skipIf(!isThere)('a server that forgets at a kill is found out', async () => {
  const port = await freePort()
  const server = await startForgetful(port)
  const witness = await witnessOf(port)
  await server.kill()
  await startForgetful(port)
  await expect(witness.check()).rejects.toThrow(/job \d+ was acknowledged and is answered with NOT/)
})

test.skipIf(!isThere)('a job that somebody else takes away is found out', async () => {
  const port = await freePort()
  await startForgetful(port)
  const witness = await witnessOf(port)
  const wire = await Wire.connect(port)
  await wire.ask('delete 1\r\n')
  wire.destroy()
  await expect(witness.check()).rejects.toThrow('job 1 was acknowledged')
})
