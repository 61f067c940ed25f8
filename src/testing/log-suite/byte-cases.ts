/** Line 10 of the contract: when bytes are taken, how long they stay, and how many fit. */
import { strict as assert } from 'node:assert'
import type { Encodable, OwnedLog } from '../../log/seam.ts'
import type { LogCase } from '../log-suite.ts'
import { type LogBench, rejectsCode, throwsCode } from './log-bench.ts'
import { assertNumbered, batchOf, encodable, maybeText, numbered, textOf } from './numbered.ts'

/** Appends that a test makes at most until a log says QLOG_BUSY. */
const BUSY_APPENDS_MAX = 100_000
/** A message of the greatest length is appended where it is no longer than this. */
const GREATEST_BYTES_MAX = 4 * 1024 * 1024

export const byteCases: readonly LogCase[] = [
  {
    name: '10: bytes are taken at the call: what becomes of them afterwards is no matter',
    run: async (bench) => {
      const opened = await bench.open()
      const { log, told } = opened
      const body = new Uint8Array(3_000)
      for (let n = 1; n <= 20; n++) {
        body.fill(64 + n)
        log.append({ messages: [encodable(body)], control: [encodable(body.subarray(0, n))] })
        body.fill(0)
        if (n % 6 === 0) await bench.pass(1)
      }
      await told.settled(20)
      const check = async (checked: OwnedLog): Promise<void> => {
        for (const [row, entry] of (await bench.entries(checked)).entries()) {
          const letter = String.fromCharCode(65 + row)
          assert.deepEqual(entry.messages.map(textOf), [letter.repeat(3_000)])
          assert.deepEqual(entry.control.map(textOf), [letter.repeat(row + 1)])
        }
      }
      await check(log)
      await check((await bench.reopen(opened)).log)
    },
  },
  {
    name: '10: what was fetched or read stays what it is, whatever the log does later',
    run: async (bench) => {
      const { log, told } = await bench.open()
      for (let n = 1; n <= 10; n++) log.append(numbered(n))
      await told.settled(10)
      const entries = await bench.entries(log)
      const bodies = await log.fetch([1, 2, 3])
      const texts = bodies.map(maybeText)
      log.discard([[1, log.nextId - 1]])
      for (let n = 1; n <= 200; n++) {
        await log.room()
        log.append(batchOf(['over'.repeat(300)]))
        if (n % 50 === 0) await told.settled(log.nextId > 0 ? 10 + n : 0)
      }
      await told.settled(210)
      assert.equal(assertNumbered(entries), 10)
      assert.deepEqual(bodies.map(maybeText), texts)
    },
  },
  {
    name: '10: where an encoder throws, nothing of its batch is taken',
    run: async (bench) => {
      const { log, told } = await bench.open()
      const throwing: Encodable = {
        byteLength: 10,
        encodeInto: () => {
          throw new RangeError('planned')
        },
      }
      log.append(numbered(1))
      const { nextId } = log
      const batches = [
        { messages: [encodable('first'), throwing], control: [] },
        { messages: [encodable('first')], control: [encodable('second'), throwing] },
        { messages: [throwing], control: [] },
      ]
      for (const batch of batches) {
        assert.throws(() => log.append(batch), /planned/)
        assert.equal(log.nextId, nextId)
      }
      assert.equal(log.append(numbered(2)), 2, 'no ticket was taken either')
      assert.equal(await told.settled(2), 'committed')
      assert.equal(assertNumbered(await bench.entries(log)), 2)
    },
  },
  {
    name: 'a message or batch over its limit is refused with QLOG_TOO_LARGE and nothing taken',
    run: async (bench) => {
      const { log, told } = await bench.open()
      const { messageBytesMax, batchBytesMax } = log.limits
      const sized = (byteLength: number): Encodable => ({
        byteLength,
        encodeInto: () => assert.fail('nothing of a batch that is too large is encoded'),
      })
      log.append(numbered(1))
      const { nextId } = log
      throwsCode('QLOG_TOO_LARGE', () =>
        log.append({ messages: [encodable('a'), sized(messageBytesMax + 1)], control: [] }),
      )
      const count = Math.floor(batchBytesMax / messageBytesMax) + 1
      const many = Array.from({ length: count }, () => sized(messageBytesMax))
      throwsCode('QLOG_TOO_LARGE', () => log.append({ messages: many, control: [] }))
      throwsCode('QLOG_TOO_LARGE', () =>
        log.append({ messages: [], control: [sized(batchBytesMax + 1)] }),
      )
      assert.equal(log.nextId, nextId)
      assert.equal(log.append(numbered(2)), 2)
      assert.equal(await told.settled(2), 'committed')
      assert.equal(assertNumbered(await bench.entries(log)), 2)
    },
  },
  {
    name: 'a message as long as is allowed is taken',
    run: async (bench) => {
      const opened = await bench.open()
      const length = Math.min(opened.log.limits.messageBytesMax, GREATEST_BYTES_MAX)
      const body = new Uint8Array(length).map((_, row) => row % 251)
      const ticket = opened.log.append({ messages: [encodable(body)], control: [] })
      assert.equal(await opened.told.settled(ticket), 'committed')
      const again = await bench.reopen(opened)
      const [found] = await again.log.fetch([1])
      assert.ok(found && Buffer.compare(found, body) === 0)
    },
  },
  {
    name: 'over inFlightBytesMax an append is QLOG_BUSY with nothing taken, until room() resolves',
    run: async (bench) => {
      const { log, told } = await bench.open()
      const last = fillFlight(log)
      const { nextId } = log
      throwsCode('QLOG_BUSY', () => log.append(batchOf(['more'])))
      throwsCode('QLOG_BUSY', () => log.append(batchOf([], ['more'])))
      assert.equal(log.nextId, nextId)
      await bench.soon('room', log.room())
      assert.equal(log.append(batchOf(['fits'])), last + 1)
      assert.equal(await told.settled(last + 1), 'committed')
      await bench.soon('room in an empty log', log.room())
    },
  },
  {
    name: 'a wait for room that is aborted rejects with QLOG_ABORTED, and takes nothing with it',
    run: abortRoom,
  },
]

async function abortRoom(bench: LogBench): Promise<void> {
  const { log, told } = await bench.open()
  await rejectsCode('QLOG_ABORTED', log.room(AbortSignal.abort()))
  const last = fillFlight(log)
  const controller = new AbortController()
  const waiting = log.room(controller.signal)
  waiting.catch(() => undefined)
  controller.abort()
  await rejectsCode('QLOG_ABORTED', bench.soon('the aborted wait', waiting))
  assert.equal(await told.settled(last), 'committed')
}

/** Appends within one turn until as much waits as may; tells the last ticket. */
function fillFlight(log: OwnedLog): number {
  const { messageBytesMax, inFlightBytesMax } = log.limits
  const bytes = Math.max(1, Math.min(messageBytesMax, Math.ceil(inFlightBytesMax / 16)))
  const message = encodable(new Uint8Array(bytes))
  for (let n = 1; n <= BUSY_APPENDS_MAX; n++) {
    const before = log.nextId
    try {
      log.append({ messages: [message], control: [] })
    } catch {
      assert.ok(n > 1, 'the first append fits')
      // The last one that was taken began below the limit.
      assert.ok((n - 2) * bytes < inFlightBytesMax, `${n - 1} times ${bytes} bytes were taken`)
      assert.equal(log.nextId, before)
      return n - 1
    }
  }
  return assert.fail(`${BUSY_APPENDS_MAX} appends of ${bytes} bytes were taken in one turn`)
}
