/**
 * What may lie between D and the end of a write: LINK names the bound by which recovery tells a torn group from
 * damage, so that no group may go beyond it, and whoever appends one that would is told.
 */
import { expect, test, vi } from 'vitest'
import { DuePairs } from '../../src/log/due-pairs.ts'
import { BATCH_BYTES_MAX } from '../../src/log/options.ts'
import { numbered, Watched } from './watched.ts'

test('an append that waits for nobody is refused where the group it would join became too large', async () => {
  const watched = new Watched(1)
  await watched.run(async () => {
    const log = await watched.openLog({
      messageBytesMax: BATCH_BYTES_MAX,
      inFlightBytesMax: 4096,
      segmentBytesMin: 4 * BATCH_BYTES_MAX,
      segmentBytesMax: 4 * BATCH_BYTES_MAX,
    })
    await log.append('first')
    const under = log.append('under way')
    await new Promise<void>((resolve) => watched.process.clock.afterEvents(resolve))
    // Each fills a block by itself, so that the framing is as large as it gets.
    const body = numbered(1, 2_100)
    const count = Math.floor(BATCH_BYTES_MAX / (body.length + 4))
    const waiting = log.appendMany(Array.from({ length: count }, () => body))
    const large = new Uint8Array(BATCH_BYTES_MAX)
    expect(() => log.appendSync(large)).toThrow(expect.objectContaining({ code: 'QLOG_BUSY' }))
    expect(log.appendSync('small')).toBe(3 + count)
    expect(await under).toBe(2)
    expect(await waiting).toEqual({ firstId: 3, endId: 3 + count })
    expect(log.appendSync(large)).toBe(4 + count)
    await log.close()
  })
})

test('what keeps a group from its write loses none of its appends', async () => {
  const watched = new Watched(2)
  await watched.run(async () => {
    const log = await watched.openLog()
    await log.append('first')
    const sent = vi.spyOn(DuePairs.prototype, 'noteSent').mockImplementationOnce(() => {
      throw new Error('on its way out')
    })
    const appends = [log.append('one'), log.appendMany(['two', 'three'])]
    for (const append of appends) {
      await expect(append).rejects.toMatchObject({ code: 'QLOG_INDETERMINATE' })
    }
    expect(log.status).toBe('failed')
    sent.mockRestore()
    await log.close().catch(() => undefined)
  })
})
