/**
 * Every contender of bench/peers does what their contract says. One that is not installed here is skipped
 * aloud; qlog's own always run. Counts are all that a take gives, so the order in which messages leave is
 * not seen here.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Contender, type Loaded, Missing, type Opened } from '../../bench/peers/contract.ts'
import { CONTENDERS, contenderOf } from '../../bench/peers/registry.ts'
import { TAKERS } from '../../bench/peers/takers.ts'

const MANY = 250
const TAKEN_BEFORE_CLOSE = 100
/** Does not divide what there is, so that the last take finds fewer. */
const TAKE = 7
const ROUNDS = 4
const BODY_BYTES = 40
/** More than any test puts. */
const TAKEN_MAX = 10_000

test('no two contenders have one id', () => {
  const ids = CONTENDERS.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
})

test('what keeps nothing answers at once, and is found beside the field', async () => {
  const nothing = contenderOf('no-op')
  expect(CONTENDERS).not.toContain(nothing)
  const opened = await (await nothing.load()).open('nowhere')
  let hasAnswered = false
  void opened.put(body(0)).then(() => {
    hasAnswered = true
  })
  // What waits for the next turn would be measured with the loads, and is no cost of theirs.
  await Promise.resolve()
  expect(hasAnswered).toBe(true)
  await opened.putMany(bodies(MANY))
  expect(await take(opened, TAKE)).toBe(TAKE)
  await opened.close()
})

// A server takes seconds to start: those are opened twice each, in peers-servers.test.ts.
for (const contender of CONTENDERS.filter(({ kind }) => kind === 'embedded')) {
  const loaded = await load(contender)
  describe.skipIf(loaded === undefined)(contender.id, () => {
    let directory: string
    let opened: Opened | undefined

    /** Opens it, or closes it and opens it again. */
    async function open(): Promise<Opened> {
      await close()
      if (loaded === undefined) throw new Error('what is not loaded is skipped')
      opened = await loaded.open(directory)
      return opened
    }

    async function close(): Promise<void> {
      const closing = opened
      opened = undefined
      await closing?.close()
    }

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), `qlog-peer-${contender.id}.`))
    })
    afterEach(async () => {
      await close()
      await rm(directory, { recursive: true })
    })

    test('says its version, its settings and where they come from', () => {
      expect(loaded?.version).toMatch(/\w/)
      expect(contender.settings).toMatch(/\w/)
      expect(contender.source).toMatch(/\w/)
    })

    test('is closed and opened again with what was put', async () => {
      const first = await open()
      await first.put(body(0))
      await first.putMany(bodies(MANY))
      await (await open()).put(body(0))
    })

    describe.skipIf(contender.shape === 'log')('as a queue', () => {
      test('gives nothing where nothing was put', async () => {
        expect(await take(await open(), TAKE)).toBe(0)
      })

      test('is taken from by as many at once as all others', async () => {
        expect((await open()).takers).toBe(TAKERS)
      })

      test('gives each message once, and keeps those that were not taken', async () => {
        const first = await open()
        await first.put(body(0))
        await first.putMany(bodies(MANY))
        await takeExactly(first, TAKEN_BEFORE_CLOSE)

        // More than was taken: none of these may stand where another does.
        const second = await open()
        await second.putMany(bodies(MANY))
        expect(await drain(second)).toBe(MANY + 1 - TAKEN_BEFORE_CLOSE + MANY)
        await second.put(body(0))

        const third = await open()
        expect(await drain(third)).toBe(1)
      })

      test('gives no message to two takers side by side', async () => {
        const queue = await open()
        await Promise.all(bodies(MANY).map((one) => queue.put(one)))
        const taken = await Promise.all([drain(queue), drain(queue)])
        expect(sum(taken)).toBe(MANY)
      })

      test('neither loses nor doubles a message while others are put', async () => {
        const queue = await open()
        let isPutting = true
        const taking = async (): Promise<number> => {
          let total = 0
          while (isPutting) {
            total += await take(queue, TAKE)
            // A take may be synchronous inside, and the puts want their turn.
            await new Promise(setImmediate)
          }
          return total
        }
        const takers = [taking(), taking()]
        for (let round = 0; round < ROUNDS; round++) {
          const puts = bodies(MANY).map((one) => queue.put(one))
          await Promise.all([...puts, queue.putMany(bodies(MANY))])
        }
        isPutting = false
        const taken = [...(await Promise.all(takers)), await drain(queue)]
        expect(sum(taken)).toBe(2 * MANY * ROUNDS)
        expect(await drain(await open())).toBe(0)
      })
    })
  })
}

/** Undefined, and aloud why, where something that it needs is not here. */
async function load(contender: Contender): Promise<Loaded | undefined> {
  try {
    return await contender.load()
  } catch (error) {
    if (!(error instanceof Missing)) throw error
    process.stderr.write(`SKIPPED: contender ${contender.id}: ${error.message}\n`)
    return undefined
  }
}

function take(queue: Opened, count: number): Promise<number> {
  if (queue.take === undefined) throw new Error('only a log may be without take')
  return queue.take(count)
}

async function takeExactly(queue: Opened, count: number): Promise<void> {
  for (let left = count; left > 0; ) {
    const taken = await take(queue, Math.min(TAKE, left))
    expect(taken).toBeGreaterThan(0)
    expect(taken).toBeLessThanOrEqual(Math.min(TAKE, left))
    left -= taken
  }
}

/** Takes until nothing is left. */
async function drain(queue: Opened): Promise<number> {
  for (let total = 0; ; ) {
    const taken = await take(queue, TAKE)
    if (taken === 0) return total
    total += taken
    if (total > TAKEN_MAX) throw new Error('there is no end of messages')
  }
}

function bodies(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => body(at))
}

function body(at: number): Uint8Array {
  return new Uint8Array(BODY_BYTES).fill(at)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
