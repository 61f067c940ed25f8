/** What was saved of the state is damaged while the store is open, which has all of it in memory. */
import { expect, test } from 'vitest'
import { QlogError } from '../../../src/errors.ts'
import { BLOCK_HEADER_BYTES, BlockType } from '../../../src/format/layout.ts'
import { MemoryMedium } from '../../../src/log/memory/medium.ts'
import { openMemoryLog } from '../../../src/log/memory/memory-log.ts'
import type { OpenLog, PartToSave } from '../../../src/log/seam.ts'
import { openStoreOn } from '../../../src/store/open-store.ts'
import { simulate } from '../../log/space/support.ts'
import { blocksThatCount } from '../../simulation/disk-reader.ts'
import { SimulatedGround } from './simulated-ground.ts'

const KIB = 1024
const ROUNDS = 900
const ROUNDS_A_SAVE = 90

test('a block of a part rots while the store is open: after one save that fails all succeed', async () => {
  const ground = new SimulatedGround(19, { segmentBytesMin: 64 * KIB, segmentBytesMax: 256 * KIB })
  await ground.run(async () => {
    await ground.open()
    const { store } = ground
    const busy = store.queue('busy')
    const body = new Uint8Array(100)
    await store.queue('still').putMany(Array.from({ length: 2_000 }, () => body))
    const puts = await busy.putMany(Array.from({ length: 100 }, () => body))
    await store.compact()
    // The blocks of the parts come to stand in a full segment.
    await busy.putMany(Array.from({ length: 900 }, () => new Uint8Array(1_000)))
    await damageStillQueue(ground)
    const session = store.session()
    const outcomes: string[] = []
    for (let round = 1; round <= ROUNDS; round++) {
      const taken = await Promise.all(puts.map(({ id }) => session.reserveById(id)))
      const leases = taken.filter((one) => one !== undefined)
      await session.release(leases, { delayMs: 3_600_000 })
      await ground.pass(1)
      if (round % ROUNDS_A_SAVE > 0) continue
      const outcome = store.checkpoint().then(
        () => 'saved',
        ({ code }: QlogError) => code,
      )
      outcomes.push(await outcome)
    }
    const failed = outcomes.filter((outcome) => outcome !== 'saved')
    expect(failed).toEqual(['QLOG_DAMAGED'])
    expect(outcomes.at(-1)).toBe('saved')
    await ground.close()
  })
}, 60_000)

/** Flips a bit in each block that holds a part of the state of the queue that was made first. */
async function damageStillQueue({ simulation: { disk } }: SimulatedGround): Promise<void> {
  let count = 0
  for (const { path, offset, type } of await blocksThatCount(disk, '/log')) {
    if (type !== BlockType.SNAPSHOT_PART) continue
    const text = Buffer.from(disk.readFile(path).subarray(offset, offset + 160)).toString('latin1')
    if (!text.includes('q1.l')) continue
    disk.flipBit(path, offset + BLOCK_HEADER_BYTES + 9, 2)
    count++
  }
  expect(count).toBeGreaterThan(0)
}

test('what was saved is found damaged by the last save of a store that closes: all is saved anew', async () => {
  await simulate(1, async (process) => {
    const medium = new MemoryMedium()
    const outcomes: string[] = []
    const open = damaged(openMemoryLog(process, medium), outcomes)
    const store = await openStoreOn(process, open, {}, '/store')
    await store.queue('still').put('a')
    await store.queue('q').put('a')
    await store.checkpoint()
    await store.queue('q').put('b')
    await store.close()
    expect(outcomes).toEqual(['saved', 'damaged', 'saved'])
    const again = await openStoreOn(process, openMemoryLog(process, medium), {}, '/store')
    expect(again.stats().messages).toBe(3)
    await again.close()
  })
})

/** A log that cannot read any more what it once saved. */
function damaged(openLog: OpenLog, outcomes: string[]): OpenLog {
  return async (owner, options) => {
    const log = await openLog(owner, options)
    const save = log.saveSnapshot.bind(log)
    log.saveSnapshot = async (parts, how) => {
      let isDamaged = false
      const watched = async function* (): AsyncGenerator<PartToSave> {
        for await (const part of parts) {
          isDamaged ||= part[2] === 'unchanged'
          if (isDamaged) throw new QlogError('QLOG_DAMAGED', 'a block of a snapshot is damaged')
          yield part
        }
      }
      await save(watched(), how).finally(() => {
        outcomes.push(isDamaged ? 'damaged' : 'saved')
      })
    }
    return log
  }
}
