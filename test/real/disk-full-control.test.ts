/**
 * A full disk, a real one, for an owner behind the seam (14): messages are refused, control records go
 * on into what is kept for them, and all are there after the process is gone.
 */
import { describe, expect, test } from 'vitest'
import { openSegmentLog } from '../../src/log/open.ts'
import { checkOptions } from '../../src/log/options.ts'
import type { SegmentLog } from '../../src/log/segment-log.ts'
import { realSystem } from '../../src/system/real/real-system.ts'
import { encodable, Owner } from '../log/space/support.ts'
import { disksAvailable, withDisk } from './small-disk.ts'

const OPTIONS = checkOptions({ segmentBytesMin: 65_536, segmentBytesMax: 262_144 })
const CONTROLS = 400

const kinds = disksAvailable()
describe.skipIf(kinds.length === 0)('an owner of control records on a full disk', () => {
  test.each(kinds.length > 0 ? kinds : (['tmpfs'] as const))(
    '%s: control records go on, and all are there afterwards (14)',
    (kind) =>
      withDisk(kind, async (disk) => {
        const directory = `${disk.directory}/log`
        const owner = new Owner()
        const log = await openSegmentLog(realSystem(), directory, owner, OPTIONS)
        await fill(log, owner)
        // What is left for small messages, and for anybody else, goes too.
        disk.addBallast(Number.POSITIVE_INFINITY)
        const expected: string[] = []
        for (let number = 0; number < CONTROLS; number++) {
          const record = `finished ${number}`.padEnd(150, '.')
          const ticket = log.append({ messages: [], control: [encodable(record)] })
          expected.push(record)
          while (owner.committedUpTo < ticket && !owner.refusedTickets.includes(ticket)) {
            await new Promise(setImmediate)
          }
          expect(owner.refusedTickets).not.toContain(ticket)
        }
        expect(() => log.append({ messages: [encodable('m'.repeat(9_000))], control: [] })).toThrow(
          expect.objectContaining({ code: 'QLOG_DISK_FULL' }),
        )
        expect(await controlsOf(log)).toEqual(expected)
        disk.dropBallast()
        await log.close()
        const again = await openSegmentLog(realSystem(), directory, new Owner(), OPTIONS)
        expect(await controlsOf(again)).toEqual(expected)
        await again.close()
      }),
  )
})

/** Appends messages until the owner is told that the disk is full. */
async function fill(log: SegmentLog, owner: Owner): Promise<void> {
  while (!owner.spaces.includes('full')) {
    const ticket = log.append({ messages: [encodable('m'.repeat(4_000))], control: [] })
    while (owner.committedUpTo < ticket && !owner.refusedTickets.includes(ticket)) {
      await new Promise(setImmediate)
    }
  }
}

async function controlsOf(log: SegmentLog): Promise<string[]> {
  const found: string[] = []
  for await (const entries of log.read({ after: 0 })) {
    for (const { control } of entries) {
      for (const bytes of control) found.push(new TextDecoder().decode(bytes))
    }
  }
  return found
}
