/**
 * A crash at every call of an owner's life between its first snapshot and its close: whatever is found
 * then, old or new, gives the words that were durable.
 */
import { expect, test } from 'vitest'
import { QlogError } from '../../src/errors.ts'
import type { Moment } from '../../src/system/simulated/calls.ts'
import { type DiskSnapshot, SimulatedDisk } from '../../src/system/simulated/disk.ts'
import { type CrashKind, Simulation } from '../../src/system/simulated/simulation.ts'
import type { System } from '../../src/system/system.ts'
import { Keeper } from './keeper.ts'

/** Words that are durable, and those that may be: the one on its way too. */
interface Known {
  durable: string
  possible: string
}

async function put(keeper: Keeper, known: Known, name: string, word: string): Promise<void> {
  const row = `${name}:${word}`
  known.possible = `${known.durable} ${row}`
  await keeper.put(name, word, 2_500)
  known.durable = known.possible
}

/** In the order of their words, which are numbers. */
function historyOf(keeper: Keeper): string {
  const rows = [...keeper.words].flatMap(([name, words]) =>
    words.map((word) => [Number(word), `${name}:${word}`] as const),
  )
  return ['', ...rows.sort((a, b) => a[0] - b[0]).map(([, row]) => row)].join(' ')
}

async function prepare(system: System, known: Known): Promise<void> {
  const keeper = await Keeper.open(system)
  for (let word = 1; word <= 8; word++) await put(keeper, known, word % 2 ? 'a' : 'b', `${word}`)
  await keeper.save([], { whole: true })
  await put(keeper, known, 'a', '9')
  keeper.discardAll()
  await keeper.save([], { whole: true })
}

async function life(system: System, known: Known): Promise<void> {
  const keeper = await Keeper.open(system)
  await put(keeper, known, 'a', '10')
  await keeper.save([], { whole: true })
  await put(keeper, known, 'b', '11')
  keeper.discardAll()
  await keeper.save([], { whole: true })
  await keeper.log.compact()
  await put(keeper, known, 'c', '12')
  await keeper.save(['b'])
  await keeper.log.close()
}

async function prepared(durableWrites: 'dsync' | 'flush'): Promise<[DiskSnapshot, Known]> {
  const simulation = new Simulation({ seed: 1 })
  const process = simulation.process('owner', { durableWrites })
  const known = { durable: '', possible: '' }
  await simulation.run(() => process.run(() => prepare(process, known)))
  simulation.kill(process)
  return [simulation.disk.snapshot(), known]
}

/** Lives until the crash; then what is found must be what is known, and a second life goes on with it. */
async function crashAt(
  disk: DiskSnapshot,
  before: Known,
  durableWrites: 'dsync' | 'flush',
  call: number,
  kind: CrashKind,
  moment: Moment,
): Promise<void> {
  const simulation = new Simulation({ seed: 2, crashSeed: call, disk: new SimulatedDisk(disk) })
  const known = { ...before }
  const victim = simulation.process('owner', { durableWrites })
  simulation.crashAt(call, kind, moment)
  await simulation.run(() => victim.run(() => life(victim, known)))
  if (victim.alive) simulation.kill(victim)
  simulation.clearPlans()
  for (const round of [1, 2]) {
    const next = simulation.process('owner', { durableWrites })
    await simulation.run(() =>
      next.run(async () => {
        const keeper = await Keeper.open(next)
        const found = historyOf(keeper)
        expect([known.durable, known.possible], `call ${call} ${kind} ${moment}`).toContain(found)
        known.durable = found
        await put(keeper, known, 'b', `${20 + round}`)
        await keeper.save(round === 1 ? [] : ['a'], { whole: round === 1 })
        keeper.discardAll()
        if (round === 2) await keeper.log.close()
      }),
    )
    if (next.alive) simulation.kill(next)
    if (round === 1) simulation.powerCut()
  }
}

for (const durableWrites of ['dsync', 'flush'] as const) {
  test(`${durableWrites}: killed or robbed of power at every call of three saves`, async () => {
    const [disk, known] = await prepared(durableWrites)
    const whole = new Simulation({ seed: 2, disk: new SimulatedDisk(disk) })
    const owner = whole.process('owner', { durableWrites })
    const end = { ...known }
    await whole.run(() => owner.run(() => life(owner, end)))
    const calls = whole.callCount
    expect(calls).toBeGreaterThan(80)
    for (let call = 1; call <= calls; call++) {
      await crashAt(disk, known, durableWrites, call, 'kill', 'after')
      await crashAt(disk, known, durableWrites, call, 'power-cut', 'during')
    }
  })
}

test('the log that crashes has given up control records: without its snapshots it would lose words', async () => {
  const [disk, known] = await prepared('dsync')
  const simulation = new Simulation({ seed: 2, disk: new SimulatedDisk(disk) })
  const owner = simulation.process('owner')
  await simulation.run(() =>
    owner.run(async () => {
      const keeper = await Keeper.open(owner)
      expect(keeper.log.firstLsn).toBeGreaterThan(0)
      expect(historyOf(keeper)).toBe(known.durable)
      let control = 0
      for await (const entries of keeper.log.read({ after: 0 })) control += entries.length
      expect(control).toBeLessThan(9)
      await keeper.log.close()
    }),
  )
})

test('a call that fails during a save ends the save with a typed error, and costs no word', async () => {
  const [disk, before] = await prepared('flush')
  let struck = 0
  for (const call of ['write', 'flush', 'read', 'open', 'rename', 'flushDirectory'] as const) {
    for (const error of ['EIO', 'ENOSPC', 'EMFILE'] as const) {
      for (let nth = 1; nth <= 8; nth++) {
        const simulation = new Simulation({ seed: 2, disk: new SimulatedDisk(disk) })
        const known = { ...before }
        const owner = simulation.process('owner', { durableWrites: 'flush' })
        let hits = 0
        await simulation.run(() =>
          owner.run(async () => {
            const keeper = await Keeper.open(owner)
            await put(keeper, known, 'a', '10')
            const fault = simulation.fault({ call, error, nth })
            try {
              await keeper.save([], { whole: true })
              await put(keeper, known, 'b', '11')
              await keeper.log.close()
            } catch (thrown) {
              expect(thrown, `${call} ${nth} ${error}`).toBeInstanceOf(QlogError)
              await keeper.log.close().catch((late: unknown) => {
                expect(late, `${call} ${nth} ${error}`).toBeInstanceOf(QlogError)
              })
            }
            hits = fault.hits
          }),
        )
        simulation.clearFaults()
        if (owner.alive) simulation.kill(owner)
        struck += hits
        const next = simulation.process('next', { durableWrites: 'flush' })
        await simulation.run(() =>
          next.run(async () => {
            const keeper = await Keeper.open(next)
            expect([known.durable, known.possible]).toContain(historyOf(keeper))
            await keeper.log.close()
          }),
        )
      }
    }
  }
  expect(struck).toBeGreaterThan(40)
})
