/**
 * `scrub` of full segments finds what `verify` finds of them, neither more nor less: each of the twelve
 * named damages, and every byte of a full segment in turn.
 */
import { describe, expect, it } from 'vitest'
import { scrubLog } from '../../src/inspect/scrub.ts'
import { verifyLog } from '../../src/inspect/verify.ts'
import { verifyFile } from '../../src/inspect/verify-file.ts'
import { openPublicLog } from '../../src/log/open.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import { DAMAGES } from './damages.ts'
import { FIRST, flipBit, LAST, type LogFiles, MIDDLE, smallLog } from './small-log.ts'

const DIRECTORY = '/log'

async function on<T>(files: LogFiles, work: (system: SimulatedProcess) => Promise<T>): Promise<T> {
  const simulation = new Simulation({ seed: 1 })
  for (const [name, bytes] of files) simulation.disk.putFile(`${DIRECTORY}/${name}`, bytes)
  const process = simulation.process('tool')
  const outcome = await simulation.run(() => process.run(() => work(process)))
  if (outcome.state !== 'done') throw new Error('the process died')
  return outcome.value
}

async function both(files: LogFiles): Promise<{ scrubbed: unknown; verified: unknown }> {
  return on(files, async (system) => {
    const scrubbed = await scrubLog(system, DIRECTORY)
    const verified = await verifyLog(system, DIRECTORY)
    const full = verified.findings.filter(({ file, level }) => file !== LAST && level === 'rot')
    return { scrubbed: scrubbed.findings.map(placeOf), verified: full.map(placeOf) }
  })
}

function placeOf(finding: {
  readonly row: string
  readonly file: string
  readonly offset: number
  readonly bytes: number
  readonly firstId: number
  readonly endId: number
  readonly mendable?: number
}): unknown {
  const { row, file, offset, bytes, firstId, endId, mendable } = finding
  // Where a whole file is meant no bytes are lost in it.
  const ids = row === 'header-copy' ? [] : [firstId, endId]
  return { row, file, offset, bytes, ids, mendable }
}

describe('scrub and verify agree', () => {
  it.each(DAMAGES.filter(({ name }) => name !== 'missing last'))(
    'about $name',
    async ({ files }) => {
      const { scrubbed, verified } = await both(files())
      expect(scrubbed).toEqual(verified)
    },
  )

  it('about every 61st bit of a full segment', async () => {
    let found = 0
    for (let bit = 0; bit < 16_384 * 8; bit += 61 * 8 + 3) {
      const { files } = smallLog()
      flipBit(files, MIDDLE, bit >>> 3, bit & 7)
      const { scrubbed, verified } = await both(files)
      expect(scrubbed, `bit ${bit}`).toEqual(verified)
      if (Array.isArray(scrubbed)) found += scrubbed.length
    }
    expect(found).toBeGreaterThan(150)
  })

  it('about a log without damage, an empty one, and one where every file is damaged', async () => {
    const { files } = smallLog()
    expect(await both(files)).toEqual({ scrubbed: [], verified: [] })
    flipBit(files, FIRST, 9_000)
    flipBit(files, MIDDLE, 9_000)
    const { scrubbed, verified } = await both(files)
    expect(scrubbed).toEqual(verified)
    expect(scrubbed).toHaveLength(2)
  })
})

it('reads the disk, where verify sees what the page cache hides', async () => {
  const simulation = new Simulation({ seed: 2 })
  for (const [name, bytes] of smallLog().files) {
    simulation.disk.putFile(`${DIRECTORY}/${name}`, bytes)
  }
  simulation.disk.flipBit(`${DIRECTORY}/${MIDDLE}`, 9_000, 0, true)
  const process = simulation.process('tool')
  await simulation.run(() =>
    process.run(async () => {
      expect(await verifyLog(process, DIRECTORY)).toMatchObject({ verdict: 'fine' })
      const report = await scrubLog(process, DIRECTORY)
      expect(report).toMatchObject({ verdict: 'rot', fromDisk: true, damages: 1, lostMessages: 3 })
    }),
  )
})

it('keeps to its rate, tells how far it is, and can be broken off', async () => {
  await on(smallLog().files, async (system) => {
    const told: number[] = []
    const onProgress = ({ bytes }: { bytes: number }) => void told.push(bytes)
    const report = await scrubLog(system, DIRECTORY, { bytesPerSecond: 1_000, onProgress })
    expect(report.tookMs).toBeGreaterThan(report.bytes - 16_384)
    expect(told).toHaveLength(3)
    expect(told[0]).toBe(0)
    expect(told[2]).toBe(report.bytes)
    const abort = new AbortController()
    const { signal } = abort
    const broken = scrubLog(system, DIRECTORY, { bytesPerSecond: 1, signal })
    system.clock.after(5_000, () => abort.abort())
    const startedMs = system.clock.monotonicMs()
    await expect(broken).rejects.toMatchObject({ code: 'QLOG_ABORTED' })
    expect(system.clock.monotonicMs() - startedMs).toBeLessThan(6_000)
    expect(system.files.openHandles).toBe(0)
    await expect(scrubLog(system, DIRECTORY, { bytesPerSecond: 0 })).rejects.toThrow('from 1')
  })
})

describe('mending', () => {
  it('leaves a log that verify finds nothing wrong with, at every 61st bit of a block', async () => {
    let mended = 0
    for (let bit = 4_096 * 8; bit < 16_384 * 8; bit += 61 * 8 + 3) {
      const { files } = smallLog()
      flipBit(files, MIDDLE, bit >>> 3, bit & 7)
      await on(files, async (system) => {
        const report = await scrubLog(system, DIRECTORY, { repair: true })
        const verified = await verifyLog(system, DIRECTORY)
        const rot = verified.findings.filter(({ level }) => level === 'rot')
        expect(report.verdict === 'rot', `bit ${bit}`).toBe(rot.length > 0)
        mended += report.repair?.blocks.length ?? 0
        if (!report.repair?.blocks[0]) return
        const { mendedIn, byteOffset, bit: flipped } = report.repair.blocks[0]
        expect([byteOffset, flipped]).toEqual([bit >>> 3, bit & 7])
        const file = await verifyFile(system, `${DIRECTORY}/${mendedIn}`)
        expect(file.findings).toEqual([])
        const again = await scrubLog(system, DIRECTORY, { repair: true })
        expect(again).toMatchObject({ damages: 0, repair: { blocks: [], notMended: [] } })
      })
    }
    expect(mended).toBeGreaterThan(100)
  })

  it('is refused while somebody owns the log, with the option that does it there', async () => {
    await on(smallLog().files, async (system) => {
      const log = await openPublicLog(system, DIRECTORY)
      const mending = scrubLog(system, DIRECTORY, { repair: true })
      await expect(mending).rejects.toThrow('scrub: { repair: true }')
      await expect(mending).rejects.toMatchObject({ code: 'QLOG_LOCKED' })
      await log.close()
    })
  })

  it('makes no log where there is none', async () => {
    await on(new Map(), async (system) => {
      await system.files.makeDirectory(DIRECTORY)
      const mending = scrubLog(system, DIRECTORY, { repair: true })
      await expect(mending).rejects.toMatchObject({ code: 'QLOG_NOT_A_LOG' })
      expect(await system.files.list(DIRECTORY)).toEqual([])
    })
  })
})
