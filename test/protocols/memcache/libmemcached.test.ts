/** Debian's tools of libmemcached against this server: what they can say of a queue works. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStore, type Store } from '../../../src/index.ts'
import { memcache } from '../../../src/protocols/memcache/index.ts'
import { type Listener, listen } from '../../../src/server/index.ts'

const isInstalled = existsSync('/usr/bin/memccapable')
if (!isInstalled) console.log('SKIPPED: libmemcached-tools are not installed')

interface Outcome {
  readonly code: number
  readonly out: string
}

/** What memccapable asks of a cache and a queue can do as well. */
const CAPABLE = [
  ...['ascii version', 'ascii verbosity', 'ascii set', 'ascii set noreply', 'ascii get'],
  ...['ascii gets', 'ascii flush', 'ascii flush noreply', 'ascii delete', 'ascii delete noreply'],
  ...['ascii stat', 'binary noop', 'binary quit', 'binary quitq', 'binary flush', 'binary flushq'],
  ...['binary delete', 'binary deleteq', 'binary get', 'binary getq', 'binary getk'],
  ...['binary getkq', 'binary version', 'binary stat'],
]

describe.skipIf(!isInstalled)('libmemcached', () => {
  let store: Store
  let listener: Listener
  let folder: string
  let file: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'qlog-libmemcached-'))
    file = join(folder, 'jobs')
    writeFileSync(file, 'hello')
    store = await openStore(':memory:')
    listener = await listen({ address: '127.0.0.1:0', protocol: memcache(store) })
  })

  afterAll(async () => {
    await listener?.close({ timeoutMs: 1_000 })
    await store?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function run(program: string, ...more: string[]): Promise<Outcome> {
    return new Promise((resolve) => {
      const child = execFile(program, more, { timeout: 20_000 }, (_, stdout, stderr) => {
        resolve({ code: child.exitCode ?? -1, out: stdout + stderr })
      })
    })
  }

  function tool(program: string, ...more: string[]): Promise<Outcome> {
    return run(program, `--servers=${listener.address}`, ...more)
  }

  test.each([[[]], [['--binary']]])('puts, takes and deletes, %j', async (how) => {
    expect(await tool('memccp', ...how, file)).toEqual({ code: 0, out: '' })
    expect(await tool('memccat', ...how, 'jobs')).toEqual({ code: 0, out: 'hello\n' })
    expect((await tool('memccat', ...how, 'jobs')).code).not.toBe(0)
    expect((await tool('memccp', ...how, file)).code).toBe(0)
    expect((await tool('memcrm', ...how, 'jobs')).code).toBe(0)
    expect((await tool('memccat', ...how, 'jobs')).code).not.toBe(0)
    expect((await tool('memccp', ...how, file)).code).toBe(0)
    expect((await tool('memcflush', ...how)).code).toBe(0)
    expect((await tool('memccat', ...how, 'jobs')).code).not.toBe(0)
    expect((await tool('memcstat', ...how)).out).toContain('queue_jobs_total_items')
  })

  test.each([[[]], [['--binary']]])(
    'memcexist asks with an add, which puts nothing, %j',
    async (how) => {
      expect((await tool('memcexist', ...how, 'jobs')).code).not.toBe(0)
      expect((await tool('memccp', ...how, '--add', file)).code).not.toBe(0)
      expect(store.stats().messages).toBe(0)
    },
  )

  test('memcping is answered', async () => {
    expect((await tool('memcping')).code).toBe(0)
  })

  test.each(CAPABLE)('memccapable is content with %s', async (name) => {
    const [host = '', port = ''] = listener.address.split(':')
    const { code, out } = await run('memccapable', '-h', host, '-p', port, '-T', name)
    expect(out).toContain('[pass]')
    expect(code).toBe(0)
  })
})
