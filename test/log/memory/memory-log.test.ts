/** What is particular to the log in memory: its medium, its turns, and that it does not grow without end. */
import { expect, test } from 'vitest'
import { MemoryMedium } from '../../../src/log/memory/medium.ts'
import { type MemoryLogOptions, openMemoryLog } from '../../../src/log/memory/memory-log.ts'
import type { Encodable, Entry, LogOwner, OwnedLog, PartToSave } from '../../../src/log/seam.ts'
import { Simulation } from '../../../src/system/simulated/simulation.ts'

interface Told extends LogOwner {
  readonly words: string[]
}

function owner(): Told {
  const words: string[] = []
  return {
    words,
    committed: (upTo) => words.push(`committed ${upTo}`),
    failed: (from, outcome, cause) => words.push(`failed ${from} ${outcome} ${codeOf(cause)}`),
    refused: (from, upTo) => words.push(`refused ${from} ${upTo}`),
    space: (state) => words.push(`space ${state}`),
  }
}

const clock = new Simulation({ seed: 1 }).process('owner').clock

function open(medium: MemoryMedium, told: LogOwner, options?: MemoryLogOptions): Promise<OwnedLog> {
  return openMemoryLog({ clock }, medium, options)(told, {})
}

function bytes(text: string): Encodable {
  const encoded = Buffer.from(text)
  return { byteLength: encoded.length, encodeInto: (target, at) => target.set(encoded, at) }
}

const message = (text: string) => ({ messages: [bytes(text)], control: [] })
const control = (text: string) => ({ messages: [], control: [bytes(text)] })

async function entriesOf(log: OwnedLog): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const batch of log.read({ after: 0 })) entries.push(...batch)
  return entries
}

const textsOf = (entries: readonly Entry[]) =>
  entries.flatMap(({ messages }) => messages.map((body) => Buffer.from(body).toString()))

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : error
}

async function* parts(...list: PartToSave[]): AsyncGenerator<PartToSave> {
  yield* list
}

test('all appends of one turn become durable together, behind the turn', async () => {
  const told = owner()
  const log = await open(new MemoryMedium(), told)
  for (let i = 0; i < 5; i++) log.append(message(`${i}`))
  expect(told.words).toEqual([])
  await log.close()
  expect(told.words).toEqual(['committed 5'])
})

test('a crash loses what was not committed, and its ids are given again', async () => {
  const medium = new MemoryMedium()
  const told = owner()
  const first = await open(medium, told)
  first.append(message('kept'))
  await Promise.resolve()
  first.append(message('lost'))
  medium.crash()
  await Promise.resolve()
  expect(told.words).toEqual(['committed 1'])
  expect(() => first.append(message('later'))).toThrow('closed')
  const again = await open(medium, owner())
  expect(again.nextId).toBe(2)
  expect(textsOf(await entriesOf(again))).toEqual(['kept'])
  await again.close()
})

test('opening again fences the one who has it open, before anything of his commits', async () => {
  const medium = new MemoryMedium()
  const told = owner()
  const old = await open(medium, told)
  old.append(message('in vain'))
  const log = await open(medium, owner())
  await Promise.resolve()
  expect(told.words).toEqual(['failed 1 rejected QLOG_FENCED'])
  expect(() => old.append(message('later'))).toThrow('taken over')
  await expect(old.saveSnapshot(parts())).rejects.toThrow('taken over')
  expect(log.epoch).toBeGreaterThan(old.epoch)
  expect(await entriesOf(log)).toEqual([])
  await old.close()
  await log.close()
})

test('bodies go when they are discarded, and entries of which nothing is left go with them', async () => {
  const medium = new MemoryMedium()
  const log = await open(medium, owner())
  log.append(message('stays'))
  for (let i = 0; i < 5_000; i++) log.append(message(`${i}`))
  await Promise.resolve()
  log.discard([[2, 5_001]])
  log.discard([[2, 5_001]])
  expect(medium.liveMessages).toBe(1)
  expect(medium.keptEntries).toBe(1)
  expect(textsOf(await entriesOf(log))).toEqual(['stays'])
  await log.close()
})

test('what the last but one snapshot covers goes; messages in it that live are still fetched', async () => {
  const medium = new MemoryMedium()
  const log = await open(medium, owner())
  log.append({ messages: [bytes('a'), bytes('b')], control: [bytes('c')] })
  for (let i = 0; i < 1_000; i++) log.append(control(`${i}`))
  await Promise.resolve()
  await log.saveSnapshot(parts(['state', log.durableLsn, Buffer.from('1')]))
  expect(medium.keptEntries).toBe(1_001)
  const at = log.durableLsn
  log.append(control('last'))
  await Promise.resolve()
  await log.saveSnapshot(parts(['state', log.durableLsn, 'unchanged']))
  expect((await entriesOf(log)).map(({ lsn }) => lsn)).toEqual([at + 1])
  log.discard([[1, 1]])
  const bodies = await log.fetch([1, 2])
  expect(bodies.map((body) => body && Buffer.from(body).toString())).toEqual([undefined, 'b'])
  await log.close()
})

test('limits are those that were asked for, and a name that is none is refused', async () => {
  const log = await open(new MemoryMedium(), owner(), { messageBytesMax: 3 })
  expect(() => log.append(message('four'))).toThrow('over the limit of 3')
  expect(log.append(message('fit'))).toBe(1)
  await log.close()
  const wrong = { messageBytes: 3 } as MemoryLogOptions
  expect(() => openMemoryLog({ clock }, new MemoryMedium(), wrong)).toThrow('unknown limit')
})

test('an owner that appends at every commit leaves the event loop its turns', async () => {
  const simulation = new Simulation({ seed: 1 })
  const process = simulation.process('owner')
  let turns = 0
  await simulation.run(async () => {
    const told = { ...owner(), committed: () => ++turns < 5_000 && log.append(message('x')) }
    const log: OwnedLog = await openMemoryLog(process, new MemoryMedium())(told, {})
    log.append(message('x'))
    await new Promise<void>((resolve) => process.clock.after(0, resolve))
    expect(turns).toBeLessThan(5_000)
    while (turns < 5_000) await new Promise<void>((resolve) => process.clock.after(1, resolve))
    await log.close()
  })
})
