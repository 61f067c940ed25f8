/** Line 9 of the contract and reading: whole entries in order, never above what is durable. */
import { strict as assert } from 'node:assert'
import type { Entry, OwnedLog } from '../../log/seam.ts'
import type { LogCase } from '../log-suite.ts'
import { rejectsCode } from './log-bench.ts'
import { assertNumbered, numbered } from './numbered.ts'

export const readCases: readonly LogCase[] = [
  {
    name: '9: a reader never sees above durable, and what it saw is there after a crash',
    run: async (bench) => {
      let seen = 0
      for (let round = 0; round < 6; round++) {
        const opened = await bench.open()
        const { log, told } = opened
        const first = assertNumbered(await bench.entries(log))
        assert.ok(first >= seen, `${seen} were seen, ${first} are there`)
        seen = first
        const follower = new Follower(log, log.durableLsn)
        for (let n = 1; n <= 20; n++) {
          log.append(numbered(first + n))
          follower.check()
          if (n % 4 === round % 4) await bench.pass(n % 5)
        }
        if (round % 2 === 0) await told.settled(10)
        await bench.pass(round * 3)
        follower.check()
        seen += follower.entries.length
        await bench.crash(opened)
      }
    },
  },
  {
    name: '9: what was just appended is not read before it is durable',
    run: async (bench) => {
      const { log, told } = await bench.open()
      log.append(numbered(1))
      const follower = new Follower(log, 0)
      await told.settled(1)
      const before = log.durableLsn
      log.append(numbered(2))
      assert.equal(log.durableLsn, before)
      const entries = await bench.entries(log)
      assert.ok(entries.every(({ lsn }) => lsn <= log.durableLsn))
      assert.equal(entries.length, told.upTo)
      await told.settled(2)
      await bench.soon('the follower', follower.until(2))
      assert.equal(assertNumbered(follower.entries), 2)
      assert.ok(log.durableLsn >= (follower.entries[1]?.lsn ?? Number.POSITIVE_INFINITY))
    },
  },
  {
    name: '9: what is appended from here on stands behind durableLsn, what was there does not',
    run: async (bench) => {
      for (let round = 0; round < 3; round++) {
        const opened = await bench.open()
        const { log, told } = opened
        for (let n = 1; n <= 8; n++) {
          const { durableLsn } = log
          assert.deepEqual(await bench.entries(log, durableLsn), [])
          log.append(numbered(n))
          await told.settled(n)
          assert.equal((await bench.entries(log, durableLsn)).length, 1)
        }
        if (round % 2 === 0) await bench.crash(opened)
        else await log.close()
      }
    },
  },
  {
    name: '9: durableLsn never moves back, also from one opening to the next',
    run: async (bench) => {
      let last = 0
      for (let round = 0; round < 4; round++) {
        const opened = await bench.open()
        const { log, told } = opened
        for (let n = 1; n <= 10; n++) {
          assert.ok(log.durableLsn >= last, `${log.durableLsn} after ${last}`)
          last = log.durableLsn
          log.append(numbered(n))
          if (n % 3 === 0) await told.settled(n)
        }
        await told.settled(10)
        assert.ok(log.durableLsn >= (told.commits.at(-1)?.lsn ?? 0))
        assert.ok(log.firstLsn <= log.durableLsn)
        if (round % 2 === 0) await bench.crash(opened)
        else await log.close()
      }
    },
  },
  {
    name: 'read begins behind `after`, at any entry, and in steps of `bytesMax` about',
    run: async (bench) => {
      const { log, told } = await bench.open()
      for (let n = 1; n <= 40; n++) log.append(numbered(n))
      await told.settled(40)
      const all = await bench.entries(log)
      for (let row = 0; row < all.length; row += 7) {
        const rest = await bench.entries(log, all[row]?.lsn)
        assert.deepEqual(
          rest.map(({ lsn }) => lsn),
          all.slice(row + 1).map(({ lsn }) => lsn),
        )
      }
      const inSteps: Entry[] = []
      for await (const step of log.read({ after: 0, bytesMax: 1 })) inSteps.push(...step)
      assert.equal(assertNumbered(inSteps), 40)
    },
  },
  {
    name: 'read with follow waits at the end for more, across many groups',
    run: async (bench) => {
      const { log, told } = await bench.open()
      log.append(numbered(1))
      await told.settled(1)
      const follower = new Follower(log, 0)
      for (let n = 2; n <= 30; n++) {
        log.append(numbered(n))
        if (n % 5 === 0) await told.settled(n)
      }
      await bench.soon('the follower', follower.until(30))
      assert.equal(assertNumbered(follower.entries), 30)
      await follower.end()
    },
  },
  {
    name: 'a read that is aborted rejects with QLOG_ABORTED, before it and while it waits',
    run: async (bench) => {
      const { log } = await bench.open()
      const aborted = AbortSignal.abort()
      await rejectsCode('QLOG_ABORTED', log.read({ after: 0, signal: aborted }).next())
      const controller = new AbortController()
      const { signal } = controller
      const waiting = log.read({ after: 0, follow: true, signal }).next()
      waiting.catch(() => undefined)
      await bench.pass(5)
      controller.abort()
      await rejectsCode('QLOG_ABORTED', bench.soon('the aborted read', waiting))
    },
  },
  {
    name: 'leaving a read that waits ends it',
    run: async (bench) => {
      const { log } = await bench.open()
      const iterator = log.read({ after: 0, follow: true })
      const waiting = iterator.next()
      await bench.pass(5)
      await bench.soon('leaving', Promise.resolve(iterator.return?.()))
      assert.equal((await bench.soon('the read', waiting)).done, true)
      assert.equal((await iterator.next()).done, true)
    },
  },
]

/** Reads on in the background, and checks at each step that the log calls it durable. */
class Follower {
  readonly entries: Entry[] = []
  readonly #iterator: AsyncIterableIterator<readonly Entry[]>
  #error: unknown
  #wake: () => void = () => undefined

  constructor(log: OwnedLog, after: number) {
    this.#iterator = log.read({ after, follow: true })
    this.#run(log).catch((error: unknown) => {
      this.#error = error
      this.#wake()
    })
  }

  /** Throws what went wrong so far. */
  check(): void {
    if (this.#error !== undefined) throw this.#error
  }

  async until(count: number): Promise<void> {
    while (this.entries.length < count) {
      this.check()
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async end(): Promise<void> {
    await this.#iterator.return?.()
    this.check()
  }

  async #run(log: OwnedLog): Promise<void> {
    for await (const step of this.#iterator) {
      for (const entry of step) {
        assert.ok(
          entry.lsn <= log.durableLsn,
          `${entry.lsn} was read, ${log.durableLsn} is durable`,
        )
        this.entries.push(entry)
      }
      this.#wake()
    }
  }
}
