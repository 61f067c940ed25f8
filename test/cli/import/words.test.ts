/** What `qlog import` and other commands say when they cannot begin. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runInProcess } from '../in-process.ts'
import { freshDirectory } from '../support.ts'

test('a directory of files that is missing is told with the words of the system', async () => {
  const root = freshDirectory()
  mkdirSync(root, { recursive: true })
  const words = ['import', join(root, 'data'), '--from-binlog', join(root, 'missing')]
  const { exitCode, stderr } = await runInProcess(words)
  expect(exitCode).toBe(1)
  expect(stderr).toContain('missing cannot be read: ENOENT: no such file or directory (QLOG_IO)')
})

test('an import that is interrupted before it has met its source says so', async () => {
  const abort = new AbortController()
  abort.abort()
  const words = ['import', join(freshDirectory(), 'data'), '--from', 'beanstalkd://127.0.0.1:1']
  const { exitCode, stderr } = await runInProcess(words, { abort })
  expect([exitCode, stderr]).toEqual([130, 'interrupted before anything was imported\n'])
})

test('its help says when a job is deleted in the old server before it is on the disk', async () => {
  const { stdout } = await runInProcess(['import', '--help'])
  const words = stdout.toString().replace(/\s+/g, ' ')
  expect(words).toContain('started with -f, -F or --sync other than always, it is only written')
})
