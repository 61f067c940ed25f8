import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openLog, openReader } from '../../src/index.ts'

test('what was appended is read back, also after reopening', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'qlog-'))
  try {
    let log = await openLog(directory)
    expect(await log.append('one')).toBe(1)
    expect(await log.appendMany(['two', 'three'])).toEqual({ firstId: 2, endId: 4 })
    expect(log.appendSync('four')).toBe(4)
    const many = await Promise.all(Array.from({ length: 5000 }, (_, i) => log.append(`m${i}`)))
    expect(many.at(-1)).toBe(5004)
    const texts: string[] = []
    for await (const message of log.read()) texts.push(Buffer.from(message.body).toString())
    expect(texts.slice(0, 5)).toEqual(['one', 'two', 'three', 'four', 'm0'])
    expect(texts.length).toBe(5004)
    expect(Buffer.from((await log.get(5004))?.body ?? []).toString()).toBe('m4999')
    await log.close()
    const reader = await openReader(directory)
    let count = 0
    for await (const batch of reader.readBatches()) count += batch.length
    expect(count).toBe(5004)
    await reader.close()
    log = await openLog(directory)
    expect(log.nextId).toBe(5005)
    expect(await log.append('again')).toBe(5005)
    await log.close()
  } finally {
    rmSync(directory, { recursive: true })
  }
})
