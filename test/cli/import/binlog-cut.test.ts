/** `qlog import --from-binlog` of files that were cut: at the end of the log, and in the middle of it. */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runInProcess } from '../in-process.ts'
import { freshDirectory, jsonLines } from '../support.ts'

const FILE_BYTES = 4_096
const JOB_BYTES = 80
const RECORD_BYTES = 4 + 'orders'.length + JOB_BYTES + 100 + 2
const A_FILE = 20

function put(id: number): Buffer {
  const head = Buffer.alloc(4)
  head.writeInt32LE('orders'.length)
  const job = Buffer.alloc(JOB_BYTES)
  job.writeUInt32LE(id, 0)
  job.writeBigInt64LE(60_000_000_000n, 24)
  job.writeInt32LE(102, 32)
  job.writeBigInt64LE(1_795_682_559_000_000_000n + BigInt(id), 40)
  job[76] = 1
  return Buffer.concat([head, Buffer.from('orders'), job, Buffer.from(`${'x'.repeat(100)}\r\n`)])
}

function file(ids: readonly number[], bytes?: number): Buffer {
  const all = Buffer.concat([Buffer.from([7, 0, 0, 0]), ...ids.map(put)])
  return bytes === undefined ? all : Buffer.concat([all, Buffer.alloc(bytes - all.length)])
}

/** As beanstalkd leaves them: two that were closed, the one it wrote to, and one made in advance. */
function binlog(skipped = 0): string {
  const directory = freshDirectory()
  mkdirSync(directory, { recursive: true })
  const ids = (from: number) => Array.from({ length: A_FILE }, (_, row) => from + row)
  writeFileSync(join(directory, 'binlog.1'), file(ids(1)))
  writeFileSync(join(directory, 'binlog.2'), file(ids(A_FILE + 1)))
  const third = ids(2 * A_FILE + 1 + skipped).slice(0, 5)
  writeFileSync(join(directory, 'binlog.3'), file(third, FILE_BYTES))
  writeFileSync(join(directory, 'binlog.4'), file([], FILE_BYTES))
  return directory
}

async function imported(directory: string) {
  const data = join(freshDirectory(), 'data')
  const words = ['import', data, '--from-binlog', directory, '--json']
  const { exitCode, stdout, stderr } = await runInProcess(words)
  const lines = jsonLines(stdout) as { readonly kind: string }[]
  return { exitCode, stderr, faults: lines.filter(({ kind }) => kind === 'fault') }
}

test('a whole one has nothing to be told', async () => {
  const { exitCode, stderr, faults } = await imported(binlog())
  expect([exitCode, faults], stderr).toEqual([0, []])
  expect(stderr).toBe('imported 45 jobs from 1 tube\n')
})

test.each([
  ['between two records', 4 + 7 * RECORD_BYTES, 27],
  ['behind its header', 4, 20],
])(
  'a file in the middle that was cut %s is rot, with the ids that are gone',
  async (_, bytes, last) => {
    const directory = binlog()
    truncateSync(join(directory, 'binlog.2'), bytes)
    const { exitCode, stderr, faults } = await imported(directory)
    expect(exitCode, stderr).toBe(3)
    const ids = { firstId: last + 1, endId: 41, ids: 40 - last }
    expect(faults).toMatchObject([{ level: 'rot', file: 'binlog.2', ...ids }])
    expect(stderr).toContain(`${40 - last} ids of ${last + 1} to 40`)
  },
)

test.each([
  ['in the middle of a record', 4 + 7 * RECORD_BYTES + 50],
  ['to nothing', 0],
])('a file in the middle that was cut %s is rot', async (_, bytes) => {
  const directory = binlog()
  truncateSync(join(directory, 'binlog.2'), bytes)
  const { exitCode, stderr, faults } = await imported(directory)
  expect(exitCode, stderr).toBe(3)
  expect(faults).toMatchObject([{ level: 'rot', file: 'binlog.2' }, { level: 'note' }])
  expect(stderr).toContain('and binlog.3 was written after it')
})

test('the last file with records is torn, whatever was made in advance behind it', async () => {
  const directory = binlog()
  truncateSync(join(directory, 'binlog.3'), 4 + 3 * RECORD_BYTES + 50)
  const { exitCode, stderr, faults } = await imported(directory)
  expect(exitCode, stderr).toBe(4)
  expect(faults).toMatchObject([{ level: 'torn', file: 'binlog.3' }])
})

test('ids that were given to no job are told, and nothing else is made of them', async () => {
  const { exitCode, stderr, faults } = await imported(binlog(3))
  expect(exitCode, stderr).toBe(0)
  expect(faults).toMatchObject([{ level: 'note', file: 'binlog.2', firstId: 41, endId: 44 }])
})

test('jobs are known by their keys for a week, since files offer them again each time', async () => {
  const data = join(freshDirectory(), 'data')
  await runInProcess(['import', data, '--from-binlog', binlog()])
  const { stdout } = await runInProcess(['export', data])
  const lines = jsonLines(stdout) as { readonly kind: string; readonly put: object }[]
  const messages = lines.filter(({ kind }) => kind === 'message')
  expect(messages).toHaveLength(45)
  for (const { put: asked } of messages) expect(asked).toMatchObject({ keyWindowMs: 604_800_000 })
})
