/** Lines 5 and 7 of the contract: fetching bodies, discarding messages, and giving space back. */
import { strict as assert } from 'node:assert'
import type { OwnedLog } from '../../log/seam.ts'
import type { LogCase } from '../log-suite.ts'
import { rejectsCode } from './log-bench.ts'
import { batchOf, maybeText, textOf } from './numbered.ts'

export const fetchCases: readonly LogCase[] = [
  {
    name: 'fetch gives bodies in the order asked, undefined where there is no such message',
    run: async (bench) => {
      const opened = await bench.open()
      await putMany(opened.log, 50)
      await opened.told.settled(50)
      const check = async (log: OwnedLog): Promise<void> => {
        assert.deepEqual(await textsBy(log, [7, 8, 9, 3, 50, 51, 1, 7, 900]), [
          bodyOf(7),
          bodyOf(8),
          bodyOf(9),
          bodyOf(3),
          bodyOf(50),
          undefined,
          bodyOf(1),
          bodyOf(7),
          undefined,
        ])
        assert.deepEqual(await textsBy(log, []), [])
        const typed = await log.fetch(Float64Array.of(2, 1))
        assert.deepEqual(typed.map(maybeText), [bodyOf(2), bodyOf(1)])
      }
      await check(opened.log)
      await check((await bench.reopen(opened)).log)
    },
  },
  {
    name: 'what is done to a fetched body changes no other, of the same fetch or a later one',
    run: async (bench) => {
      const { log, told } = await bench.open()
      await putMany(log, 50)
      await told.settled(50)
      const ids = [...range(1, 50), 7, 50]
      for (let round = 0; round < 3; round++) {
        const bodies = await log.fetch(ids)
        for (const [row, body] of bodies.entries()) {
          assert.equal(maybeText(body), bodyOf(ids[row] ?? 0))
          body?.fill(0)
        }
      }
      // In hand, where a reader holds on to what it read last.
      for (const id of [49, 50, 49]) {
        const [body] = await log.fetch([id])
        assert.equal(maybeText(body), bodyOf(id))
        body?.fill(0)
      }
    },
  },
  {
    name: 'fetch stops where the bodies come to more than `bytesMax`, but for the first',
    needs: ['fetchBudget'],
    run: async (bench) => {
      const { log, told } = await bench.open()
      for (let n = 0; n < 5; n++) log.append(batchOf([`${n}`.repeat(100)]))
      await told.settled(5)
      const count = async (bytesMax: number): Promise<number> => {
        const bodies = await log.fetch([1, 2, 3, 4, 5], { bytesMax })
        for (const [row, body] of bodies.entries()) {
          assert.equal(maybeText(body), `${row}`.repeat(100))
        }
        return bodies.length
      }
      assert.deepEqual(
        [await count(1), await count(100), await count(199), await count(200), await count(450)],
        [1, 1, 1, 2, 4],
      )
      assert.deepEqual([await count(500), await count(10_000)], [5, 5])
    },
  },
  {
    name: 'a fetch that is aborted rejects with QLOG_ABORTED',
    run: async (bench) => {
      const { log, told } = await bench.open()
      await putMany(log, 1)
      await told.settled(1)
      await rejectsCode('QLOG_ABORTED', log.fetch([1], { signal: AbortSignal.abort() }))
    },
  },
  {
    name: '5: what was discarded is fetched as undefined, what was not stays',
    run: async (bench) => {
      const { log, told } = await bench.open()
      await putMany(log, 30)
      await told.settled(30)
      log.discard([
        [3, 5],
        [10, 10],
        [30, 30],
      ])
      // Once more, overlapping, of messages that never were, and of none.
      log.discard([[4, 10]])
      log.discard([[29, 5_000]])
      log.discard([])
      const expected = range(1, 30).map((id) =>
        isIn(id, 3, 10) || id >= 29 ? undefined : bodyOf(id),
      )
      assert.deepEqual(await textsBy(log, range(1, 30)), expected)
    },
  },
  {
    name: '5: a discard that is lost loses only space, and takes no message with it',
    run: async (bench) => {
      let opened = await bench.open()
      await putMany(opened.log, 60)
      await opened.told.settled(60)
      for (let round = 0; round < 4; round++) {
        opened.log.discard([[round * 10 + 1, round * 10 + 10]])
        await bench.pass(round * 5)
        if (round % 2 === 0) {
          await bench.crash(opened)
          opened = await bench.open()
        } else opened = await bench.reopen(opened)
        const end = round * 10 + 10
        const texts = await textsBy(opened.log, range(1, 60))
        for (const [row, text] of texts.entries()) {
          const isGone = text === undefined && row + 1 <= end
          assert.ok(isGone || text === bodyOf(row + 1), `message ${row + 1} is ${text}`)
        }
      }
      assert.equal(opened.log.nextId, 61, 'ids of discarded messages are not given again')
    },
  },
  {
    name: '7: messages that outlive their neighbours are fetched, and read never shows one twice',
    needs: ['compaction', 'snapshots'],
    run: async (bench) => {
      let opened = await bench.open()
      for (let round = 0; round < 4; round++) {
        const { log, told } = opened
        const first = log.nextId
        await putMany(log, 200, 'c')
        await told.settled(200)
        await assertReadOnce(log)
        const { durableLsn, nextId } = log
        for (let n = 0; n < 2; n++) await log.saveSnapshot(state(durableLsn), { whole: true })
        // One in ten stays.
        for (let id = first; id < first + 200; id += 10) log.discard([[id, id + 8]])
        await bench.soon('compaction', log.compact())
        await assertSurvivors(log)
        if (round % 2 === 1) {
          await bench.crash(opened)
          opened = await bench.open()
        } else opened = await bench.reopen(opened)
        await assertSurvivors(opened.log)
        // Whoever reads on behind what was saved sees nothing of what was moved.
        for (const { ids } of await bench.entries(opened.log, durableLsn)) {
          for (const id of Array.from(ids)) assert.ok(id >= nextId, `message ${id} reappears`)
        }
      }
    },
  },
]

async function assertSurvivors(log: OwnedLog): Promise<void> {
  const survivors = range(1, log.nextId - 1).filter((id) => id % 10 === 0)
  assert.deepEqual(await textsBy(log, survivors), survivors.map(bodyOf))
  await assertReadOnce(log)
}

/** Entries and ids come in order, none twice, and with the right bytes. */
async function assertReadOnce(log: OwnedLog): Promise<void> {
  let lsn = 0
  let last = 0
  for await (const step of log.read({ after: 0 })) {
    for (const entry of step) {
      assert.ok(entry.lsn > lsn, `LSN ${entry.lsn} is read behind ${lsn}`)
      lsn = entry.lsn
      for (const [row, id] of Array.from(entry.ids).entries()) {
        assert.ok(id > last, `message ${id} is read behind ${last}`)
        assert.equal(maybeText(entry.messages[row]), bodyOf(id))
        last = id
      }
    }
  }
}

async function* state(at: number): AsyncGenerator<readonly [string, number, Uint8Array]> {
  yield ['state', at, new Uint8Array(100)]
}

/** Appends so many messages one by one; the body tells the id. */
async function putMany(log: OwnedLog, count: number, control?: string): Promise<void> {
  for (let n = 0; n < count; n++) {
    log.append(batchOf([bodyOf(log.nextId)], control === undefined ? [] : [control]))
    if (n % 20 === 19) await log.room()
  }
}

function bodyOf(id: number): string {
  return `${id}:`.padEnd(10 + ((id * 53) % 400), 'b')
}

async function textsBy(log: OwnedLog, ids: readonly number[]): Promise<(string | undefined)[]> {
  const bodies = await log.fetch(ids)
  return Array.from(bodies, (body) => (body ? textOf(body) : undefined))
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, row) => first + row)
}

function isIn(id: number, first: number, last: number): boolean {
  return id >= first && id <= last
}
