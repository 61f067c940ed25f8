/** Lines 1, 2 and 4 of the contract: order, whole batches, epochs; and what a crash leaves. */
import { strict as assert } from 'node:assert'
import type { LogCase } from '../log-suite.ts'
import type { LogBench, Opened } from './log-bench.ts'
import { assertNumbered, batchOf, messagesUpTo, numbered, textsOf } from './numbered.ts'

export const commitCases: readonly LogCase[] = [
  {
    name: '1: appends become durable in their order, and are told so in that order',
    run: async (bench) => {
      const { log, told } = await bench.open()
      for (let n = 1; n <= 60; n++) {
        assert.equal(log.append(numbered(n)), n, 'tickets count from 1')
        if (n % 7 === 0) await told.settled(n)
      }
      assert.equal(await told.settled(60), 'committed')
      const entries = await bench.entries(log)
      assert.equal(assertNumbered(entries), 60)
      assert.equal(log.nextId, messagesUpTo(60) + 1)
      // A commit names an LSN behind all its entries and before those of the next one.
      for (const { upTo, lsn, timeMs } of told.commits) {
        const rest = await bench.entries(log, lsn)
        assert.equal(rest.length, 60 - upTo, `reading behind the LSN of ticket ${upTo}`)
        assert.equal(entries[upTo - 1]?.timeMs, timeMs, 'an entry has the time that was told')
      }
    },
  },
  {
    name: '1: a crash leaves an unbroken front, with everything that was acknowledged',
    run: (bench) => crashOften(bench, 12, 9),
  },
  {
    name: '1: a crash amid many groups leaves an unbroken front as well',
    run: (bench) => crashOften(bench, 4, 120),
  },
  {
    name: '2: a batch of messages and control records is one entry',
    run: async (bench) => {
      const { log, told } = await bench.open()
      const many = Array.from({ length: 40 }, (_, row) => `${row}:`.padEnd(row * 9, 'y'))
      log.append(batchOf(['a']))
      log.append(batchOf(many, ['c1', 'c2', '']))
      log.append(batchOf([], ['alone']))
      log.append(batchOf(['', 'z']))
      assert.equal(await told.settled(4), 'committed')
      const check = async ({ log: opened }: Opened): Promise<void> => {
        const entries = await bench.entries(opened)
        assert.deepEqual(entries.map(textsOf), [
          { messages: ['a'], control: [] },
          { messages: many, control: ['c1', 'c2', ''] },
          { messages: [], control: ['alone'] },
          { messages: ['', 'z'], control: [] },
        ])
        assert.deepEqual(Array.from(entries[3]?.ids ?? []), [42, 43])
      }
      await check({ log, told })
      await check(await bench.reopen({ log, told }))
    },
  },
  {
    name: '2: after a crash a large batch is there whole or not at all',
    run: async (bench) => {
      let kept = 0
      for (let round = 1; round <= 8; round++) {
        const opened = await bench.open()
        const { log, told } = opened
        const bodies = Array.from({ length: 30 }, (_, row) => `${round}.${row}:`.padEnd(400, 'z'))
        const ticket = log.append(batchOf(bodies, [`${round}`]))
        if (round % 2 === 0) await told.settled(ticket)
        else await bench.pass(round - 1)
        const isAcknowledged = told.fateOf(ticket) === 'committed'
        await bench.crash(opened)
        const again = await bench.open()
        const entries = await bench.entries(again.log)
        assert.ok(entries.length === kept + 1 || (entries.length === kept && !isAcknowledged))
        for (const { messages, control } of entries) {
          assert.deepEqual([messages.length, control.length], [30, 1])
        }
        kept = entries.length
        await again.log.close()
      }
    },
  },
  {
    name: '4: every opening has a higher epoch, and entries keep that of their writer',
    run: async (bench) => {
      const epochs: number[] = []
      let opened = await bench.open()
      for (let n = 1; n <= 4; n++) {
        epochs.push(opened.log.epoch)
        opened.log.append(numbered(n))
        await opened.told.settled(1)
        if (n % 2 === 0) {
          await bench.crash(opened)
          opened = await bench.open()
        } else opened = await bench.reopen(opened)
      }
      epochs.push(opened.log.epoch)
      assert.deepEqual(
        epochs,
        [...new Set(epochs)].sort((a, b) => a - b),
      )
      const entries = await bench.entries(opened.log)
      assert.deepEqual(
        entries.map(({ epoch }) => epoch),
        epochs.slice(0, 4),
      )
      assert.equal(opened.log.nextId, messagesUpTo(4) + 1)
    },
  },
  {
    name: '11: what a log tells is made of numbers and bytes',
    run: async (bench) => {
      const { log, told } = await bench.open()
      log.append(numbered(11))
      await told.settled(1)
      const [entry] = await bench.entries(log)
      assert.ok(entry)
      for (const [name, value] of Object.entries({ ...entry, ...log.limits, ...told.commits[0] })) {
        const parts: unknown[] = typeof value === 'object' ? Object.values(value) : [value]
        for (const part of parts) {
          const isPlain = ['number', 'boolean'].includes(typeof part) || part instanceof Uint8Array
          assert.ok(isPlain, `${name} is a ${typeof part}`)
        }
      }
    },
  },
]

/** Appends and crashes again and again: what is lost is appended anew. */
async function crashOften(bench: LogBench, rounds: number, appends: number): Promise<void> {
  let kept = 0
  for (let round = 0; round < rounds; round++) {
    const opened = await bench.open()
    const { log, told } = opened
    const first = kept
    for (let n = 1; n <= appends; n++) {
      log.append(numbered(first + n))
      if ((n + round) % 5 === 0) await bench.pass(round % 3)
    }
    await bench.pass((round * 7) % 40)
    const acknowledged = first + told.upTo
    await bench.crash(opened)
    const again = await bench.open()
    kept = assertNumbered(await bench.entries(again.log))
    assert.ok(kept >= acknowledged, `${acknowledged} were acknowledged, ${kept} are there`)
    assert.ok(kept <= first + appends)
    assert.equal(again.log.nextId, messagesUpTo(kept) + 1)
    await again.log.close()
  }
}
