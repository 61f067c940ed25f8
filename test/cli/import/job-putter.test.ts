/** Jobs of a beanstalkd on their way into a store that takes no large messages. */
import { expect, onTestFinished, test } from 'vitest'
import { JobPutter } from '../../../src/cli/import/job-putter.ts'
import { openStore } from '../../../src/index.ts'
import type { ImportedJob } from '../../../src/protocols/beanstalkd/import/job.ts'
import { openStoreThrough } from '../../../src/server/index.ts'
import { freshDirectory } from '../support.ts'

function job(sourceId: number, bytes: number, isBuried: boolean): ImportedJob {
  const options = { key: undefined, priority: 1, ttrMs: 1_000, delayMs: 0, isBuried }
  return { sourceId, ...options, body: new Uint8Array(bytes) }
}

test('one that is too large holds up none of its batch, and none is put twice', async () => {
  const directory = freshDirectory()
  const store = await openStore(directory, { log: { messageBytesMax: 4_096 } })
  onTestFinished(() => store.close())
  const access = await openStoreThrough(directory)
  onTestFinished(() => access.close())
  expect(access.owner).toBeDefined()
  const jobs = Array.from({ length: 9 }, (_, row) => {
    return job(row + 1, row === 1 || row === 6 ? 10_000 : 10, row > 4)
  })
  const outcomes = await new JobPutter(access).put('q', jobs)
  expect(outcomes.flatMap((outcome, row) => (outcome === 'too-large' ? [row] : []))).toEqual([1, 6])
  expect(outcomes.filter((outcome) => outcome === 'put')).toHaveLength(7)
  const { ready, buried, delayed } = store.queue('q').group().stats()
  expect([ready, buried, delayed]).toEqual([4, 3, 0])
})
