/**
 * The museum: slow starts after an unclean stop. What an opening reads is counted, because a clock would tell of
 * the machine: the first pages of each segment, the newest segment, and what came behind the saved state.
 */
import { expect, test } from 'vitest'
import { Keeper } from '../log/keeper.ts'
import { numbered, Watched } from '../log/watched.ts'

const KIB = 1024
const SEGMENT_BYTES = 64 * KIB
const SMALL = { segmentBytesMin: SEGMENT_BYTES, segmentBytesMax: SEGMENT_BYTES, idleSyncMs: 0 }
/** Header and LINK of one segment: what is read of a full one. */
const FIRST_PAGES_BYTES = 16 * KIB
/** The newest segment is looked at, and its last groups are read again where they are copied. */
const NEWEST_BYTES = 4 * SEGMENT_BYTES
/** Where the last snapshot and what follows it stand. */
const BEHIND_STATE_BYTES = 2 * SEGMENT_BYTES

/** What an opening may read of the segments of a killed log, all of which are full but the last. */
function boundOf(disk: Watched['simulation']['disk']): number {
  const segments = disk.list('/log').filter((name) => name.endsWith('.qls')).length
  expect(segments).toBeGreaterThan(30)
  return segments * FIRST_PAGES_BYTES + NEWEST_BYTES
}

test('kafka PR #3782, fluss #3546, redpanda #5127: after a kill no full segment is read through', async () => {
  const killed = new Watched(51)
  const { disk } = killed.simulation
  const count = 32 * 30
  await killed.run(async () => {
    const log = await killed.openLog(SMALL)
    for (let number = 1; number <= count; number++) await log.append(numbered(number, 2_000))
  })
  killed.simulation.kill(killed.process)
  const opener = new Watched(52, disk)
  const bytesMax = boundOf(disk)
  await opener.run(async () => {
    const log = await opener.openLog(SMALL)
    expect(opener.readBytes).toBeLessThanOrEqual(bytesMax)
    expect([log.firstId, log.nextId]).toEqual([1, count + 1])
    await log.close()
  })
})

test('kafka PR #3782, redpanda #10492: after a kill only what came behind the saved state is read for it', async () => {
  const killed = new Watched(53)
  const { disk } = killed.simulation
  let text = ''
  await killed.run(async () => {
    const keeper = await Keeper.open(killed.system, SMALL)
    for (let row = 0; row < 40; row++) {
      await keeper.put('a', `${row}`)
      await keeper.fill(30, 2_000)
    }
    await keeper.save([], { whole: true })
    await keeper.put('a', 'behind')
    text = keeper.text
  })
  killed.simulation.kill(killed.process)
  const opener = new Watched(54, disk)
  const bytesMax = boundOf(disk) + BEHIND_STATE_BYTES
  await opener.run(async () => {
    const keeper = await Keeper.open(opener.system, SMALL)
    expect(opener.readBytes).toBeLessThanOrEqual(bytesMax)
    expect([keeper.text, keeper.replayed]).toEqual([text, 1])
    await keeper.log.close()
  })
})
