/** A message that damage had taken is delivered once the log has mended it; above the root nothing is. */
import { describe, expect, test } from 'vitest'
import { openSegmentLog } from '../../src/log/open.ts'
import { checkOptions } from '../../src/log/options.ts'
import type { SegmentLog } from '../../src/log/segment-log.ts'
import type { LogStore } from '../../src/store/log-store.ts'
import { openStoreOn } from '../../src/store/open-store.ts'
import type { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import type { System } from '../../src/system/system.ts'
import { LOG, passes, SMALL, simulate } from '../log/space/support.ts'

const EVERY_MS = 2_000
const OPTIONS = {
  ...SMALL,
  scrub: { everyMs: EVERY_MS, bytesPerSecond: 1_000_000_000, repair: true },
} as const

interface Opened {
  readonly store: LogStore
  readonly log: SegmentLog
}

async function open(system: System): Promise<Opened> {
  let log: SegmentLog | undefined
  const store = await openStoreOn(system, async (owner) => {
    log = await openSegmentLog(system, LOG, owner, checkOptions(OPTIONS))
    return log
  })
  if (!log) throw new Error('no log was opened')
  return { store, log }
}

function bodyOf(number: number): string {
  return `message ${number} `.padEnd(2_000, '.')
}

function textOf(message: { readonly body: Uint8Array } | undefined): string {
  return new TextDecoder().decode(message?.body)
}

/** Flips a bit of this message's body, on the disk. */
function flip(disk: SimulatedDisk, number: number): void {
  for (const name of disk.list(LOG)) {
    if (!name.endsWith('.qls')) continue
    const at = Buffer.from(disk.readFile(`${LOG}/${name}`)).indexOf(`message ${number} `)
    if (at < 0) continue
    disk.flipBit(`${LOG}/${name}`, at + 100, 3)
    return
  }
  throw new Error(`message ${number} stands nowhere`)
}

async function filled(system: System): Promise<Opened> {
  const opened = await open(system)
  for (let number = 1; number <= 12; number++) {
    await opened.store.queue('q').put(bodyOf(number))
  }
  return opened
}

async function scrubbed(system: System, { log }: Opened): Promise<void> {
  const passes0 = log.scrubStats.scrub?.passes ?? 0
  while (log.scrubStats.scrub?.passes === passes0) await passes(system, EVERY_MS / 10)
}

describe('a message whose block was mended', () => {
  test('is delivered as if nothing had been, in its turn', async () => {
    await simulate(1, async (system, { disk }) => {
      const opened = await filled(system)
      const { store, log } = opened
      await log.compact()
      await store.compact()
      const session = store.session()
      await session.watch('q')
      flip(disk, 3)
      const before = await session.reserve({ count: 4 })
      expect(before.map(({ id }) => id)).toEqual([1, 2, 4])
      expect(store.stats().damaged).toEqual([3])
      await scrubbed(system, opened)
      expect(log.scrubStats.scrub).toMatchObject({ damages: 1, mendedBlocks: 1 })
      expect(store.stats().damaged).toEqual([])
      const after = await session.reserve({ count: 2 })
      expect(after.map(({ id }) => id)).toEqual([3, 5])
      expect(textOf(after[0])).toBe(bodyOf(3))
      expect(textOf(await store.queue('q').get(3))).toBe(bodyOf(3))
      await store.close()
      const again = await open(system)
      expect(textOf(await again.store.queue('q').get(3))).toBe(bodyOf(3))
      await again.store.close()
    })
  })

  test('wakes whoever waits for it', async () => {
    await simulate(2, async (system, { disk }) => {
      const opened = await filled(system)
      const { store } = opened
      await store.compact()
      const session = store.session()
      await session.watch('q')
      flip(disk, 3)
      expect(await session.reserve({ count: 11 })).toHaveLength(10)
      expect(await session.reserve({ count: 11 })).toHaveLength(1)
      const waiting = session.reserve({ timeoutMs: 10 * EVERY_MS })
      await scrubbed(system, opened)
      expect((await waiting).map(({ id }) => id)).toEqual([3])
      await store.close()
    })
  })

  test('comes back to no group that has finished it or has it leased', async () => {
    await simulate(4, async (system, { disk }) => {
      const opened = await filled(system)
      const { store } = opened
      await store.compact()
      const [had, has] = [store.session(), store.session()]
      await had.watch('q', { group: 'had', from: 'first' })
      await has.watch('q', { group: 'has', from: 'first' })
      const leased = await had.reserve({ count: 4 })
      await had.ack(leased.slice(0, 3))
      flip(disk, 3)
      flip(disk, 4)
      // Until then a reader holds what it read.
      await passes(system, 1_000)
      expect((await has.reserve({ count: 4 })).map(({ id }) => id)).toEqual([1, 2])
      expect((await has.reserve({ count: 2 })).map(({ id }) => id)).toEqual([5, 6])
      expect(store.stats().damaged).toEqual([3, 4])
      await scrubbed(system, opened)
      expect(store.stats().damaged).toEqual([])
      expect((await has.reserve({ count: 2 })).map(({ id }) => id)).toEqual([3, 4])
      expect((await had.reserve({ count: 3 })).map(({ id }) => id)).toEqual([5, 6, 7])
      await had.release(leased.slice(3))
      expect((await had.reserve({ count: 1 })).map(({ id }) => id)).toEqual([4])
      await store.close()
      const again = await open(system)
      const session = again.store.session()
      await session.watch('q', { group: 'had' })
      const rest: number[] = []
      while (rest.length < 9) {
        rest.push(...(await session.reserve({ count: 9 - rest.length })).map(({ id }) => id))
      }
      expect(rest.sort((a, b) => a - b)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12])
      await again.store.close()
    })
  })

  test('comes back no sooner than a snapshot stands for what was lost with it', async () => {
    await simulate(3, async (system, { disk }) => {
      const opened = await filled(system)
      flip(disk, 3)
      await scrubbed(system, opened)
      expect(opened.log.scrubStats.scrub).toMatchObject({ damages: 1, mendedBlocks: 0 })
      await opened.store.compact()
      await scrubbed(system, opened)
      expect(opened.log.scrubStats.scrub).toMatchObject({ damages: 1, mendedBlocks: 1 })
      await opened.store.close()
    })
  })
})
