/** Line 6 of the contract: the owner's state in parts, complete or absent, and replay from it. */
import { strict as assert } from 'node:assert'
import { isDeepStrictEqual } from 'node:util'
import type { Lsn, OwnedLog, PartToSave } from '../../log/seam.ts'
import type { LogCase } from '../log-suite.ts'
import { type LogBench, type Opened, rejectsCode } from './log-bench.ts'
import { batchOf, encodable, numbered, textOf } from './numbered.ts'
import { TallyOwner } from './tally-owner.ts'

type Texts = Record<string, readonly [at: Lsn, text: string]>

const needs = ['snapshots'] as const

/** A snapshot that is not written whole may be kept back for a while, and a crash may lose it. */
const WHOLE = { whole: true } as const

export const snapshotCases: readonly LogCase[] = [
  {
    name: '6: there is no snapshot until one was saved; then its parts are there for good',
    needs,
    run: async (bench) => {
      let opened = await openWithEntries(bench, 3)
      assert.equal(await opened.log.snapshot(), undefined)
      const at = opened.log.durableLsn
      const texts: Texts = { a: [at, 'A'], 'b/1': [at - 1, ''], c: [0, 'C'.repeat(9_000)] }
      await opened.log.saveSnapshot(parts(texts), WHOLE)
      assert.deepEqual(await saved(opened.log), texts)
      opened = await bench.reopen(opened)
      assert.deepEqual(await saved(opened.log), texts)
      await bench.crash(opened)
      assert.deepEqual(await saved((await bench.open()).log), texts)
    },
  },
  {
    name: '6: a part that is not named any more is gone, one that is unchanged is named',
    needs,
    run: async (bench) => {
      const opened = await openWithEntries(bench, 2)
      const { log, told } = opened
      const at = log.durableLsn
      const first: Texts = { a: [at, 'A'], b: [at, 'B'], c: [at, 'C'] }
      await log.saveSnapshot(parts(first), WHOLE)
      log.append(numbered(3))
      await told.settled(3)
      const now = log.durableLsn
      const second: Texts = { a: [now, 'A'], b: [now, 'B2'] }
      await log.saveSnapshot(list(['a', now, 'unchanged'], ['b', now, bytesOf('B2')]))
      assertOneOf(await saved(log), [first, second])
      const unchanged = (): AsyncGenerator<PartToSave> =>
        list(['a', now, 'unchanged'], ['b', now, 'unchanged'])
      await log.saveSnapshot(unchanged())
      assertOneOf(await saved(log), [first, second])
      await log.saveSnapshot(unchanged(), WHOLE)
      assert.deepEqual(await saved(log), second)
      const again = await bench.reopen(opened)
      await again.log.saveSnapshot(unchanged())
      assert.deepEqual(await saved(again.log), second)
      await bench.crash(again)
      const last = await bench.open()
      assert.deepEqual(await saved(last.log), second)
      await last.log.saveSnapshot(unchanged(), WHOLE)
      assert.deepEqual(await saved(last.log), second)
    },
  },
  {
    name: '6: a snapshot whose parts come to no end is absent, and the one before stays',
    needs,
    run: async (bench) => {
      const opened = await openWithEntries(bench, 2)
      const { log } = opened
      const at = log.durableLsn
      const before: Texts = { a: [at, 'A'], b: [at, 'B'] }
      await log.saveSnapshot(parts(before), WHOLE)
      const broken = async function* (): AsyncGenerator<PartToSave> {
        yield ['a', at, bytesOf('new A')]
        throw new RangeError('planned')
      }
      await assert.rejects(log.saveSnapshot(broken()), /planned/)
      assert.deepEqual(await saved(log), before)
      await assert.rejects(log.saveSnapshot(broken(), WHOLE), /planned/)
      assert.deepEqual(await saved(log), before)
      const again = await bench.reopen(opened)
      assert.deepEqual(await saved(again.log), before)
      await again.log.saveSnapshot(parts({ a: [at, 'newest A'] }), WHOLE)
      assert.deepEqual(await saved(again.log), { a: [at, 'newest A'] })
    },
  },
  {
    name: '6: a part over partBytesMax, and unchanged where there was none, leave the one before',
    needs,
    run: async (bench) => {
      const { log } = await openWithEntries(bench, 1)
      const at = log.durableLsn
      const before: Texts = { a: [at, 'A'] }
      await log.saveSnapshot(parts(before), WHOLE)
      const { partBytesMax } = log.limits
      const huge = list(['a', at, bytesOf('new')], ['b', at, new Uint8Array(partBytesMax + 1)])
      await rejectsCode('QLOG_TOO_LARGE', log.saveSnapshot(huge))
      assert.deepEqual(await saved(log), before)
      const unknown = list(['a', at, bytesOf('new')], ['unknown', at, 'unchanged'])
      await assert.rejects(log.saveSnapshot(unknown))
      assert.deepEqual(await saved(log), before)
      const full: Texts = { a: [at, 'x'.repeat(partBytesMax)] }
      await log.saveSnapshot(parts(full), WHOLE)
      assert.deepEqual(await saved(log), full)
    },
  },
  {
    name: '6: a state of no parts is refused, and the one before stays',
    needs,
    run: async (bench) => {
      const { log } = await openWithEntries(bench, 1)
      const invalid = { code: 'QLOG_INVALID_ARGUMENT' }
      await assert.rejects(log.saveSnapshot(list(), WHOLE), invalid)
      assert.equal(await saved(log), undefined)
      const before: Texts = { a: [log.durableLsn, 'A'] }
      await log.saveSnapshot(parts(before), WHOLE)
      await assert.rejects(log.saveSnapshot(list()), invalid)
      assert.deepEqual(await saved(log), before)
    },
  },
  {
    name: '6: a crash while a snapshot is saved leaves it or the one before, never a mixture',
    needs,
    run: crashWhileSaving,
  },
  {
    name: '6: what is appended while a snapshot is saved is not held up',
    needs,
    run: async (bench) => {
      const { log, told } = await openWithEntries(bench, 1)
      const at = log.durableLsn
      const between = async function* (): AsyncGenerator<PartToSave> {
        for (let n = 2; n <= 5; n++) {
          yield [`part ${n}`, at, bytesOf(`${n}`)]
          assert.equal(await told.settled(log.append(numbered(n))), 'committed')
        }
      }
      await bench.soon('the snapshot', log.saveSnapshot(between(), WHOLE))
      assert.equal(Object.keys((await saved(log)) ?? {}).length, 4)
      assert.equal((await bench.entries(log)).length, 5)
    },
  },
  {
    name: '6: the bytes of a part are taken when the next one is asked for',
    needs,
    run: async (bench) => {
      const { log } = await openWithEntries(bench, 1)
      const at = log.durableLsn
      const reusing = async function* (): AsyncGenerator<PartToSave> {
        // Of a Buffer `slice` is a view.
        const buffer = Buffer.alloc(1_000)
        for (const name of ['a', 'b', 'c']) {
          yield [name, at, buffer.fill(name.charCodeAt(0))]
          await bench.pass(1)
        }
        buffer.fill(0)
      }
      await log.saveSnapshot(reusing(), WHOLE)
      const expected = ['a', 'b', 'c'].map((name) => [name, [at, name.repeat(1_000)]])
      assert.deepEqual(await saved(log), Object.fromEntries(expected))
    },
  },
  {
    name: '6: snapshot and the entries behind its parts give the same state as all entries',
    needs,
    run: (bench) => replayOften(bench, async () => undefined),
  },
  {
    name: '6: the same while messages are discarded and space is given back',
    needs: ['snapshots', 'compaction'],
    run: (bench) => replayOften(bench, ({ log }) => bench.soon('compaction', log.compact())),
  },
]

async function crashWhileSaving(bench: LogBench): Promise<void> {
  let before: Texts | undefined
  for (let round = 0; round < 8; round++) {
    const opened = await openWithEntries(bench, 2)
    const at = opened.log.durableLsn
    const next: Record<string, readonly [Lsn, string]> = {}
    for (let n = 0; n < 6; n++) next[`part ${n}`] = [at, `${round}.${n}`.padEnd(500, 'p')]
    const slowly = async function* (): AsyncGenerator<PartToSave> {
      for await (const part of parts(next)) {
        yield part
        if (round % 2 === 0) await bench.pass(1)
      }
    }
    let isSaved = false
    const whole = round % 4 < 2
    opened.log.saveSnapshot(slowly(), { whole }).then(
      () => {
        isSaved = true
      },
      () => undefined,
    )
    await bench.pass(round * 9)
    const mustBe = isSaved && whole
    await bench.crash(opened)
    const again = await bench.open()
    const found = await saved(again.log)
    assertOneOf(found, mustBe ? [next] : [before, next])
    before = found
    await again.log.close()
  }
}

/** An owner appends, saves its state in parts of different ages, crashes, and finds its state again. */
async function replayOften(
  bench: LogBench,
  giveBack: (opened: Opened) => Promise<void>,
): Promise<void> {
  let opened = await bench.open()
  let owner = new TallyOwner()
  for (let round = 0; round < 6; round++) {
    const { log, told } = opened
    for (let n = 1; n <= 25; n++) {
      const { amounts, batch } = owner.next()
      const ticket = log.append(batch)
      assert.equal(await told.settled(ticket), 'committed')
      owner.committed(amounts, told.commits.at(-1)?.lsn ?? 0)
      // Messages are finished as soon as the entry that holds them is durable.
      log.discard([[1, log.nextId - 1]])
      if (n % 8 === round % 8) await log.saveSnapshot(owner.parts(round % 2 === 1))
    }
    await giveBack(opened)
    if (round % 3 === 0) {
      await bench.crash(opened)
      opened = await bench.open()
    } else opened = await bench.reopen(opened)
    const found = await TallyOwner.restore(opened.log)
    assert.deepEqual(found.totals, owner.totals)
    owner = found
  }
}

async function openWithEntries(bench: LogBench, count: number): Promise<Opened> {
  const opened = await bench.open()
  for (let n = 1; n <= count; n++) {
    opened.log.append({ ...batchOf(['m']), control: [encodable(`${n}`)] })
  }
  await opened.told.settled(count)
  return opened
}

async function* parts(texts: Texts): AsyncGenerator<PartToSave> {
  for (const [name, [at, text]] of Object.entries(texts)) yield [name, at, bytesOf(text)]
}

async function* list(...all: readonly PartToSave[]): AsyncGenerator<PartToSave> {
  yield* all
}

async function saved(log: OwnedLog): Promise<Texts | undefined> {
  const snapshot = await log.snapshot()
  if (!snapshot) return undefined
  const texts: Record<string, readonly [Lsn, string]> = {}
  for (const [name, part] of snapshot.parts) texts[name] = [part.at, textOf(await part.read())]
  return texts
}

/** Complete, as one of these was given; never a mixture. */
function assertOneOf(found: Texts | undefined, given: readonly (Texts | undefined)[]): void {
  const isGiven = given.some((texts) => isDeepStrictEqual(texts, found))
  assert.ok(isGiven, `the snapshot is ${JSON.stringify(found)}`)
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
