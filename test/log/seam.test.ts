/**
 * The seam's contract on segment files, under the simulator: batches with control records, entries,
 * outcomes. The line numbers are those of the contract.
 */
import { expect, test } from 'vitest'
import { QlogError } from '../../src/errors.ts'
import { openSegmentLog } from '../../src/log/open.ts'
import { checkOptions } from '../../src/log/options.ts'
import type { Encodable, Entry, LogOwner } from '../../src/log/seam.ts'
import type { SegmentLog } from '../../src/log/segment-log.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import type { System } from '../../src/system/system.ts'

interface Told {
  /** Resolves at the next word from the log. */
  next: () => Promise<void>
  committed: number[]
  lsns: number[]
  failed: [number, string][]
  refused: [number, number][]
}

function recorder(): { owner: LogOwner; told: Told } {
  let wake: () => void = () => undefined
  const next = () => new Promise<void>((resolve) => (wake = resolve))
  const told: Told = { next, committed: [], lsns: [], failed: [], refused: [] }
  const owner: LogOwner = {
    committed: (upTo, lsn) => {
      told.committed.push(upTo)
      told.lsns.push(lsn)
      wake()
    },
    failed: (from, outcome) => told.failed.push([from, outcome]),
    refused: (from, upTo) => told.refused.push([from, upTo]),
    space: () => undefined,
  }
  return { owner, told }
}

function bytes(text: string): Encodable {
  const encoded = new TextEncoder().encode(text)
  return {
    byteLength: encoded.length,
    encodeInto: (target, at) => target.set(encoded, at),
  }
}

const OPTIONS = checkOptions({ segmentBytesMin: 16_384, segmentBytesMax: 32_768 })

async function open(system: System, owner: LogOwner) {
  return openSegmentLog(system, '/log', owner, OPTIONS)
}

async function entriesOf(log: SegmentLog, after = 0): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const batch of log.read({ after })) entries.push(...batch)
  return entries
}

const text = (body: Uint8Array | undefined) => new TextDecoder().decode(body)

/** Runs `body` in a simulated process and returns its value. */
async function simulate<T>(
  body: (system: System, simulation: Simulation) => Promise<T>,
): Promise<T> {
  const simulation = new Simulation({ seed: 7 })
  const process = simulation.process('owner')
  const outcome = await simulation.run(() => process.run(() => body(process, simulation)))
  if (outcome.state !== 'done') throw new Error('the process died')
  return outcome.value
}

/** Appends and waits until the log told of it. */
async function appendAll(
  log: SegmentLog,
  told: Told,
  batches: [string[], string[]][],
): Promise<void> {
  let last = 0
  for (const [messages, control] of batches) {
    last = log.append({ messages: messages.map(bytes), control: control.map(bytes) })
  }
  while ((told.committed.at(-1) ?? 0) < last) await told.next()
}

test('contract 2: a batch of messages and control records is one entry, also across blocks', async () => {
  await simulate(async (system) => {
    const { owner, told } = recorder()
    const log = await open(system, owner)
    const large = Array.from({ length: 30 }, (_, i) => `${i}`.repeat(200))
    log.append({ messages: [bytes('a')], control: [] })
    log.append({ messages: large.map(bytes), control: [bytes('c1'), bytes('c2')] })
    log.append({ messages: [], control: [bytes('alone')] })
    log.append({ messages: [bytes('y'), bytes('z')], control: [] })
    await log.close()
    expect(told.committed.at(-1)).toBe(4)

    const again = await open(system, recorder().owner)
    const entries = await entriesOf(again)
    expect(entries.map((e) => [e.messages.length, e.control.length])).toEqual([
      [1, 0],
      [30, 2],
      [0, 1],
      [2, 0],
    ])
    expect(entries[1]?.messages.map(text)).toEqual(large)
    expect(entries[1]?.control.map(text)).toEqual(['c1', 'c2'])
    expect(Array.from(entries[3]?.ids ?? [])).toEqual([32, 33])
    expect(new Set(entries.map((e) => e.epoch))).toEqual(new Set([log.epoch]))
    const lsns = entries.map((e) => e.lsn)
    expect(lsns).toEqual([...lsns].sort((a, b) => a - b))
    expect(new Set(lsns).size).toBe(lsns.length)
    await again.close()
  })
})

test('contract 9: reading after the LSN that committed named gives exactly what came later', async () => {
  await simulate(async (system) => {
    const { owner, told } = recorder()
    const log = await open(system, owner)
    await appendAll(log, told, [[['one'], ['x']]])
    const after = told.lsns.at(-1) ?? 0
    await appendAll(log, told, [[['two'], ['y']]])
    const entries = await entriesOf(log, after)
    expect(entries.map((e) => text(e.messages[0]))).toEqual(['two'])
    expect(log.durableLsn).toBeGreaterThan(entries[0]?.lsn ?? Number.POSITIVE_INFINITY)
    await log.close()
  })
})

test('contract 4: each opening has a higher epoch, and entries keep the epoch of their writer', async () => {
  await simulate(async (system) => {
    const first = await open(system, recorder().owner)
    first.append({ messages: [bytes('first')], control: [] })
    await first.close()
    const second = await open(system, recorder().owner)
    second.append({ messages: [bytes('second')], control: [] })
    await second.close()
    expect(second.epoch).toBeGreaterThan(first.epoch)
    const third = await open(system, recorder().owner)
    const epochs = (await entriesOf(third)).map((e) => e.epoch)
    expect(epochs).toEqual([first.epoch, second.epoch])
    await third.close()
  })
})

test('contract 5: segments with control records stay while there is no snapshot', async () => {
  await simulate(async (system) => {
    const { owner, told } = recorder()
    const log = await open(system, owner)
    for (let i = 0; i < 30; i++) {
      await appendAll(log, told, [[['m'.repeat(1500)], i === 0 ? ['state'] : []]])
    }
    const { length } = log.view.segments()
    expect(length).toBeGreaterThan(2)
    log.discard([[1, log.nextId - 1]])
    await appendAll(log, told, [[['m'], []]])
    expect(log.view.segments()[0]?.firstId).toBe(1)
    await log.close()
  })
})

test('contract 10: bytes are taken at the call, and what is over a limit is refused with nothing taken', async () => {
  await simulate(async (system) => {
    const { owner } = recorder()
    const log = await open(system, owner)
    const body = new TextEncoder().encode('before')
    log.append({
      messages: [{ byteLength: 6, encodeInto: (target, at) => target.set(body, at) }],
      control: [],
    })
    body.fill(0x78)
    const huge = { byteLength: log.limits.messageBytesMax + 1, encodeInto: () => undefined }
    expect(() => log.append({ messages: [huge], control: [] })).toThrow(QlogError)
    expect(log.nextId).toBe(2)
    await log.close()
    const again = await open(system, recorder().owner)
    expect((await again.fetch([1, 2])).map((b) => b && text(b))).toEqual(['before', undefined])
    await again.close()
  })
})
