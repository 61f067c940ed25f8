/**
 * Goal: an owner that stops while it merges, or clears away what a merge has left, and is woken after another
 * took over, costs nothing that was acknowledged. Method: it stops at every call in turn.
 */
import { expect, test } from 'vitest'
import { parseSegmentFileName } from '../../src/format/layout.ts'
import { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import { DIRECTORY, Machine, type Opening } from './machine.ts'
import { type Moment, openAndClose, stopAt } from './stopped-owner.ts'

const MESSAGES = 24
const BODY_BYTES = 3_000
const QUIET_MS = 60
/** More than any of these lives makes. */
const CALLS_MAX = 400

async function fill(opening: Opening): Promise<void> {
  await opening.open()
  for (let count = 0; count < MESSAGES; count += 1) await opening.append(BODY_BYTES)
  await discard(opening)
}

/** What is to be merged, again: an owner that opens knows of no discards. */
async function discard(opening: Opening): Promise<void> {
  opening.discard(2, 9)
  opening.discard(10, 16)
  await opening.settled()
  await opening.wait(QUIET_MS)
}

/** Goes on where a merge may give the names again that were cleared away. */
async function goOn(opening: Opening): Promise<void> {
  await opening.append(BODY_BYTES)
  await discard(opening)
  await opening.current.compact()
  await opening.verify()
}

type Taker = 'has closed' | 'goes on'

/** Stopped at this call of `compact()`; false where it makes no such call. */
async function takeOverAt(call: number, moment: Moment, taker: Taker): Promise<boolean> {
  const machine = new Machine({ seed: 1, disk: new SimulatedDisk() })
  const merging = machine.opening({ idleSyncMs: 1 })
  const compact = (): Promise<void> => merging.current.compact()
  const sleeper = await stopAt(machine, merging, () => fill(merging), compact, call, moment)
  if (!sleeper) return false
  if (taker === 'has closed') {
    await openAndClose(machine)
    await machine.simulation.run(() => sleeper.wake())
  } else {
    await openAndClose(machine, async (opening) => {
      await sleeper.wake()
      await goOn(opening)
    })
  }
  sleeper.bury()
  await openAndClose(machine)
  return true
}

test.each([
  ['before', 'has closed'],
  ['during', 'has closed'],
  ['before', 'goes on'],
  ['during', 'goes on'],
] as const)(
  'invariants 1, 6: stopped %s any call of a merge, beside a new owner that %s when it wakes',
  async (moment, taker) => {
    let call = 1
    while (call < CALLS_MAX && (await takeOverAt(call, moment, taker))) call += 1
    expect(call).toBeGreaterThan(20)
    expect(call).toBeLessThan(CALLS_MAX)
  },
)

/** A log whose owner was killed in front of this call of `compact()`. */
async function killedAt(call: number): Promise<Machine> {
  const machine = new Machine({ seed: 1, disk: new SimulatedDisk() })
  const merging = machine.opening({ idleSyncMs: 1 })
  const compact = (): Promise<void> => merging.current.compact()
  const owner = await stopAt(machine, merging, () => fill(merging), compact, call, 'before')
  owner?.bury()
  return machine
}

/** The call in front of which what was merged has a name, and no map names it. */
async function callThatLeaves(): Promise<number> {
  for (let call = 1; call < CALLS_MAX; call += 1) {
    const { simulation } = await killedAt(call)
    const names = simulation.disk.list(DIRECTORY)
    if (names.some((name) => (parseSegmentFileName(name)?.generation ?? 0) > 0)) return call
  }
  throw new Error('no call leaves a merged file')
}

/** Stopped at this call of opening and appending; false where it makes no such call. */
async function clearAt(leaving: number, call: number, moment: Moment): Promise<boolean> {
  const machine = await killedAt(leaving)
  const clearing = machine.opening({ breakLock: true })
  const act = async (): Promise<void> => {
    await clearing.open()
    await clearing.append(BODY_BYTES)
    await clearing.wait(QUIET_MS)
  }
  const sleeper = await stopAt(machine, clearing, async () => undefined, act, call, moment)
  if (!sleeper) return false
  await openAndClose(machine, goOn)
  await machine.simulation.run(() => sleeper.wake())
  sleeper.bury()
  await openAndClose(machine)
  return true
}

test.each(['before', 'during'] as const)(
  'invariants 1, 6: stopped %s any call of an opening that clears away what a merge has left, beside one that merges',
  async (moment) => {
    const leaving = await callThatLeaves()
    let call = 1
    while (call < CALLS_MAX && (await clearAt(leaving, call, moment))) call += 1
    expect(call).toBeGreaterThan(20)
    expect(call).toBeLessThan(CALLS_MAX)
  },
)
