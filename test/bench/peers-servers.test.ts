/** The servers of `bench/peers`: each keeps what it was given and gives each message once, also reopened. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Contender, type Loaded, Missing, type Opened } from '../../bench/peers/contract.ts'
import { requirePeer } from '../../bench/peers/packages.ts'
import { CONTENDERS } from '../../bench/peers/registry.ts'
import { needProgram, somePort, startServer } from '../../bench/peers/servers.ts'
import { TAKERS } from '../../bench/peers/takers.ts'

const TEST_MS = 120_000

for (const contender of CONTENDERS.filter(({ kind }) => kind === 'server')) {
  test(
    `${contender.id} keeps what was put and gives each message once, also reopened`,
    async (context) => {
      const loaded = await loadOrSkip(contender, context.skip)
      await inDirectory(async (directory) => {
        const first = await loaded.open(directory)
        const pid = first.serverPid ?? 0
        try {
          await first.put(body(1_000))
          await first.putMany(Array.from({ length: 250 }, () => body(100)))
          // Many under way at once, each with a promise of its own.
          await Promise.all(Array.from({ length: 1_000 }, () => first.put(body(10))))
          expect(first.takers).toBe(TAKERS)
          expect(await takeOf(first, 300)).toBe(300)
          expect(() => process.kill(pid, 0)).not.toThrow()
        } finally {
          await first.close()
        }
        expect(() => process.kill(pid, 0)).toThrow()
        const second = await loaded.open(directory)
        try {
          expect(await takeOf(second, 1)).toBe(1)
          await second.put(body(64 * 1024))
          const puts = Array.from({ length: 500 }, () => second.put(body(10)))
          const [some, others] = await Promise.all([takeAll(second), takeAll(second), ...puts])
          // What came behind the last look of all of them.
          expect(Number(some) + Number(others) + (await takeAll(second))).toBe(1_451)
          expect(await takeOf(second, 10)).toBe(0)
          await second.put(body(0))
          expect(await takeOf(second, 10)).toBe(1)
        } finally {
          await second.close()
        }
      })
    },
    TEST_MS,
  )
}

test('what is missing is said in words, with the way to get it', async () => {
  expect(() => needProgram('no-such-server', 'some-package')).toThrow(Missing)
  expect(() => needProgram('no-such-server', 'some-package')).toThrow(
    'apt-get install some-package',
  )
  await expect(requirePeer('no-such-package')).rejects.toThrow(Missing)
})

test('a server that ends at its start is told with what it wrote', async () => {
  const port = await somePort()
  const args = ['-e', 'console.error("the disk is gone"); process.exit(3)']
  const started = startServer({ program: process.execPath, args, port, directory: tmpdir() })
  await expect(started).rejects.toThrow(/ended: exit code 3: the disk is gone/)
})

async function loadOrSkip(contender: Contender, skip: (note: string) => never): Promise<Loaded> {
  try {
    return await contender.load()
  } catch (error) {
    if (!(error instanceof Missing)) throw error
    console.warn(`${contender.id} is left out: ${error.message}`)
    return skip(error.message)
  }
}

async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const parent = mkdtempSync(join(tmpdir(), 'qlog-peers-'))
  try {
    // Not there yet: it is made where it is opened.
    await use(join(parent, 'data'))
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}

/** Every byte value, so that no way there may take it for text. */
function body(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => i % 256)
}

function takeOf(opened: Opened, count: number): Promise<number> {
  if (opened.take === undefined) throw new Error('a server that gives nothing')
  return opened.take(count)
}

/** Side by side, as benchmarks do. */
async function takeAll(opened: Opened): Promise<number> {
  const takers = Array.from({ length: TAKERS }, async () => {
    let taken = 0
    for (;;) {
      const some = await takeOf(opened, 100)
      if (some === 0) return taken
      taken += some
    }
  })
  return (await Promise.all(takers)).reduce((sum, taken) => sum + taken, 0)
}
