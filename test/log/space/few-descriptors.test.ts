/**
 * Goal: a process that is out of descriptors can begin segments as long as it could begin the first: those through
 * which writes overlap give way to it, and what it is made of is not given up. Method: logs with four descriptors,
 * whose segments are full after some forty appends that overlap; refusals within the making of a segment.
 */
import { describe, expect, test } from 'vitest'
import { openPublicLog } from '../../../src/log/open.ts'
import type { Log, LogOptions } from '../../../src/log/types.ts'
import { Simulation } from '../../../src/system/simulated/simulation.ts'
import { LOG, passes, reusedSegments, SMALL, simulate } from './support.ts'

const SEGMENT_BYTES = 131_072
const BODY = 'x'.repeat(3_000)
const SEEDS = Array.from({ length: 24 }, (_, row) => row + 1)

describe.each<[string, LogOptions]>([
  ['always', {}],
  ['interval', { sync: { intervalMs: 1, bytes: 65_536 } }],
])('in the mode %s', (_, mode) => {
  test.each(SEEDS)('every segment is followed by another, seed %i', async (seed) => {
    const simulation = new Simulation({ seed })
    const process = simulation.process('owner', { descriptorsMax: 4 })
    const pause = (ms: number) =>
      new Promise<void>((resolve) => process.clock.after(ms, resolve, true))
    await simulation.run(() =>
      process.run(async () => {
        const sizes = { segmentBytesMin: SEGMENT_BYTES, segmentBytesMax: SEGMENT_BYTES }
        const log = await openPublicLog(process, '/log', { ...mode, ...sizes })
        for (let round = 0; round < 60; round++) {
          const appends: Promise<unknown>[] = []
          for (let part = 0; part < 6; part++) {
            appends.push(Promise.allSettled([log.append(BODY), log.append(BODY)]))
            if (part % 3 === 1) appendSync(() => log.appendSync(BODY))
            await pause(0.05)
          }
          await Promise.all(appends)
        }
        await pause(1_000)
        for (let more = 0; more < 100; more++) await log.append(BODY)
        await log.close()
      }),
    )
  })
})

test('a full segment needs one descriptor until it is sealed', async () => {
  const simulation = new Simulation({ seed: 1 })
  const process = simulation.process('owner', { descriptorsMax: 40 })
  await simulation.run(() =>
    process.run(async () => {
      const sizes = { segmentBytesMin: SEGMENT_BYTES, segmentBytesMax: SEGMENT_BYTES }
      const sync = { intervalMs: 1, bytes: 65_536 }
      const log = await openPublicLog(process, '/log', { sync, ...sizes })
      // Nothing is sealed before the event loop turns.
      for (let count = 0; count < 20 * (SEGMENT_BYTES / BODY.length); count++) log.appendSync(BODY)
      await log.close()
    }),
  )
})

describe.each([
  { calls: ['open', 'flushDirectory'], append: async (log: Log) => log.append(BODY) },
  { calls: ['openSync', 'flushDirectorySync'], append: (log: Log) => log.appendSync(BODY) },
] as const)('a file that is used again', ({ calls, append }) => {
  test.each(calls)(
    'is not lost where %s finds no descriptor behind its first opening',
    async (call) => {
      await simulate(1, async (system, simulation) => {
        const log = await openPublicLog(system, LOG, SMALL)
        for (let count = 0; count < 30; count++) log.discard(1, await log.append(BODY))
        await passes(system, 50)
        const spares = () => simulation.disk.list(LOG).filter((name) => name.startsWith('spare-'))
        const files = () => [...spares(), ...reusedSegments(simulation)].length
        const before = { files: files(), spares: spares().length }
        expect(before.spares).toBeGreaterThan(0)
        // It has its new name, and not its old one any more.
        const isNamed = (): boolean => spares().length < before.spares
        const fault = simulation.fault({ call, error: 'EMFILE', times: 1, path: isNamed })
        while (fault.hits === 0) {
          const id = append(log)
          if (id instanceof Promise) await id
        }
        // Nobody needs a segment made ahead that a synchronous append comes before.
        if (!call.endsWith('Sync')) await passes(system, 50)
        expect(files()).toBe(before.files)
        await log.close()
      })
    },
  )
})

/** Beside writes that hold all descriptors it may be refused. */
function appendSync(append: () => void): void {
  try {
    append()
  } catch (error) {
    expect(error).toMatchObject({ code: 'QLOG_IO' })
  }
}
