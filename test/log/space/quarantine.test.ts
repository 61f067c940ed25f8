/** Goal: what is set aside stays within its bound, and is never what was just set aside. Files without blocks. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { QUARANTINE, quarantine } from '../../../src/log/tidy.ts'
import { realSystem } from '../../../src/system/real/real-system.ts'

const MIB = 1024 * 1024

/** Of this size, and with nothing in it. */
function make(path: string, bytes: number): void {
  writeFileSync(path, '')
  truncateSync(path, bytes)
}

test('the lowest numbers leave quarantine beyond 128 MiB, but none that was just moved there', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'qlog-quarantine-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const room = join(directory, QUARANTINE)
  mkdirSync(room)
  for (const number of [2, 3, 4]) make(join(room, `${number}.qls`), 60 * MIB)
  make(join(directory, '1.qls'), 60 * MIB)
  await quarantine(realSystem(), directory, ['1.qls'])
  expect(readdirSync(room).sort()).toEqual(['1.qls', '4.qls'])
  make(join(directory, '0.qls'), 200 * MIB)
  await quarantine(realSystem(), directory, ['0.qls'])
  expect(readdirSync(room)).toEqual(['0.qls'])
})
