/** Merging gives space back and changes nothing of what is live. */
import { expect, test } from 'vitest'
import { verifyLog } from '../../../src/inspect/verify.ts'
import { openPublicLog } from '../../../src/log/open.ts'
import { openPublicReader } from '../../../src/log/open-reader.ts'
import type { Log, LogReader, Message } from '../../../src/log/types.ts'
import { body, LOG, SMALL, simulate } from './support.ts'

async function all(log: LogReader): Promise<Message[]> {
  const messages: Message[] = []
  for await (const message of log.read()) messages.push(message)
  return messages
}

function textOf({ body: bytes }: Message): string {
  return new TextDecoder().decode(bytes)
}

/** Appends `count` messages, one a group, and discards all but every `keep`-th. */
async function fill(log: Log, count: number, keep: number): Promise<number[]> {
  for (let i = 0; i < count; i++) await log.append(body(log.nextId, 1_000))
  const live: number[] = []
  for (let id = 1; id < log.nextId; id++) {
    if (id % keep === 0) live.push(id)
    else log.discard(id, id + 1)
  }
  return live
}

test('what is live keeps its ids, times and bytes, in fewer files, also after reopening (1)', async () => {
  await simulate(11, async (system) => {
    const log = await openPublicLog(system, LOG, SMALL)
    const live = await fill(log, 200, 10)
    const before = (await all(log)).filter(({ id }) => live.includes(id))
    const segments = log.stats().segments.length
    await log.compact()
    const { merging } = log.stats()
    expect(merging.merges).toBeGreaterThan(0)
    expect(merging.failure).toBeUndefined()
    expect(log.stats().segments.length).toBeLessThan(segments / 3)
    const after = await all(log)
    expect(after.filter(({ id }) => id < 190)).toEqual(before.filter(({ id }) => id < 190))
    expect(await log.get(10)).toEqual(before[0])
    expect(await log.get(11)).toBeUndefined()
    await log.close()

    expect((await verifyLog(system, LOG)).findings).toEqual([])
    const again = await openPublicLog(system, LOG, SMALL)
    expect((await all(again)).map(({ id }) => id)).toEqual(after.map(({ id }) => id))
    expect(again.stats().gaps).toEqual([])
    expect(await again.get(11)).toBeUndefined()
    expect(textOf((await again.get(20)) as Message)).toBe(body(20, 1_000))
    await again.close()
    const reader = await openPublicReader(system, LOG)
    expect((await all(reader)).map(({ id }) => id)).toEqual(after.map(({ id }) => id))
    expect(await reader.get(10)).toEqual(before[0])
    await reader.close()
  })
})
