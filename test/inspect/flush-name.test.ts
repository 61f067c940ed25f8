/** A copy whose name could not be made durable has none: a power cut could take it away from whoever saw it. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { backupLog } from '../../src/inspect/backup.ts'
import { verify } from '../../src/inspect/index.ts'
import { salvageLog } from '../../src/inspect/salvage.ts'
import { realSystem } from '../../src/system/real/real-system.ts'
import { overlay } from '../overlay.ts'
import { smallLog, writeLog } from './small-log.ts'

test.each([
  { copy: backupLog, name: 'a backup' },
  { copy: salvageLog, name: 'what recover saves' },
])('$name: it stands beside its name, whole, and the error says where', async ({ copy }) => {
  const parent = mkdtempSync(join(tmpdir(), 'qlog-flush-name-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  const directory = join(parent, 'log')
  writeLog(directory, smallLog().files)
  const target = join(parent, 'copy')
  const real = realSystem()
  const flushDirectory = async (path: string): Promise<void> => {
    if (path === parent) throw Object.assign(new Error('EIO'), { code: 'EIO' })
    await real.files.flushDirectory(path)
  }
  const system = overlay(real, { files: overlay(real.files, { flushDirectory }) })
  await expect(copy(system, directory, target)).rejects.toMatchObject({
    code: 'QLOG_IO',
    message: `cannot make the name ${target} durable (EIO): remove ${target}.partial and try again`,
  })
  expect(existsSync(target)).toBe(false)
  expect((await verify(`${target}.partial`)).verdict).toBe('fine')
})
