/** `qlog backup` and `qlog restore`, beside a service and alone. */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { flipBit, MIDDLE, smallLog, writeLog } from '../inspect/small-log.ts'
import { runInProcess } from './in-process.ts'
import { freshDirectory, jsonLines } from './support.ts'

const SERVICE = fileURLToPath(new URL('./fixtures/service.mjs', import.meta.url))

it('a backup beside a service that works is restored, and the store goes on from there', async () => {
  const place = freshDirectory()
  const [data, copy, back] = ['data', 'copy', 'back'].map((name) => join(place, name))
  if (!data || !copy || !back) throw new Error('three names')
  await runInProcess(['put', data, 'orders', 'kept', '--priority', '3', '-q'])
  const child = spawn(process.execPath, [SERVICE, data], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()
  const made = await runInProcess(['backup', data, '--out', copy])
  expect(made.exitCode, made.stderr).toBe(0)
  expect(made.stdout.toString()).toMatch(
    /verified, while a writer went on\.\nIt holds what was durable below id \d+\.\n$/,
  )
  child.stdin.end()
  await new Promise((resolve) => child.once('close', resolve))
  const restored = await runInProcess(['restore', copy, '--out', back, '--json'])
  expect(restored.exitCode, restored.stderr).toBe(0)
  expect(jsonLines(restored.stdout)).toMatchObject([{ v: 1, kind: 'backup', live: false }])
  const taken = await runInProcess(['take', back, 'orders', '--ack', '--json'])
  expect(jsonLines(taken.stdout)).toMatchObject([{ body: 'kept', priority: 3 }])
  // The backup is as it was: it can be restored again.
  const again = await runInProcess(['restore', copy, '--out', `${back}-2`])
  expect(again.exitCode, again.stderr).toBe(0)
})

it('a damaged backup is not restored', async () => {
  const place = freshDirectory()
  const { files, dataOffsets } = smallLog()
  const at = (dataOffsets.get(MIDDLE)?.[0] ?? 0) + 100
  flipBit(files, MIDDLE, at, 1)
  writeLog(join(place, 'copy'), files)
  const restored = await runInProcess([
    'restore',
    join(place, 'copy'),
    '--out',
    join(place, 'back'),
  ])
  expect(restored.exitCode).toBe(3)
  expect(restored.stderr).toContain('qlog recover')
  expect(readdirSync(place)).toEqual(['copy'])
})

it('backup needs --out, and something to copy', async () => {
  const place = freshDirectory()
  expect((await runInProcess(['backup', place])).exitCode).toBe(2)
  const nothing = await runInProcess(['backup', place, '--out', join(place, 'copy')])
  expect(nothing.stderr).toContain('QLOG_NOT_A_LOG')
  expect(nothing.exitCode).toBe(6)
})
