/**
 * Goal: a backup holds exactly what was durable below the id that it names, whatever its writer did
 * meanwhile, opens like any other log, and is either whole or not there. Method: logs at rest, damaged
 * ones, and a store that moves messages from queue to queue without pause, whose number never changes.
 */
import {
  closeSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openLog, openReader, openStore, type Store } from '../../src/index.ts'
import { backup, dumpSegment, segments, verify } from '../../src/inspect/index.ts'
import { flipBit, MIDDLE, smallLog, writeLog } from './small-log.ts'

/** A writer that gets nowhere ends the test. */
const ROUNDS = 8
const TOKENS = 40

function fresh(): string {
  const directory = mkdtempSync(join(tmpdir(), 'qlog-backup-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

async function everything(directory: string) {
  const reader = await openReader(directory)
  const messages: unknown[] = []
  for await (const { id, timeMs, body } of reader.read()) {
    messages.push([id, timeMs, Buffer.from(body).toString('latin1')])
  }
  const { nextId } = reader
  await reader.close()
  return { messages, nextId }
}

describe('of a log at rest', () => {
  it.each([
    ['closed', {}],
    ['not closed', { closed: false }],
    ['without an index', { closed: false, indexed: false }],
  ])('%s: the same messages, and the next id follows', async (_what, options) => {
    const place = fresh()
    const [from, to] = [join(place, 'log'), join(place, 'copy')]
    writeLog(from, smallLog(options).files)
    const names = readdirSync(from)
    const report = await backup(from, `${to}/`)
    expect(report).toMatchObject({ target: to, segments: 4, live: false, findings: [] })
    expect(readdirSync(from)).toEqual(names)
    const before = await everything(from)
    expect(await everything(to)).toEqual(before)
    expect(report.nextId).toBe(before.nextId)
    expect(await verify(to)).toMatchObject({ verdict: 'fine', closed: true })
    const log = await openLog(to)
    expect(await log.append('next')).toBe(before.nextId)
    await log.close()
    // A backup of what was restored is one more copy.
    await backup(to, `${to}-2`)
    expect((await everything(`${to}-2`)).nextId).toBe(before.nextId + 1)
  })

  it('an empty log, and one with a single message', async () => {
    const place = fresh()
    const log = await openLog(join(place, 'log'))
    await log.append('one')
    await log.close()
    await backup(join(place, 'log'), join(place, 'copy'))
    expect((await everything(join(place, 'copy'))).messages).toHaveLength(1)
    await expect(backup(join(place, 'none'), join(place, 'c'))).rejects.toMatchObject({
      code: 'QLOG_NOT_A_LOG',
    })
    expect(existsSync(join(place, 'c'))).toBe(false)
  })
})

describe('of a damaged log', () => {
  it('damage within a full segment is handed on as it is, and told', async () => {
    const place = fresh()
    const { files, dataOffsets } = smallLog()
    const offset = dataOffsets.get(MIDDLE)?.[0] ?? 0
    flipBit(files, MIDDLE, offset + 100, 3)
    writeLog(join(place, 'log'), files)
    const report = await backup(join(place, 'log'), join(place, 'copy'))
    expect(report.findings).toMatchObject([{ file: MIDDLE, row: 'rot-below-cut' }])
    const [before, after] = [await verify(join(place, 'log')), await verify(join(place, 'copy'))]
    expect(after.lostMessages).toBe(before.lostMessages)
    expect(after.verdict).toBe('rot')
  })

  it('a segment that is missing: no copy is made', async () => {
    const place = fresh()
    writeLog(join(place, 'log'), smallLog().files)
    unlinkSync(join(place, 'log', MIDDLE))
    await expect(backup(join(place, 'log'), join(place, 'copy'))).rejects.toMatchObject({
      code: 'QLOG_DAMAGED',
    })
    expect(readdirSync(place)).toEqual(['log'])
  })
})

describe('of a store of which a block is damaged that cost no message', () => {
  interface Place {
    readonly file: string
    readonly offset: number
    readonly type: string
  }

  /** A closed store, and the blocks of its last full segment that hold no message and count. */
  async function closedStore(): Promise<{ data: string; places: readonly Place[] }> {
    const data = join(fresh(), 'data')
    const store = await openStore(data, { log })
    const queue = store.queue('orders')
    await queue.putMany(Array.from({ length: 80 }, () => 'x'.repeat(200)))
    const session = store.session()
    await session.watch('orders')
    const deliveries = await session.reserve({ count: 30 })
    for (const delivery of deliveries.slice(0, 20)) await delivery.ack()
    for (const delivery of deliveries.slice(20, 25)) await delivery.bury({ reason: 'why' })
    await session.close()
    await store.compact()
    // The next segments: the last full one is behind the snapshot.
    for (let row = 0; row < 8; row += 1) await queue.put('y'.repeat(3_000))
    await store.close()
    const file = (await segments(data)).at(-2)?.file ?? ''
    const places: Place[] = []
    for await (const item of dumpSegment(join(data, file))) {
      // What comes behind the cut of a full segment, SEAL among it, counts for nothing.
      if (item.kind !== 'block' || item.type === 'DATA' || item.type === 'SEAL') continue
      places.push({ file, offset: item.offset, type: item.type })
    }
    return { data, places }
  }

  const log = { segmentBytesMin: 16_384, segmentBytesMax: 16_384 }

  function damage(directory: string, { file, offset }: Place): void {
    const descriptor = openSync(join(directory, file), 'r+')
    writeSync(descriptor, new Uint8Array(40).fill(0x5a), 0, 40, offset + 4)
    closeSync(descriptor)
  }

  async function messagesOf(directory: string, onDamage?: 'quarantine'): Promise<number> {
    const opened = await openStore(directory, { log: { ...log, ...(onDamage && { onDamage }) } })
    const { messages } = opened.stats()
    await opened.close()
    return messages
  }

  it('what Close left in the index opens the copy, as it opens the original', async () => {
    const { data, places } = await closedStore()
    expect(places.map(({ type }) => type)).toContain('LINK')
    for (const place of places) {
      const damaged = join(fresh(), 'damaged')
      cpSync(data, damaged, { recursive: true })
      damage(damaged, place)
      const report = await backup(damaged, `${damaged}-copy`)
      expect(report.findings).toHaveLength(1)
      expect(report.stateDamage).toBeUndefined()
      expect(await messagesOf(`${damaged}-copy`)).toBe(await messagesOf(damaged))
    }
  })

  it('where the copy does not open, that is told, and how it does', async () => {
    const { data, places } = await closedStore()
    const [place] = places
    if (!place) throw new Error('every segment begins with LINK')
    const messages = await messagesOf(data)
    for (const name of ['index.a', 'index.b']) rmSync(join(data, name), { force: true })
    damage(data, place)
    const report = await backup(data, `${data}-copy`)
    expect(report.stateDamage).toBe(`${place.file}: damaged at byte ${place.offset}`)
    await expect(messagesOf(`${data}-copy`)).rejects.toMatchObject({ code: 'QLOG_DAMAGED' })
    expect(await messagesOf(`${data}-copy`, 'quarantine')).toBe(messages)
  })
})

describe('the target', () => {
  it('is a new directory', async () => {
    const place = fresh()
    writeLog(join(place, 'log'), smallLog().files)
    await expect(backup(join(place, 'log'), join(place, 'log'))).rejects.toMatchObject({
      code: 'QLOG_NOT_EMPTY',
    })
  })

  it('is not there where it was interrupted', async () => {
    const place = fresh()
    writeLog(join(place, 'log'), smallLog().files)
    const abort = new AbortController()
    const onProgress = (): void => abort.abort()
    const copying = backup(join(place, 'log'), join(place, 'copy'), {
      signal: abort.signal,
      onProgress,
    })
    await expect(copying).rejects.toMatchObject({ code: 'QLOG_ABORTED' })
    expect(readdirSync(place)).toEqual(['log'])
    expect(readdirSync(join(place, 'log')).filter((name) => name.startsWith('pin-'))).toEqual([])
  })
})

/** Moves messages from one queue to the other, each move one atomic entry, until told to stop. */
class Mover {
  moves = 0
  #isOver = false
  readonly #store: Store
  readonly #running: Promise<void>

  constructor(store: Store) {
    this.#store = store
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  async #run(): Promise<void> {
    const session = this.#store.session()
    await session.watch('left')
    await session.watch('right')
    while (!this.#isOver) {
      const deliveries = await session.reserve({ count: 3 })
      await this.#store.transaction((transaction) => {
        for (const delivery of deliveries) {
          const other = delivery.queue === 'left' ? 'right' : 'left'
          transaction.put(other, delivery.body)
          transaction.ack(delivery)
        }
      })
      this.moves += deliveries.length
    }
    await session.close()
  }
}

describe('beside a writer', () => {
  it('a store that works: each copy is the store of one moment, whole, and opens', async () => {
    const place = fresh()
    const data = join(place, 'data')
    // Small segments, so that they fill, retire and merge under the copying.
    const log = { segmentBytesMin: 16_384, segmentBytesMax: 32_768 }
    const store = await openStore(data, { log })
    const tokens = Array.from({ length: TOKENS }, (_, row) => `token ${row} ${'x'.repeat(300)}`)
    await store.queue('left').putMany(tokens)
    const mover = new Mover(store)
    let nextId = 0
    for (let round = 1; round <= ROUNDS; round += 1) {
      const movesBefore = mover.moves
      const report = await backup(data, join(place, `copy-${round}`))
      expect(report).toMatchObject({ live: true, findings: [] })
      expect(report.nextId).toBeGreaterThanOrEqual(nextId)
      nextId = report.nextId
      if (round === ROUNDS / 2) await store.compact()
      while (mover.moves < movesBefore + 200) await new Promise(setImmediate)
    }
    await mover.stop()
    await store.close()
    for (let round = 1; round <= ROUNDS; round += 1) {
      const copy = join(place, `copy-${round}`)
      expect(await verify(copy)).toMatchObject({ verdict: 'fine' })
      const opened = await openStore(copy, { log })
      const found: string[] = []
      for (const name of ['left', 'right']) {
        const group = opened.queue(name).group()
        for (const info of await group.list({ limit: TOKENS })) {
          expect(info.state).toBe('ready')
          const message = await opened.queue(name).get(info.id)
          found.push(Buffer.from(message?.body ?? []).toString())
        }
      }
      expect(found.sort()).toEqual([...tokens].sort())
      const { id } = await opened.queue('left').put('one more')
      expect(id).toBeGreaterThanOrEqual(1)
      await opened.close()
      const again = await openStore(copy, { log })
      expect(again.stats().messages).toBe(TOKENS + 1)
      await again.close()
    }
  })
})
