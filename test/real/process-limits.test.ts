/**
 * Limits of the process that look like a full disk or a broken one (3, 13): no file above a size
 * (EFBIG, as a quota would), and no descriptor left (EMFILE). Nothing acknowledged is lost, nothing fails
 * for good.
 */
import { expect, test } from 'vitest'
import { openLog } from '../../src/index.ts'
import { verify } from '../../src/inspect/index.ts'
import { lineOf, type Running, start } from './children.ts'
import { mixedBodyOf } from './fixtures/bodies.mjs'
import { freshDirectory } from './support.ts'

const hasLimits = process.platform !== 'win32'
if (!hasLimits) console.warn('SKIPPED: limits of a process need ulimit')

/** Runs a fixture below a limit, as `ulimit` takes it. */
function startBelow(limit: string, fixture: string, ...args: string[]): Running {
  const program = `${import.meta.dirname}/fixtures/${fixture}`
  const command = `ulimit ${limit}; exec "$0" "$@"`
  return start('/bin/sh', ['-c', command, process.execPath, program, ...args])
}

async function expectThere(directory: string, acknowledged: Map<number, number>): Promise<void> {
  expect((await verify(directory)).verdict).not.toBe('rot')
  const log = await openLog(directory)
  for (const [id, number] of acknowledged) {
    const found = await log.get(id)
    expect(Buffer.from(found?.body ?? []).equals(mixedBodyOf(1, number)), `id ${id}`).toBe(true)
  }
  await log.append('without the limit')
  await log.close()
}

/** Hears lines until one satisfies; notes what was acknowledged. */
async function hear(
  writer: Running,
  acknowledged: Map<number, number>,
  isIt: (line: string) => boolean,
): Promise<string[]> {
  const others: string[] = []
  for (;;) {
    const line = await lineOf(writer)
    const [word, id, number] = line.split(' ')
    if (word === 'ack') acknowledged.set(Number(id), Number(number))
    else others.push(line)
    if (isIt(line)) return others
    if (line === 'it ended without a word') expect.unreachable(others.join('; '))
  }
}

test.skipIf(!hasLimits)(
  'where no file may grow beyond a size, smaller segments are made, and smaller reserves',
  async () => {
    const directory = freshDirectory()
    const acknowledged = new Map<number, number>()
    // 600 blocks of 512 bytes: less than segments grow to, more than the least.
    const writer = startBelow('-f 600', 'filling-writer.mjs', directory, '1')
    const others = await hear(writer, acknowledged, () => acknowledged.size >= 1_500)
    expect(others.filter((line) => line.startsWith('error'))).toEqual([])
    writer.child.stdin.write('close\n')
    await hear(writer, acknowledged, (line) => line === 'closed')
    await expectThere(directory, acknowledged)
  },
)

test.skipIf(!hasLimits)(
  'where no segment may be made at all, appends are refused and the log stays open',
  async () => {
    const directory = freshDirectory()
    const acknowledged = new Map<number, number>()
    const writer = startBelow('-f 100', 'filling-writer.mjs', directory, '1')
    let refusals = 0
    const others = await hear(writer, acknowledged, (line) => line === 'full' && ++refusals > 20)
    expect(others.filter((line) => line.startsWith('error'))).toEqual([])
    expect(acknowledged.size).toBe(0)
    writer.child.stdin.write('close\n')
    await hear(writer, acknowledged, (line) => line === 'closed')
    await expectThere(directory, acknowledged)
  },
)

test.skipIf(!hasLimits)('a process out of descriptors goes on appending', async () => {
  const directory = freshDirectory()
  const acknowledged = new Map<number, number>()
  // Loading the package opens its files all at once, and needs some hundred.
  const writer = startBelow('-n 1024', 'starved-writer.mjs', directory)
  const others = await hear(writer, acknowledged, (line) => line === 'closed')
  expect(others).toEqual([expect.stringMatching(/^hoarded \d+ EMFILE$/), 'open', 'closed'])
  expect(acknowledged.size).toBe(400)
  await expectThere(directory, acknowledged)
})
