/** Opening and closing: what waits is settled, and afterwards nothing works any more. */
import { strict as assert } from 'node:assert'
import type { LogCase } from '../log-suite.ts'
import { type LogBench, rejectsCode, throwsCode } from './log-bench.ts'
import { assertNumbered, batchOf, numbered } from './numbered.ts'
import { OwnerRecorder } from './owner-recorder.ts'

export const closeCases: readonly LogCase[] = [
  {
    name: 'close waits until everything that was appended is durable',
    run: async (bench) => {
      const opened = await bench.open()
      for (let n = 1; n <= 12; n++) opened.log.append(numbered(n))
      const again = await bench.reopen(opened)
      assert.equal(opened.told.upTo, 12)
      assert.equal(assertNumbered(await bench.entries(again.log)), 12)
    },
  },
  {
    name: 'close with timeoutMs tells what became of each append, and keeps what it acknowledged',
    run: async (bench) => {
      let kept = 0
      for (const timeoutMs of [0, 1, 5, 20, 1_000]) {
        const { log, told } = await bench.open()
        for (let n = 1; n <= 5; n++) {
          log.append(numbered(kept + n))
          if (n === 3) await bench.pass(2)
        }
        await bench.soon('close', log.close({ timeoutMs }))
        for (let n = 1; n <= 5; n++) assert.notEqual(told.fateOf(n), 'waiting')
        const acknowledged = kept + told.upTo
        const rejected = told.failures.find(({ outcome }) => outcome === 'rejected')
        const mostKept = rejected ? kept + rejected.from - 1 : kept + 5
        const again = await bench.open()
        kept = assertNumbered(await bench.entries(again.log))
        assert.ok(kept >= acknowledged && kept <= mostKept, `${kept} are there`)
        await again.log.close()
      }
    },
  },
  {
    name: 'a discard within the last words of a log that closes is ignored',
    run: async (bench) => {
      const { log, told } = await bench.open()
      for (let n = 1; n <= 5; n++) log.append(numbered(n))
      const closing = log.close()
      log.discard([[1, 1]])
      await closing
      assert.equal(told.upTo, 5)
      const again = await bench.open()
      assert.equal(assertNumbered(await bench.entries(again.log)), 5)
    },
  },
  {
    name: 'after close every call is QLOG_CLOSED, and closing again is no error',
    run: useAfterClose,
  },
  {
    name: 'close ends a read that waits for more',
    run: async (bench) => {
      const { log } = await bench.open()
      const waiting = log.read({ after: 0, follow: true }).next()
      const ended = waiting.then(
        ({ done }) => assert.equal(done, true),
        (error: unknown) => rejectsCode('QLOG_CLOSED', Promise.reject(error)),
      )
      ended.catch(() => undefined)
      await bench.pass(5)
      await log.close()
      await bench.soon('the end of the read', ended)
    },
  },
  {
    name: 'an opening that is aborted rejects with QLOG_ABORTED, and leaves the log to the next one',
    run: async (bench) => {
      const silent = new OwnerRecorder((_what, promise) => promise)
      const signal = AbortSignal.abort()
      await rejectsCode('QLOG_ABORTED', bench.fixture.open(silent, { signal }))
      assert.deepEqual(silent.words, [])
      const { log, told } = await bench.open()
      assert.equal(await told.settled(log.append(numbered(1))), 'committed')
    },
  },
]

async function useAfterClose(bench: LogBench): Promise<void> {
  const { log, told } = await bench.open()
  log.append(batchOf(['a']))
  await log.close()
  const { length } = told.words
  throwsCode('QLOG_CLOSED', () => log.append(batchOf(['b'])))
  throwsCode('QLOG_CLOSED', () => log.discard([[1, 1]]))
  await rejectsCode('QLOG_CLOSED', log.room())
  await rejectsCode('QLOG_CLOSED', log.fetch([1]))
  const read = async (): Promise<unknown> => log.read({ after: 0 }).next()
  await rejectsCode('QLOG_CLOSED', read())
  await log.close()
  await log.close({ timeoutMs: 1 })
  await bench.pass(100)
  assert.equal(told.words.length, length, 'a closed log says nothing')
}
