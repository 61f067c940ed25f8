/** Scrubbing of a store: on unless told otherwise, in its figures and metrics, and not beyond its end. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openLog, openStore } from '../../../src/index.ts'
import { openSegmentLog } from '../../../src/log/open.ts'
import { checkOptions } from '../../../src/log/options.ts'
import { metricsText } from '../../../src/store/observe/metrics-text.ts'
import { openStoreOn } from '../../../src/store/open-store.ts'
import type { Store } from '../../../src/store/types/store.ts'
import { Simulation } from '../../../src/system/simulated/simulation.ts'

function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'qlog-scrub-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'data')
}

function scrubLines(store: Store): string[] {
  return metricsText(store)
    .split('\n')
    .filter((line) => line.startsWith('qlog_scrub_'))
}

test('a store and a log in a directory are scrubbed unless they are told not to be', async () => {
  const store = await openStore(freshDirectory())
  expect(store.stats().log.scrub).toEqual({ passes: 0, bytes: 0, damages: 0 })
  expect(scrubLines(store)).toEqual(['qlog_scrub_passes_total 0', 'qlog_scrub_bytes_total 0'])
  await store.close()
  const quiet = await openStore(freshDirectory(), { log: { scrub: false } })
  expect(quiet.stats().log).not.toHaveProperty('scrub')
  expect(scrubLines(quiet)).toEqual([])
  await quiet.close()
  const log = await openLog(freshDirectory())
  expect(log.stats().scrub).toMatchObject({ passes: 0 })
  await log.close()
  const memory = await openStore(':memory:')
  expect(memory.stats().log).not.toHaveProperty('scrub')
  await memory.close()
})

test('an option of the scrub that there is not is refused', async () => {
  const opening = openStore(freshDirectory(), { log: { scrub: { everyMs: 1 } } })
  await expect(opening).rejects.toMatchObject({ code: 'QLOG_INVALID_ARGUMENT' })
})

test('a pass shows in the metrics, with the damage that it found', async () => {
  const simulation = new Simulation({ seed: 1 })
  const system = simulation.process('owner')
  const checked = checkOptions({
    segmentBytesMin: 16_384,
    segmentBytesMax: 16_384,
    scrub: { everyMs: 1_000 },
  })
  await simulation.run(() =>
    system.run(async () => {
      const store = await openStoreOn(system, (owner) =>
        openSegmentLog(system, '/log', owner, checked),
      )
      const queue = store.queue('q')
      for (let i = 0; i < 20; i++) await queue.put('x'.repeat(3_000))
      const [first] = simulation.disk
        .list('/log')
        .filter((name) => name.endsWith('.qls'))
        .sort()
      simulation.disk.flipBit(`/log/${first}`, 12_900, 1, true)
      const end = (store.stats().log.scrub?.passes ?? 0) + 2
      while ((store.stats().log.scrub?.passes ?? 0) < end) {
        await new Promise<void>((resolve) => system.clock.after(500, resolve))
      }
      expect(scrubLines(store)).toEqual([
        expect.stringMatching(/^qlog_scrub_passes_total [1-9]/),
        expect.stringMatching(/^qlog_scrub_bytes_total \d{4}/),
        'qlog_scrub_damages 1',
        expect.stringMatching(/^qlog_scrub_age_seconds 0/),
      ])
      await store.close()
      expect(system.files.openHandles).toBe(0)
    }),
  )
})
