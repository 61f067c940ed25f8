/**
 * Goal: what `recover` saves is everything that is valid, with ids and times as they were, in a log that
 * opens, reads and appends like any other. Method: the small log, damaged, saved, read back.
 */
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Gap, Log, Message } from '../../src/index.ts'
import { openLog, openReader, openStore } from '../../src/index.ts'
import { queues, salvage, verify } from '../../src/inspect/index.ts'
import { salvageLog } from '../../src/inspect/salvage.ts'
import { realSystem } from '../../src/system/real/real-system.ts'
import type { System } from '../../src/system/system.ts'
import { runInProcess } from '../cli/in-process.ts'
import { overlay } from '../overlay.ts'
import { DAMAGES } from './damages.ts'
import { bodyOf, flipBit, MIDDLE, smallLog, writeLog } from './small-log.ts'

function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'qlog-salvage-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

interface ReadBack {
  readonly messages: readonly Message[]
  readonly gaps: readonly Gap[]
  readonly nextId: number
}

async function readBack(directory: string): Promise<ReadBack> {
  const reader = await openReader(directory)
  const messages: Message[] = []
  const gaps: Gap[] = []
  for await (const message of reader.read({ onGap: (gap) => gaps.push(gap) }))
    messages.push(message)
  const { nextId } = reader
  await reader.close()
  return { messages, gaps, nextId }
}

function idsOf(gaps: readonly Gap[]): number[] {
  return gaps.flatMap(({ firstId, endId }) =>
    Array.from({ length: endId - firstId }, (_, i) => firstId + i),
  )
}

describe('what a saved log holds', () => {
  for (const { name, files, lost } of DAMAGES) {
    it(`${name}: every valid message with id, time and body, and the lost ids as gaps`, async () => {
      const directory = join(freshDirectory(), 'log')
      writeLog(directory, files())
      const before = await readBack(directory)
      const report = await salvage(directory, `${directory}-saved`)
      const after = await readBack(`${directory}-saved`)
      const mended = report.mended.flatMap(({ firstId, endId }) =>
        idsOf([{ firstId, endId } as Gap]),
      )
      expect(after.nextId).toBe(19)
      expect(idsOf(after.gaps)).toEqual(lost.filter((id) => !mended.includes(id)))
      for (const { id, timeMs } of before.messages) {
        expect(after.messages.find((one) => one.id === id)?.timeMs).toBe(timeMs)
      }
      for (const { id, body } of after.messages)
        expect(Buffer.from(body).toString()).toBe(bodyOf(id))
      expect(after.messages.length + idsOf(after.gaps).length).toBe(18)
      expect((await verify(`${directory}-saved`)).verdict).toBe('fine')
      expect(existsSync(`${directory}-saved.partial`)).toBe(false)
    })
  }

  it('goes on with the next id, never with one that was given', async () => {
    const directory = join(freshDirectory(), 'log')
    const log = smallLog()
    flipBit(log.files, MIDDLE, 9000)
    flipBit(log.files, MIDDLE, 9001)
    writeLog(directory, log.files)
    await salvage(directory, `${directory}-saved`)
    const reopened = await openLog(`${directory}-saved`)
    expect(await reopened.append('nineteen')).toBe(19)
    await reopened.close()
    expect((await verify(`${directory}-saved`)).verdict).toBe('fine')
  })

  it('spans segments where the messages do not fit into one, and keeps every one', async () => {
    const directory = join(freshDirectory(), 'log')
    const log = await openLog(directory, { segmentBytesMin: 16 * 1024 })
    const body = new Uint8Array(1024 * 1024).fill(7)
    for (let i = 0; i < 70; i++) await log.append(body)
    await log.close()
    const report = await salvage(directory, `${directory}-saved`)
    expect(report.messages).toBe(70)
    expect(report.segments).toBeGreaterThan(1)
    const after = await readBack(`${directory}-saved`)
    expect(after.messages.map(({ id }) => id)).toEqual(Array.from({ length: 70 }, (_, i) => i + 1))
    expect(after.gaps).toEqual([])
  })
})

describe('the saved state of a store', () => {
  async function storeOf(rounds: number): Promise<string> {
    const directory = join(freshDirectory(), 'data')
    const log = { segmentBytesMin: 16_384, segmentBytesMax: 16_384 }
    const store = await openStore(directory, { log })
    const queue = store.queue('orders')
    const session = store.session()
    await session.watch('orders')
    for (let round = 0; round < rounds; round += 1) {
      await queue.putMany(Array.from({ length: 50 }, () => 'x'.repeat(500)))
      for (const delivery of await session.reserve({ count: 50 })) await delivery.ack()
      await store.compact()
      await store.compact()
    }
    await queue.put('waits')
    await session.close()
    await store.close()
    return directory
  }

  it('is not in the copy where what led to it has retired, and that is told', async () => {
    const directory = await storeOf(3)
    expect((await verify(directory)).firstId).toBeGreaterThan(1)
    const report = await salvage(directory, `${directory}-saved`)
    expect(report).toMatchObject({ losses: [], stateLeftOut: true })
    const printed = await runInProcess(['recover', directory, '--out', `${directory}-printed`])
    expect(printed.exitCode).toBe(3)
    expect(printed.stdout.toString()).toContain('The saved state is NOT in the copy')
    expect(printed.stdout.toString()).toContain('`qlog backup DIR --out NEWDIR`')
    expect(printed.stdout.toString()).toContain('`qlog scrub DIR --repair`')
  })

  it('is given by the records of a copy where none has retired', async () => {
    const directory = await storeOf(0)
    const report = await salvage(directory, `${directory}-saved`)
    expect(report.stateLeftOut).toBeUndefined()
    expect(await queues(`${directory}-saved`)).toEqual(await queues(directory))
    const printed = await runInProcess(['recover', directory, '--out', `${directory}-printed`])
    expect(printed.exitCode).toBe(0)
  })
})

it('beside an owner of whom nothing tells whether it lives, that is told', async () => {
  const directory = join(freshDirectory(), 'log')
  const log = await openLog(directory)
  await log.append('one')
  const socket = readdirSync(directory).find((name) => /^lock-.*sock$/.test(name)) ?? ''
  renameSync(join(directory, socket), `${directory}.sock`)
  const report = await salvage(directory, `${directory}-saved`)
  expect(report.owner).toMatchObject({ state: 'unclear', live: true, pid: process.pid })
  const printed = await runInProcess(['recover', directory, '--out', `${directory}-printed`])
  expect(printed.exitCode).toBe(0)
  expect(printed.stdout.toString()).toContain(`whether process ${process.pid} on`)
  renameSync(`${directory}.sock`, join(directory, socket))
  await log.close()
})

describe('what it refuses', () => {
  it('a target that holds anything, and leaves it as it was', async () => {
    const directory = join(freshDirectory(), 'log')
    writeLog(directory, smallLog().files)
    const before = readdirSync(directory)
    await expect(salvage(directory, directory)).rejects.toMatchObject({
      code: 'QLOG_NOT_EMPTY',
    })
    expect(readdirSync(directory)).toEqual(before)
  })

  it('a log that a living process writes', async () => {
    const directory = join(freshDirectory(), 'log')
    const log = await openLog(directory)
    await log.append('one')
    await expect(salvage(directory, `${directory}-saved`)).rejects.toMatchObject({
      code: 'QLOG_LOCKED',
    })
    await log.close()
    expect(existsSync(`${directory}-saved`)).toBe(false)
  })

  describe('one that changes while it is copied', () => {
    /** The real system; `before` has its turn when a segment is opened once the copying has begun. */
    function whileCopying(directory: string, name: string, before: () => Promise<void>): System {
      const real = realSystem()
      let isDone = false
      const open: System['files']['open'] = async (path, options) => {
        if (!isDone && path === join(directory, name) && existsSync(`${directory}-saved.partial`)) {
          isDone = true
          await before()
        }
        return real.files.open(path, options)
      }
      return overlay(real, { files: overlay(real.files, { open }) })
    }

    it('because a writer has begun: it is named, whether files are gone or not', async () => {
      for (const retires of [false, true]) {
        const directory = join(freshDirectory(), 'log')
        writeLog(directory, smallLog().files)
        let log: Log | undefined
        const system = whileCopying(directory, MIDDLE, async () => {
          log = await openLog(directory)
          if (retires) unlinkSync(join(directory, MIDDLE))
        })
        const saving = salvageLog(system, directory, `${directory}-saved`)
        await expect(saving).rejects.toMatchObject({
          code: 'QLOG_LOCKED',
          message: expect.stringContaining(`process ${process.pid} on`),
        })
        await log?.close()
        expect(existsSync(`${directory}-saved`)).toBe(false)
        expect(existsSync(`${directory}-saved.partial`)).toBe(false)
      }
    })

    it('because a writer came and went: it is named too', async () => {
      const directory = join(freshDirectory(), 'log')
      writeLog(directory, smallLog().files)
      const system = whileCopying(directory, MIDDLE, async () => (await openLog(directory)).close())
      const saving = salvageLog(system, directory, `${directory}-saved`)
      await expect(saving).rejects.toMatchObject({
        code: 'QLOG_LOCKED',
        message: expect.stringContaining('has opened meanwhile'),
      })
    })

    it('because a file of it vanishes: that file is named, and not the target', async () => {
      const directory = join(freshDirectory(), 'log')
      writeLog(directory, smallLog().files)
      const path = join(directory, MIDDLE)
      const system = whileCopying(directory, MIDDLE, async () => unlinkSync(path))
      const saving = salvageLog(system, directory, `${directory}-saved`)
      await expect(saving).rejects.toMatchObject({
        code: 'QLOG_IO',
        message: `cannot read ${path} (ENOENT)`,
      })
    })
  })
})
