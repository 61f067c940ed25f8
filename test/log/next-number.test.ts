/** A file that somebody gave the last of all numbers: nothing comes behind it, and whoever opens is told. */

import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { segmentFileName } from '../../src/format/layout.ts'
import { openLog } from '../../src/index.ts'
import { backup } from '../../src/inspect/index.ts'
import { freshDirectory } from '../cli/support.ts'

test('a log with it is not opened, and not copied', async () => {
  const directory = freshDirectory()
  const log = await openLog(directory)
  await log.append('a')
  await log.close()
  const [file = ''] = readdirSync(directory).filter((name) => name.endsWith('.qls'))
  copyFileSync(join(directory, file), join(directory, segmentFileName(2 ** 53 - 1, 0)))
  const refusal = { code: 'QLOG_NOT_A_LOG', message: /number 9007199254740991/ }
  const expected = { ...refusal, message: expect.stringMatching(refusal.message) }
  await expect(openLog(directory)).rejects.toMatchObject(expected)
  await expect(backup(directory, join(directory, 'copy'))).rejects.toMatchObject(expected)
  await expect(openLog(directory)).rejects.toMatchObject(expected)
})
