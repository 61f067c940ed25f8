/**
 * Reading beside a writer whose segments retire: `qlog verify` in a loop never speaks of damage, and
 * readers that follow, also one that is too slow, never take a retired segment for a lost one.
 * QLOG_LIVE_SECONDS=60 and more for a longer loop.
 */
import { expect, test } from 'vitest'
import { openReader } from '../../src/index.ts'
import { lineOf, runQlog, startFixture } from './children.ts'
import { freshDirectory } from './support.ts'

const SECONDS = Number(process.env['QLOG_LIVE_SECONDS'] ?? 20)

test(`qlog verify and readers beside a living writer for ${SECONDS} s`, {
  timeout: SECONDS * 1_000 + 60_000,
}, async () => {
  const directory = freshDirectory()
  const writer = startFixture('discarding-writer.mjs', directory)
  expect(await lineOf(writer)).toBe('open')
  const abort = new AbortController()
  const followers = Promise.all([
    follow(directory, abort.signal, 0),
    follow(directory, abort.signal, 400),
  ]).catch((error: unknown) => [error])
  const codes = new Map<number | null, number>()
  const words: string[] = []
  const endMs = performance.now() + SECONDS * 1_000
  while (performance.now() < endMs) {
    const { code, stdout, stderr } = await runQlog('verify', directory)
    codes.set(code, (codes.get(code) ?? 0) + 1)
    if (code !== 0 && words.length < 3) words.push(stdout + stderr)
  }
  writer.child.stdin.end()
  const [, firstId = 0, nextId = 0] = (await lineOf(writer)).split(' ').map(Number)
  abort.abort()
  const seen = await followers
  console.info(
    `verify: ${[...codes].map(([code, count]) => `${count} times exit code ${code}`).join(', ')};`,
    `ids ${firstId} to ${nextId - 1} left; followers saw ${seen.join(' and ')} messages`,
  )
  expect(words).toEqual([])
  expect([...codes.keys()]).toEqual([0])
  expect(firstId).toBeGreaterThan(1)
  expect(seen.map((count) => typeof count === 'number' && count > 0)).toEqual([true, true])
})

/** Follows the log, pausing after each batch; resolves with the number of messages seen. */
async function follow(directory: string, signal: AbortSignal, pauseMs: number): Promise<number> {
  const reader = await openReader(directory)
  let count = 0
  let last = 0
  try {
    for await (const batch of reader.readBatches({ follow: true, signal })) {
      for (const { id, body } of batch) {
        if (id <= last) expect.unreachable(`message ${id} came after message ${last}`)
        const text = Buffer.from(body).toString()
        if (!text.startsWith(`${id}:`)) expect.unreachable(`message ${id} is ${text}`)
        last = id
        count++
      }
      if (pauseMs > 0) await new Promise<void>((resolve) => setTimeout(resolve, pauseMs))
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  await reader.close()
  return count
}
