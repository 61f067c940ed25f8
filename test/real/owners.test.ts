/**
 * One owner at a time, by `openLog` itself, also for two processes that share neither pids nor a
 * network, as in two containers on one volume.
 */
import { spawnSync } from 'node:child_process'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { openReader } from '../../src/index.ts'
import { kill, lineOf, type Running, root, start } from './children.ts'
import { freshDirectory } from './support.ts'

const NAMESPACES = ['--pid', '--net', '--mount-proc', '--fork', '--kill-child']
const canUnshare =
  process.platform === 'linux' && spawnSync('unshare', [...NAMESPACES, 'true']).status === 0
if (!canUnshare) console.warn('SKIPPED: two namespaces need Linux, unshare(1) and root')

const fixture = path.join(root, 'test/real/fixtures/owner.mjs')
const TAKEOVER_MS_MAX = 1_000

async function ready(directory: string, inNamespaces: boolean): Promise<Running> {
  const command = [process.execPath, fixture, directory]
  const [program = '', ...args] = inNamespaces ? ['unshare', ...NAMESPACES, ...command] : command
  const owner = start(program, args)
  expect(await lineOf(owner)).toBe('ready')
  return owner
}

async function opened(owner: Running): Promise<string> {
  owner.child.stdin.write('go\n')
  return lineOf(owner)
}

describe.each([
  ['of one machine', false],
  ['in two pid and network namespaces', true],
])('two processes %s', (_where, inNamespaces) => {
  test.skipIf(inNamespaces && !canUnshare)(
    'the second is refused, and opens within a second of the first one being killed',
    // A machine that is busy with other things may take its second elsewhere: that proves nothing.
    { retry: 2 },
    async () => {
      const directory = freshDirectory()
      const first = await ready(directory, inNamespaces)
      const second = await ready(directory, inNamespaces)
      const third = await ready(directory, inNamespaces)
      expect(await opened(first)).toMatch(/^open 1 1 /)
      expect(await lineOf(first)).toBe('appended')
      expect(await opened(second)).toMatch(/^QLOG_LOCKED /)
      const killedMs = performance.now()
      await kill(first.child)
      expect(await opened(third)).toMatch(/^open 1 2 /)
      expect(performance.now() - killedMs).toBeLessThan(TAKEOVER_MS_MAX)
      expect(await lineOf(third)).toBe('appended')
      third.child.stdin.write('end\n')
      expect(await lineOf(third)).toBe('closed')
      const reader = await openReader(directory)
      expect(reader.nextId).toBe(3)
      await reader.close()
    },
  )
})
