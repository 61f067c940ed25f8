/** Lines 3, 4 and 8 of the contract: what a log does when it fails, is taken over, or is full. */
import { strict as assert } from 'node:assert'
import { QlogError } from '../../errors.ts'
import type { Ticket } from '../../log/seam.ts'
import type { LogCase } from '../log-suite.ts'
import { type LogBench, type Opened, rejectsCode, throwsCode } from './log-bench.ts'
import { assertNumbered, batchOf, numbered, textOf, textsOf } from './numbered.ts'

/** Batches that a test appends at most until a log has noticed that it is full. */
const FULL_APPENDS_MAX = 2_000

export const troubleCases: readonly LogCase[] = [
  {
    name: '3: after failed nothing commits, and everything else says so',
    needs: ['failNextCommit'],
    run: async (bench) => {
      const { log, told } = await bench.open()
      for (let n = 1; n <= 3; n++) log.append(numbered(n))
      await told.settled(3)
      const { durableLsn } = log
      bench.failNextCommit()
      for (let n = 4; n <= 6; n++) log.append(numbered(n))
      for (let n = 4; n <= 6; n++) {
        assert.ok(['rejected', 'indeterminate'].includes(await told.settled(n)))
      }
      throwsCode('QLOG_FAILED', () => log.append(numbered(7)))
      await rejectsCode('QLOG_FAILED', log.room())
      await bench.pass(200)
      assert.equal(told.upTo, 3)
      assert.equal(log.durableLsn, durableLsn)
      assert.equal(assertNumbered(await bench.entries(log)), 3)
    },
  },
  {
    name: '3: after a failure and a reopening what was rejected is absent, the rest a front',
    needs: ['failNextCommit'],
    run: async (bench) => {
      const opened = await bench.open()
      const { log, told } = opened
      log.append(numbered(1))
      await told.settled(1)
      bench.failNextCommit()
      for (let n = 2; n <= 12; n++) {
        try {
          log.append(numbered(n))
        } catch (error) {
          assert.ok(error instanceof QlogError && error.code === 'QLOG_FAILED', String(error))
          break
        }
        if (n % 4 === 0) await bench.pass(1)
      }
      await told.settled(2)
      const rejected = told.failures.filter(({ outcome }) => outcome === 'rejected')
      const firstRejected = Math.min(...rejected.map(({ from }) => from))
      await log.close().catch(() => undefined)
      const again = await bench.open()
      const kept = assertNumbered(await bench.entries(again.log))
      assert.ok(kept >= 1 && kept < firstRejected)
      again.log.append(numbered(kept + 1))
      assert.equal(await again.told.settled(1), 'committed')
    },
  },
  {
    name: '3: a snapshot is not saved by a log that has failed',
    needs: ['failNextCommit', 'snapshots'],
    run: async (bench) => {
      const { log, told } = await bench.open()
      bench.failNextCommit()
      log.append(numbered(1))
      await told.settled(1)
      const parts = async function* () {
        yield ['part', 0, new Uint8Array(1)] as const
      }
      await rejectsCode('QLOG_FAILED', log.saveSnapshot(parts()))
      assert.equal(await log.snapshot(), undefined)
    },
  },
  {
    name: '4: a writer that was taken over learns QLOG_FENCED before any committed',
    needs: ['takeOver'],
    run: async (bench) => {
      const old = await bench.open()
      old.log.append(numbered(1))
      await old.told.settled(1)
      const next = await bench.takeOver()
      assert.ok(next.log.epoch > old.log.epoch)
      await appendFenced(bench, old)
      throwsCode('QLOG_FENCED', () => old.log.append(numbered(99)))
      await bench.pass(100)
      assert.equal(old.told.upTo, 1)
      next.log.append(numbered(2))
      assert.equal(await next.told.settled(1), 'committed')
      assert.equal(assertNumbered(await bench.entries(next.log)), 2)
    },
  },
  {
    name: '4: taken over amid appends: what was told committed is there, and a front of the rest',
    needs: ['takeOver'],
    run: async (bench) => {
      const old = await bench.open()
      for (let n = 1; n <= 30; n++) {
        old.log.append(numbered(n))
        if (n % 6 === 0) await bench.pass(1)
      }
      const next = await bench.takeOver()
      await old.told.settled(30)
      const kept = assertNumbered(await bench.entries(next.log))
      assert.ok(kept >= old.told.upTo && kept <= 30)
      const { failures } = old.told
      for (const { from, outcome } of failures) if (outcome === 'rejected') assert.ok(from > kept)
      next.log.append(numbered(kept + 1))
      assert.equal(await next.told.settled(1), 'committed')
    },
  },
  {
    name: '8: a full log turns messages away and still takes control records',
    needs: ['setFull'],
    run: fillAndEmpty,
  },
]

/** Appends to a log that was taken over: it throws, or the ticket fails; then it throws. */
async function appendFenced(bench: LogBench, { log, told }: Opened): Promise<void> {
  let ticket: Ticket
  try {
    ticket = log.append(batchOf(['in vain'], ['in vain']))
  } catch (error) {
    assert.ok(error instanceof QlogError && error.code === 'QLOG_FENCED', String(error))
    return
  }
  const fate = await bench.soon('the fate of a fenced append', told.settled(ticket))
  assert.ok(fate === 'rejected' || fate === 'indeterminate', `a fenced append is ${fate}`)
  const [failure] = told.failures
  assert.ok(failure?.cause instanceof QlogError && failure.cause.code === 'QLOG_FENCED')
}

async function fillAndEmpty(bench: LogBench): Promise<void> {
  const opened = await bench.open()
  const { log, told } = opened
  const sent = new Map<Ticket, string>()
  const put = (text: string): void => void sent.set(log.append(batchOf([text])), text)
  put('before')
  await told.settled(1)
  bench.setFull(true)
  await fill(bench, opened, put)
  for (let n = 0; n < 20; n++) {
    const ticket = log.append(batchOf([], [`control ${n}`]))
    assert.equal(await told.settled(ticket), 'committed', 'control records go while it is full')
    throwsCode('QLOG_DISK_FULL', () => log.append(batchOf(['m'.repeat(4_000)])))
  }
  bench.setFull(false)
  await told.until('space again', () => told.spaces.at(-1) === 'ok')
  put('after')
  const [last = 0] = [...sent.keys()].slice(-1)
  assert.equal(await told.settled(last), 'committed')

  const expected = [...sent].filter(([ticket]) => told.fateOf(ticket) === 'committed')
  assert.equal(log.nextId, expected.length + 1, 'what was refused took no id')
  const again = await bench.reopen(opened)
  const entries = await bench.entries(again.log)
  assert.deepEqual(
    entries.flatMap(({ messages }) => messages.map(textOf)),
    expected.map(([, text]) => text),
  )
  assert.deepEqual(
    entries.flatMap((entry) => textsOf(entry).control),
    Array.from({ length: 20 }, (_, n) => `control ${n}`),
  )
}

/** Appends messages until the log has told that it is full and takes no more. */
async function fill(bench: LogBench, opened: Opened, put: (text: string) => void): Promise<void> {
  const { told } = opened
  for (let n = 0; n < FULL_APPENDS_MAX; n++) {
    try {
      put(`${n}:`.padEnd(4_000, 'f'))
    } catch (error) {
      assert.ok(error instanceof QlogError && error.code === 'QLOG_DISK_FULL', String(error))
      await told.until('the word that it is full', () => told.spaces.at(-1) === 'full')
      return
    }
    if (n % 2 === 0) await bench.pass(2)
    if (n % 8 === 0) await opened.log.room()
  }
  assert.fail(`${FULL_APPENDS_MAX} appends went to a full log`)
}
