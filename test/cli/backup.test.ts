/** `qlog backup` and `qlog restore`, beside a service and alone. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { openStore } from '../../src/index.ts'
import { segments } from '../../src/inspect/index.ts'
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

it('a backup that does not open as it is says so, and how it does', async () => {
  const place = freshDirectory()
  const [data, copy] = [join(place, 'data'), join(place, 'copy')]
  const store = await openStore(data, {
    log: { segmentBytesMin: 16_384, segmentBytesMax: 16_384 },
  })
  for (let row = 0; row < 12; row += 1) await store.queue('orders').put('x'.repeat(3_000))
  await store.close()
  for (const name of ['index.a', 'index.b']) rmSync(join(data, name), { force: true })
  const file = (await segments(data)).at(-2)?.file ?? ''
  // The first block is a LINK.
  const descriptor = openSync(join(data, file), 'r+')
  writeSync(descriptor, new Uint8Array(40).fill(0x5a), 0, 40, 4_096 + 4)
  closeSync(descriptor)
  const made = await runInProcess(['backup', data, '--out', copy])
  expect(made.exitCode).toBe(3)
  expect(made.stderr).toContain(`The copy does not open as it is`)
  expect(made.stderr).toContain(`(${file}: damaged at byte 4096)`)
  expect(made.stderr).toContain('onDamage: "quarantine"')
  const again = await runInProcess(['backup', data, '--out', `${copy}-2`, '--json'])
  expect(again.exitCode).toBe(3)
  const stateDamage = `${file}: damaged at byte 4096`
  expect(jsonLines(again.stdout)).toMatchObject([{ kind: 'backup', stateDamage }])
})

it('backup needs --out, and something to copy', async () => {
  const place = freshDirectory()
  expect((await runInProcess(['backup', place])).exitCode).toBe(2)
  const nothing = await runInProcess(['backup', place, '--out', join(place, 'copy')])
  expect(nothing.stderr).toContain('QLOG_NOT_A_LOG')
  expect(nothing.exitCode).toBe(6)
})
