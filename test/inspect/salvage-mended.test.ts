/** Blocks that recover mends in its copy, beside others that it cannot. */
import { expect, test } from 'vitest'
import { salvageLog } from '../../src/inspect/salvage.ts'
import { verifyLog } from '../../src/inspect/verify.ts'
import { openPublicLog } from '../../src/log/open.ts'
import { openPublicReader } from '../../src/log/open-reader.ts'
import type { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import { body, LOG, SMALL, simulate } from '../log/space/support.ts'

const OUT = '/out'
const BODY_BYTES = 1_500

test('a block behind one that more bits have damaged is saved, and that one told as lost', async () => {
  await simulate(1, async (system, { disk }) => {
    const log = await openPublicLog(system, LOG, SMALL)
    for (let id = 1; id <= 20; id++) await log.append(body(id, BODY_BYTES))
    await log.close()
    for (const bit of [1, 2, 5]) flipIn(disk, 2, bit)
    const { path, at } = flipIn(disk, 3, 1)
    const words = `a block in it is one flipped bit away from a valid one: bit 1 of byte ${at}`
    const verified = await verifyLog(system, LOG)
    expect(verified.findings.filter(({ level }) => level === 'rot')).toMatchObject([
      { firstId: 2, endId: 4, mendable: 1, detail: expect.stringContaining(words) },
    ])
    const report = await salvageLog(system, LOG, OUT)
    expect(report).toMatchObject({ messages: 19, mended: [{ firstId: 3, endId: 4 }] })
    expect(report.losses).toMatchObject([
      { file: path.slice(LOG.length + 1), firstId: 2, endId: 3 },
    ])
    const reader = await openPublicReader(system, OUT)
    const ids: number[] = []
    const gaps: unknown[] = []
    const onGap = ({ firstId, endId }: { firstId: number; endId: number }): void =>
      void gaps.push([firstId, endId])
    for await (const { id } of reader.read({ onGap })) ids.push(id)
    expect(ids).toEqual([1, ...Array.from({ length: 18 }, (_, index) => index + 3)])
    expect(gaps).toEqual([[2, 3]])
    await reader.close()
  })
})

/** Flips this bit of a byte of the body of a message, each of another one. */
function flipIn(disk: SimulatedDisk, id: number, bit: number): { path: string; at: number } {
  const needle = `${id}:xxxx`
  for (const name of disk.list(LOG).filter((name) => name.endsWith('.qls'))) {
    const path = `${LOG}/${name}`
    const found = Buffer.from(disk.readFile(path)).indexOf(needle)
    if (found < 0) continue
    const at = found + 100 + bit
    disk.flipBit(path, at, bit)
    return { path, at }
  }
  throw new Error(`message ${id} stands nowhere`)
}
