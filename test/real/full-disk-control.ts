/**
 * A full disk, a real one, for an owner behind the seam (14): messages are refused, control records go
 * on into what is kept for them, and all are there after the process is gone.
 */
import { unlinkSync, writeFileSync } from 'node:fs'
import { openSegmentLog } from '../../src/log/open.ts'
import { checkOptions } from '../../src/log/options.ts'
import type { SegmentLog } from '../../src/log/segment-log.ts'
import { realSystem } from '../../src/system/real/real-system.ts'
import { encodable, Owner } from '../log/space/support.ts'
import type { SmallDisk } from './small-disk.ts'

/** For LOCK and an index, too little for any segment. */
const PEBBLE_BYTES = 32 * 1024
/** More than the reserve has segments for. */
export const OPENINGS_MAX = 50
const OPTIONS = checkOptions({ segmentBytesMin: 65_536, segmentBytesMax: 262_144 })
const MESSAGE_BYTES = 4_000
/** More than is left of any segment once smaller ones are refused. */
const LARGE_BYTES = 9_000

/** Fills this disk and appends so many control records; throws where one is refused or not there afterwards. */
export async function controlsOnFullDisk(disk: SmallDisk, controls: number): Promise<void> {
  const directory = `${disk.directory}/log`
  const owner = new Owner()
  const log = await openSegmentLog(realSystem(), directory, owner, OPTIONS)
  await fill(log, owner)
  // What is left for small messages, and for anybody else, goes too.
  disk.addBallast(Number.POSITIVE_INFINITY)
  const expected: string[] = []
  for (let number = 0; number < controls; number++) {
    const record = `finished ${number}`.padEnd(150, '.')
    const ticket = log.append({ messages: [], control: [encodable(record)] })
    expected.push(record)
    await settled(owner, ticket)
    if (owner.refusedTickets.includes(ticket)) throw new Error(`record ${number} is refused`)
  }
  expectRefusal(log)
  await expectControls(log, expected)
  disk.dropBallast()
  await log.close()
  const again = await openSegmentLog(realSystem(), directory, new Owner(), OPTIONS)
  await expectControls(again, expected)
  await again.close()
}

/**
 * Opens again and again on a full disk, each time for one control record, until that is refused; then room is
 * made, and it goes on. Returns how many openings could.
 */
export async function openingsOnFullDisk(disk: SmallDisk): Promise<number> {
  const directory = `${disk.directory}/log`
  const pebble = `${disk.directory}/pebble`
  const owner = new Owner()
  const log = await openSegmentLog(realSystem(), directory, owner, OPTIONS)
  writeFileSync(pebble, new Uint8Array(PEBBLE_BYTES))
  disk.addBallast(disk.freeBytes / 2)
  await fill(log, owner)
  await log.close()
  disk.addBallast(Number.POSITIVE_INFINITY)
  unlinkSync(pebble)
  const expected: string[] = []
  while (expected.length < OPENINGS_MAX && (await appendOne(directory, expected))) {}
  const openings = expected.length
  disk.dropBallast()
  if (!(await appendOne(directory, expected))) throw new Error('room was made, and none is taken')
  return openings
}

/** In an opening of its own; false where it is refused because the disk is full. */
async function appendOne(directory: string, expected: string[]): Promise<boolean> {
  const owner = new Owner()
  const log = await openSegmentLog(realSystem(), directory, owner, OPTIONS)
  const record = `opening ${expected.length}`
  const ticket = log.append({ messages: [], control: [encodable(record)] })
  await settled(owner, ticket)
  const isTaken = !owner.refusedTickets.includes(ticket)
  if (isTaken) expected.push(record)
  await expectControls(log, expected)
  await log.close()
  return isTaken
}

/** Appends messages until the owner is told that the disk is full. */
async function fill(log: SegmentLog, owner: Owner): Promise<void> {
  while (!owner.spaces.includes('full')) {
    await settled(
      owner,
      log.append({ messages: [encodable('m'.repeat(MESSAGE_BYTES))], control: [] }),
    )
  }
}

async function settled(owner: Owner, ticket: number): Promise<void> {
  while (owner.committedUpTo < ticket && !owner.refusedTickets.includes(ticket)) {
    if (owner.failure) throw owner.failure
    await new Promise(setImmediate)
  }
}

function expectRefusal(log: SegmentLog): void {
  try {
    log.append({ messages: [encodable('m'.repeat(LARGE_BYTES))], control: [] })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'QLOG_DISK_FULL') return
    throw error
  }
  throw new Error('a full disk takes a message')
}

async function expectControls(log: SegmentLog, expected: readonly string[]): Promise<void> {
  const found: string[] = []
  for await (const entries of log.read({ after: 0 })) {
    for (const { control } of entries) {
      for (const bytes of control) found.push(new TextDecoder().decode(bytes))
    }
  }
  const at = Math.max(found.length, expected.length)
  const row = Array.from({ length: at }, (_, each) => each).find(
    (each) => found[each] !== expected[each],
  )
  if (row !== undefined) throw new Error(`record ${row} is ${found[row]?.slice(0, 40)}`)
}
