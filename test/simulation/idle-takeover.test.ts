/**
 * Goal: an owner that stops while it merges, and is woken after another took over that had appended nothing by
 * then, costs nothing that was acknowledged. Method: it stops at every call of `compact()` in turn; the other one
 * has closed when it wakes, or goes on behind it.
 */
import { expect, test } from 'vitest'
import { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import { Machine, type Opening } from './machine.ts'

const MESSAGES = 24
const BODY_BYTES = 3_000
/** Virtual time in which whatever is due has happened. */
const QUIET_MS = 60
/** More than `compact()` makes. */
const CALLS_MAX = 400

type Taker = 'has closed' | 'goes on'

/** Stopped at this call of `compact()`; false where it makes no such call. */
async function takeOverAt(
  call: number,
  moment: 'before' | 'during',
  taker: Taker,
): Promise<boolean> {
  const machine = new Machine({ seed: 1, disk: new SimulatedDisk() })
  const { simulation } = machine
  const sleeper = machine.opening({ idleSyncMs: 1 })
  let stopped = (): void => {}
  const stopping = new Promise<'stopped'>((resolve) => {
    stopped = () => resolve('stopped')
  })
  const life = sleeper.process.run(async () => {
    await sleeper.open()
    for (let count = 0; count < MESSAGES; count += 1) await sleeper.append(BODY_BYTES)
    sleeper.discard(2, 9)
    sleeper.discard(10, 16)
    await sleeper.settled()
    await sleeper.wait(QUIET_MS)
    simulation.at(simulation.callCount + call, moment, (process) => {
      if (process !== sleeper.process) return
      process.pause()
      stopped()
    })
    await sleeper.current.compact().catch(() => undefined)
    return 'over'
  })
  life.catch(() => undefined)
  const ending = await simulation.run(() => Promise.race([life, stopping]))
  simulation.clearPlans()
  if (ending !== 'stopped') return false
  machine.rebootForOthers()
  const wake = async (): Promise<void> => {
    sleeper.process.resume()
    await Promise.race([life.catch(() => undefined), sleeper.wait(10_000)])
  }
  if (taker === 'has closed') {
    await openAndClose(machine)
    await simulation.run(wake)
  } else {
    await openAndClose(machine, async (opening) => {
      await wake()
      await opening.append(BODY_BYTES)
      await opening.current.compact()
      await opening.verify()
    })
  }
  machine.kill(sleeper)
  machine.buryTheDead()
  await openAndClose(machine)
  return true
}

/** The oracle compares what is there. */
async function openAndClose(
  machine: Machine,
  act: (opening: Opening) => Promise<void> = async () => undefined,
): Promise<void> {
  const opening = machine.opening({ breakLock: true })
  await machine.simulation.run(() =>
    opening.process.run(async () => {
      await opening.open()
      await act(opening)
      await opening.current.close()
    }),
  )
  machine.kill(opening)
  machine.buryTheDead()
  machine.check()
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
