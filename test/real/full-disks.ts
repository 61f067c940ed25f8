/**
 * A full disk, a real one of 12 MB (1, 3, 13, 14): a log, or a store, fills it, somebody else's data comes and goes,
 * messages are discarded or taken, and the process is killed at random moments and opened again while the disk is
 * full. The oracle stands outside.
 */
import * as fs from 'node:fs'
import { systemErrorCode } from '../../src/errors.ts'
import type { Random } from '../../src/system/simulated/random.ts'
import { startFixture } from './children.ts'
import { FullLogOracle } from './full-log-oracle.ts'
import type { SmallDisk } from './small-disk.ts'
import { Speaker } from './speaker.ts'
import { StoreOracle } from './store-oracle.ts'
import { verifySound } from './verify-sound.ts'

/** LOCK needs a page, and the directory may need one. */
const PEBBLE_BYTES = 64 * 1024
/** Of those killed: so long after what they were last told. */
const LIFE_MS_MAX = 300

/** What came of it. */
export interface FullDisks {
  rounds: number
  kills: number
  /** How often the disk was full. */
  fulls: number
  acknowledged: number
}

/**
 * Whether the life before met a full disk and ended before it had made room. Each opening writes into a segment
 * of its own, of which the reserve may have no more than two, so that the next one makes room before it may end.
 */
interface Debt {
  isOpen: boolean
  /** How often room was made. */
  rooms: number
}

/** Also of what is heard while a life ends, when its producers may have filled the disk again. */
function note(debt: Debt, line: string): void {
  if (line === 'full') debt.isOpen = true
  else if (line === 'room') {
    debt.isOpen = false
    debt.rooms += 1
  }
}

function noneYet(): FullDisks {
  return { rounds: 0, kills: 0, fulls: 0, acknowledged: 0 }
}

/** Lives of a log's writer on one disk, so many or until `isOver`. */
export async function fillWithLog(
  disk: SmallDisk,
  random: Random,
  rounds: number,
  isOver: () => boolean = () => false,
): Promise<FullDisks> {
  const directory = `${disk.directory}/log`
  const oracle = new FullLogOracle()
  const debt: Debt = { isOpen: false, rooms: 0 }
  const survived = noneYet()
  while (survived.rounds < rounds && !isOver()) {
    survived.rounds += 1
    const round = survived.rounds
    setPebble(disk, false)
    const running = startFixture('filling-writer.mjs', directory, String(round))
    const writer = new Speaker(running, `round ${round}: the writer`, (line) => {
      note(debt, line)
      oracle.hear(round, line)
    })
    await writer.until((line) => line.startsWith('open '))
    setPebble(disk, true)
    await fillAndDiscard(disk, random, writer, oracle, debt, survived)
    await oracle.verify(directory)
    survived.acknowledged = oracle.acknowledged.size
  }
  return survived
}

/** One life of a writer. Chance is asked first wherever a life may end, so that a seed's later draws stay the same. */
async function fillAndDiscard(
  disk: SmallDisk,
  random: Random,
  writer: Speaker,
  oracle: FullLogOracle,
  debt: Debt,
  survived: FullDisks,
): Promise<void> {
  let mayEnd = !debt.isOpen
  for (let turn = random.between(1, 3); turn > 0; turn--) {
    if (random.chance(0.4)) disk.addBallast(random.between(1, 40) * 100_000)
    await writer.until((line) => line === 'full')
    survived.fulls += 1
    const { rooms } = debt
    if (random.chance(0.25) && mayEnd) return end(writer, random, survived)
    if (random.chance(0.5)) disk.dropBallast()
    // Enough for the reserve and some segments, whatever the ballast has taken.
    writer.say(`discard ${oracle.discard(random.chance(0.5) ? 0.9 : 0.6)}`)
    await writer.until((line) => line === 'discarded')
    if (random.chance(0.2) && mayEnd) return end(writer, random, survived)
    if (debt.rooms === rooms) await writer.until((line) => line === 'room')
    mayEnd = true
  }
  return end(writer, random, survived)
}

/** Lives of a store's worker on one disk: while it is full messages are taken and finished all the same. */
export async function fillWithStore(
  disk: SmallDisk,
  random: Random,
  rounds: number,
  isOver: () => boolean = () => false,
): Promise<FullDisks> {
  const directory = `${disk.directory}/store`
  const oracle = new StoreOracle()
  const debt: Debt = { isOpen: false, rooms: 0 }
  const survived = noneYet()
  const hear = (line: string): void => {
    note(debt, line)
    if (/^(put|took|acked|there|open)\b/.test(line)) oracle.hear(line)
  }
  const start = async (): Promise<Speaker> => {
    setPebble(disk, false)
    const running = startFixture('filling-store.mjs', directory, String(survived.rounds))
    const worker = new Speaker(running, `round ${survived.rounds}: the worker`, hear)
    await worker.until((line) => line === 'open')
    setPebble(disk, true)
    return worker
  }
  while (survived.rounds < rounds && !isOver()) {
    survived.rounds += 1
    await fillAndTake(disk, random, await start(), oracle, debt, survived)
    oracle.forget()
    await verifySound(directory)
    survived.acknowledged = oracle.put.size + oracle.acked.size
  }
  disk.dropBallast()
  const last = await start()
  last.say('drain')
  await last.until((line) => line === 'taken')
  await last.close()
  oracle.finish(survived.kills)
  return survived
}

/** One life of a worker. */
async function fillAndTake(
  disk: SmallDisk,
  random: Random,
  worker: Speaker,
  oracle: StoreOracle,
  debt: Debt,
  survived: FullDisks,
): Promise<void> {
  const take = async (share: number): Promise<void> => {
    worker.say(`take ${Math.ceil(oracle.resting * share)}`)
    await worker.until((line) => line === 'taken')
  }
  let mayEnd = !debt.isOpen
  for (let turn = random.between(1, 3); turn > 0; turn--) {
    if (random.chance(0.4)) disk.addBallast(random.between(1, 40) * 100_000)
    await worker.until((line) => line === 'full')
    survived.fulls += 1
    const { rooms } = debt
    if (random.chance(0.2) && mayEnd) return end(worker, random, survived)
    // Nothing is free, and what is taken is finished all the same, as far as the reserve reaches.
    if (!mayEnd) disk.dropBallast()
    if (random.chance(0.5) && mayEnd) disk.addBallast(Number.POSITIVE_INFINITY)
    await take(random.between(1, 30) / 100)
    if (random.chance(0.25) && mayEnd) return end(worker, random, survived)
    disk.dropBallast()
    // Its producers may have filled the room that was made again before it says that all is taken.
    await take(0.9)
    if (debt.rooms === rooms) await worker.until((line) => line === 'room')
    mayEnd = true
  }
  return end(worker, random, survived)
}

async function end(child: Speaker, random: Random, survived: FullDisks): Promise<void> {
  if (random.chance(0.3)) return child.close()
  await new Promise<void>((resolve) => setTimeout(resolve, random.between(0, LIFE_MS_MAX)))
  await child.kill()
  survived.kills += 1
}

/** Keeps a little of the disk away from the log, for what an opening needs. */
function setPebble(disk: SmallDisk, isThere: boolean): void {
  const path = `${disk.directory}/pebble`
  if (!isThere) {
    fs.rmSync(path, { force: true })
    if (disk.freeBytes < PEBBLE_BYTES / 4) disk.dropBallast()
  } else if (disk.freeBytes >= PEBBLE_BYTES) {
    try {
      fs.writeFileSync(path, Buffer.alloc(PEBBLE_BYTES))
    } catch (error) {
      // The file system counts as free what it does not give at once; then the disk is full as it is.
      fs.rmSync(path, { force: true })
      if (systemErrorCode(error) !== 'ENOSPC') throw error
    }
  }
}
