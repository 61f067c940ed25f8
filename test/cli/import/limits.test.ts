/** `qlog import` into a queue that takes no more, or whose group leases no more: of our own server, and of files. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { JobPutter } from '../../../src/cli/import/job-putter.ts'
import { openStore } from '../../../src/index.ts'
import { beanstalkd } from '../../../src/protocols/beanstalkd/beanstalkd.ts'
import type { ImportedJob } from '../../../src/protocols/beanstalkd/import/job.ts'
import { listen, openStoreThrough } from '../../../src/server/index.ts'
import { BURIED, file, put } from '../../protocols/beanstalkd/import/binlog-bytes.ts'
import { runInProcess } from '../in-process.ts'
import { freshDirectory, jsonLines } from '../support.ts'

test('a queue that is full keeps the rest of its tube there, and the other tubes go on', async () => {
  const path = join(freshDirectory(), 'socket')
  const source = await openStore(':memory:')
  onTestFinished(() => source.close())
  for (const name of ['a', 'z']) {
    const queue = source.queue(name)
    await queue.createGroup('default', { from: 'first' })
    await queue.putMany(Array.from({ length: 20 }, (_, row) => ({ body: `${name} ${row}` })))
  }
  const listener = await listen({ address: `unix:${path}`, protocol: beanstalkd(source) })
  onTestFinished(() => listener.close({ timeoutMs: 0 }))
  const data = join(freshDirectory(), 'data')
  const before = await openStore(data)
  await before.queue('a').configure({ messagesMax: 5 })
  await before.close()
  const words = ['import', data, '--from', `beanstalkd://unix:${path}`, '--json']
  const { exitCode, stdout, stderr } = await runInProcess(words)
  expect(exitCode, stderr).toBe(7)
  const tubes = jsonLines(stdout) as { readonly tube: string }[]
  expect(tubes.filter(({ tube }) => tube !== 'default')).toMatchObject([
    { tube: 'a', ready: 5, isFull: true, left: { ready: 15, reserved: 0 } },
    { tube: 'z', ready: 20, isFull: false, left: { ready: 0 } },
  ])
  expect(stderr).toContain('the queue a has room for 5 messages: what is left of this tube stays')
  expect(stderr).toContain('imported 25 jobs from 2 tubes; 15 jobs left there')
  const after = await openStore(data)
  onTestFinished(() => after.close())
  expect(after.queue('a').group().stats().ready).toBe(5)
  expect(source.queue('a').group().stats()).toMatchObject({ ready: 15, leased: 0 })
})

const HOUR_MS = 3_600_000

function buried(sourceId: number): ImportedJob {
  const options = { priority: 1, ttrMs: 1_000, delayMs: 0, isBuried: true }
  return { sourceId, key: `k:${sourceId}`, ...options, body: new Uint8Array(3) }
}

test('a job that could not be buried is told, and is buried when it comes again', async () => {
  const directory = freshDirectory()
  const store = await openStore(directory)
  onTestFinished(() => store.close())
  const group = store.queue('q').group()
  await store.queue('q').createGroup('default', { from: 'first', leasedMax: 1 })
  await store.queue('q').put('held')
  const worker = store.session()
  await worker.watch('q')
  const [held] = await worker.reserve()
  const access = await openStoreThrough(directory)
  onTestFinished(() => access.close())
  const jobs = [buried(1), buried(2)]
  expect(await new JobPutter(access, HOUR_MS).put('q', jobs)).toEqual(['not-buried', 'not-buried'])
  expect(group.stats()).toMatchObject({ delayed: 2, buried: 0 })
  await held?.ack()
  expect(await new JobPutter(access, HOUR_MS).put('q', jobs)).toEqual(['known', 'known'])
  expect(group.stats()).toMatchObject({ delayed: 0, buried: 2 })
  expect(await new JobPutter(access, HOUR_MS).put('q', jobs)).toEqual(['known', 'known'])
})

test('a job of a binlog that could not be buried is told to be ready in a day', async () => {
  const [data, binlog] = [freshDirectory(), freshDirectory()]
  const store = await openStore(data)
  onTestFinished(() => store.close())
  await store.queue('orders').createGroup('default', { from: 'first', leasedMax: 1 })
  await store.queue('orders').put('held')
  const worker = store.session()
  await worker.watch('orders')
  await worker.reserve()
  mkdirSync(binlog, { recursive: true })
  writeFileSync(join(binlog, 'binlog.1'), file(put(1, 'body', { state: BURIED })))
  const { exitCode, stderr } = await runInProcess(['import', data, '--from-binlog', binlog])
  expect(exitCode, stderr).toBe(7)
  expect(stderr).toContain('job 1 of orders could not be buried, and stays')
  expect(stderr).toContain('delayed by a day, and ready then: import again when some are free')
  expect(stderr).toContain('within a day of its put there')
  const [told] = await store.queue('orders').group().list({ state: 'delayed' })
  expect(told?.dueInMs).toBeLessThanOrEqual(86_400_000)
})
