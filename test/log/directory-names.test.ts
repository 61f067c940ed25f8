/**
 * Goal: a flush of the directory that tells that all is well has made every name durable that was made before it.
 * Method: flushes whose outcomes come when the test says so.
 */
import { expect, test } from 'vitest'
import { DirectoryNames } from '../../src/log/directory-names.ts'
import type { FileSystem, System } from '../../src/system/system.ts'

interface Begun {
  readonly succeed: () => void
  readonly fail: (error: Error) => void
}

function namesOf(begun: Begun[]): DirectoryNames {
  const flushDirectory = () =>
    new Promise<void>((succeed, fail) => {
      begun.push({ succeed, fail })
    })
  const files = { flushDirectory } as Partial<FileSystem> as FileSystem
  return new DirectoryNames({ files } as Partial<System> as System, '/log')
}

const EIO = Object.assign(new Error('EIO'), { code: 'EIO', syscall: 'fsync' })

test('a flush does not begin before another has told, and fails with it', async () => {
  const begun: Begun[] = []
  const names = namesOf(begun)
  const first = names.flush()
  const second = names.flush()
  await new Promise(setImmediate)
  // The first may have failed by now, and have lost what was named for the second.
  expect(begun).toHaveLength(1)
  begun[0]?.fail(EIO)
  await expect(first).rejects.toMatchObject({ code: 'QLOG_IO' })
  await expect(second).rejects.toMatchObject({ code: 'QLOG_IO' })
  expect(begun).toHaveLength(1)
})

test('a flush follows one that went well', async () => {
  const begun: Begun[] = []
  const names = namesOf(begun)
  const both = [names.flush(), names.flush()]
  await new Promise(setImmediate)
  begun[0]?.succeed()
  await new Promise(setImmediate)
  begun[1]?.succeed()
  await Promise.all(both)
  expect(begun).toHaveLength(2)
})

test('a directory that could not be opened has lost nothing', async () => {
  const begun: Begun[] = []
  const names = namesOf(begun)
  const first = names.flush()
  const second = names.flush()
  begun[0]?.fail(Object.assign(new Error('EMFILE'), { code: 'EMFILE', syscall: 'open' }))
  await expect(first).rejects.toThrow('EMFILE')
  await new Promise(setImmediate)
  begun[1]?.succeed()
  await second
})
