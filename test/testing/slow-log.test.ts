/** What is particular to the slow log: late acknowledgements in order, planned faults, what survives. */
import { expect, test } from 'vitest'
import { MemoryMedium } from '../../src/log/memory/medium.ts'
import type { Encodable, LogOwner, OwnedLog, PartToSave } from '../../src/log/seam.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import type { System } from '../../src/system/system.ts'
import { openSlowLog, type SlowLog, type SlowLogOptions } from '../../src/testing/slow-log.ts'

class Bench {
  readonly medium = new MemoryMedium()
  readonly words: string[] = []
  readonly owner: LogOwner = {
    committed: (upTo) => this.words.push(`committed ${upTo}`),
    failed: (from, outcome) => this.words.push(`failed ${from} ${outcome}`),
    refused: (from, upTo) => this.words.push(`refused ${from} ${upTo}`),
    space: (state) => this.words.push(`space ${state}`),
  }
  readonly system: System

  constructor(system: System) {
    this.system = system
  }

  open(options: SlowLogOptions = {}): Promise<SlowLog> {
    return openSlowLog(this.system, this.medium, options)(this.owner, {})
  }

  pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.system.clock.after(ms, resolve))
  }
}

async function simulate(body: (bench: Bench) => Promise<void>): Promise<void> {
  const simulation = new Simulation({ seed: 3 })
  await simulation.run(() => body(new Bench(simulation.process('owner'))))
}

function bytes(text: string): Encodable {
  const encoded = Buffer.from(text)
  return { byteLength: encoded.length, encodeInto: (target, at) => target.set(encoded, at) }
}

const message = (text: string) => ({ messages: [bytes(text)], control: [] })
const control = (text: string) => ({ messages: [], control: [bytes(text)] })

async function textsOf(log: OwnedLog): Promise<string[]> {
  const texts: string[] = []
  for await (const batch of log.read({ after: 0 })) {
    for (const { messages, control: records } of batch) {
      for (const body of [...messages, ...records]) texts.push(Buffer.from(body).toString())
    }
  }
  return texts
}

test('groups are acknowledged late and in order, at most so many on their way', async () => {
  await simulate(async (bench) => {
    const log = await bench.open({ delayMsMin: 10, delayMsMax: 40, groupsInFlightMax: 2 })
    for (let i = 0; i < 6; i++) {
      log.append(message(`${i}`))
      await Promise.resolve()
    }
    await bench.pass(9)
    expect(bench.words).toEqual([])
    await bench.pass(100)
    // 1 and 2 left at once; the others shared the next group.
    expect(bench.words).toEqual(['committed 1', 'committed 2', 'committed 6'])
    await log.close()
  })
})

test('fenceAt: tickets before it commit, it and later ones never do', async () => {
  await simulate(async (bench) => {
    const log = await bench.open()
    log.fenceAt(3)
    for (let i = 1; i <= 4; i++) log.append(message(`${i}`))
    await bench.pass(100)
    expect(bench.words).toEqual(['committed 2', 'failed 3 indeterminate'])
    expect(() => log.append(message('later'))).toThrow('taken over')
    const again = await bench.open()
    expect(again.epoch).toBeGreaterThan(log.epoch + 1)
    await again.close()
  })
})

test('failAt: rejected is never there, indeterminate may be, from the front', async () => {
  const survivors = new Set<number>()
  for (let seed = 1; seed <= 30; seed++) {
    for (const outcome of ['rejected', 'indeterminate'] as const) {
      await simulate(async (bench) => {
        const log = await bench.open({ seed })
        log.failAt(2, outcome)
        for (let i = 1; i <= 4; i++) log.append(message(`${i}`))
        await bench.pass(100)
        expect(bench.words).toEqual(['committed 1', `failed 2 ${outcome}`])
        expect(await textsOf(log)).toEqual(['1'])
        const again = await bench.open()
        const texts = await textsOf(again)
        expect(texts).toEqual(['1', '2', '3', '4'].slice(0, texts.length))
        if (outcome === 'rejected') expect(texts).toEqual(['1'])
        else survivors.add(texts.length)
        await again.close()
      })
    }
  }
  expect([...survivors].sort()).toEqual([1, 2, 3, 4])
})

test('after a crash some of what was on its way is there, whole and from the front', async () => {
  const survivors = new Set<number>()
  for (let seed = 1; seed <= 30; seed++) {
    await simulate(async (bench) => {
      const log = await bench.open({ seed, delayMsMin: 20 })
      for (let i = 1; i <= 3; i++) log.append(message(`${i}`))
      await bench.pass(5)
      bench.medium.crash()
      await bench.pass(100)
      expect(bench.words).toEqual([])
      const again = await bench.open()
      const texts = await textsOf(again)
      expect(texts).toEqual(['1', '2', '3'].slice(0, texts.length))
      survivors.add(texts.length)
      await again.close()
    })
  }
  expect([...survivors].sort()).toEqual([0, 1, 2, 3])
})

test('full: what was not sent is refused, control records go on, and ids stay dense', async () => {
  await simulate(async (bench) => {
    const log = await bench.open({ groupsInFlightMax: 1 })
    log.append(message('sent'))
    await Promise.resolve()
    log.append(message('refused'))
    log.append(control('stays'))
    log.append(message('refused too'))
    log.setFull(true)
    expect(() => log.append(message('more'))).toThrow('no space')
    log.append(control('goes'))
    await bench.pass(200)
    expect(bench.words).toEqual([
      'space full',
      'refused 2 2',
      'refused 4 4',
      'committed 1',
      'committed 5',
    ])
    log.setFull(false)
    expect(log.nextId).toBe(2)
    log.append(message('again'))
    await log.close()
    expect(bench.words.slice(5)).toEqual(['space ok', 'committed 6'])
    const again = await bench.open()
    expect(await textsOf(again)).toEqual(['sent', 'stays', 'goes', 'again'])
    await again.close()
  })
})

test('a snapshot that is not whole may be kept back: closing saves it, a crash loses it', async () => {
  await simulate(async (bench) => {
    const part = async function* (text: string): AsyncGenerator<PartToSave> {
      yield ['state', 0, Buffer.from(text)]
    }
    const savedIn = async (log: OwnedLog): Promise<string | undefined> => {
      const bytes = await (await log.snapshot())?.parts.get('state')?.read()
      return bytes && Buffer.from(bytes).toString()
    }
    const first = await bench.open({ keepBackChance: 1 })
    await first.saveSnapshot(part('first'))
    expect(await savedIn(first)).toBeUndefined()
    await first.close()
    const second = await bench.open({ keepBackChance: 1 })
    expect(await savedIn(second)).toBe('first')
    await second.saveSnapshot(part('second'))
    bench.medium.crash()
    const third = await bench.open({ keepBackChance: 1 })
    expect(await savedIn(third)).toBe('first')
    await third.saveSnapshot(part('third'), { whole: true })
    expect(await savedIn(third)).toBe('third')
    await third.close()
  })
})

test('close waits no longer than it is told, and leaves no timer behind', async () => {
  await simulate(async (bench) => {
    const log = await bench.open({ delayMsMin: 40 })
    log.append(message('a'))
    await log.close({ timeoutMs: 10 })
    expect(bench.words).toEqual(['failed 1 indeterminate'])
    await bench.pass(100)
    expect(bench.words).toHaveLength(1)
  })
})

test('by chance: the same seed gives the same run', async () => {
  const run = async (seed: number): Promise<string> => {
    let said = ''
    await simulate(async (bench) => {
      const log = await bench.open({ seed, fenceChance: 0.05, failChance: 0.05 })
      for (let i = 0; i < 30 && !bench.words.some((word) => word.startsWith('failed')); i++) {
        log.append(message(`${i}`))
        await bench.pass(7)
      }
      said = bench.words.join()
    })
    return said
  }
  expect(await run(5)).toBe(await run(5))
  expect(await run(5)).not.toBe(await run(6))
})
