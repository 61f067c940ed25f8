/** The way into the log where that has no room: what waits is placed once, in order, and told its own outcome. */
import { expect, test } from 'vitest'
import { QlogError } from '../../../src/errors.ts'
import type { Batch, OwnedLog } from '../../../src/log/seam.ts'
import { Journal } from '../../../src/store/commit/journal.ts'
import { PendingClaims } from '../../../src/store/commit/pending-claims.ts'
import { PLAIN_PUT, Put } from '../../../src/store/commit/put.ts'
import { PutOne } from '../../../src/store/commit/puts.ts'
import { StoreState } from '../../../src/store/state/store-state.ts'

/** Takes so many batches at a time. */
class StubLog {
  nextId = 1
  durableLsn = 0
  free = 0
  taken = 0
  whenTaken: () => void = () => undefined
  #wake: () => void = () => undefined

  append({ messages }: Batch): number {
    if (this.free === 0) throw new QlogError('QLOG_BUSY', 'no room')
    this.free--
    this.nextId += messages.length
    this.taken++
    this.whenTaken()
    return this.taken
  }

  async room(): Promise<void> {
    while (this.free === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  make(room: number): void {
    this.free += room
    this.#wake()
  }
}

function world() {
  const log = new StubLog()
  const journal = new Journal(new StoreState())
  const placed: number[] = []
  let next = 0
  const offsets = {
    take: () => {
      placed.push(next)
      return next++
    },
    giveBack: () => {
      next--
    },
  }
  const ignore = () => undefined
  const events = {
    beforeAppend: ignore,
    admit: ignore,
    applied: ignore,
    failed: ignore,
    space: ignore,
    mended: ignore,
  }
  // Of a log it needs no more than this.
  journal.begin(log as unknown as OwnedLog, offsets, events)
  const claims = new PendingClaims(new StoreState())
  const submit = () => {
    const one = new PutOne(new Put(1, new Uint8Array(1), PLAIN_PUT), claims)
    one.promise.catch(ignore)
    journal.submit(one)
    return one
  }
  return { log, journal, placed, submit }
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

test('each that waits is placed once, however little room there is at a time', async () => {
  const { log, placed, submit } = world()
  const all = Array.from({ length: 40 }, submit)
  // The first of all was turned down when it came.
  expect(placed).toEqual([0])
  for (let made = 0; made < 20; made++) {
    log.make(2)
    await turn()
  }
  expect(log.taken).toBe(40)
  expect(placed).toEqual([0, ...Array.from({ length: 40 }, (_, row) => row)])
  expect(all.map(({ ticket }) => ticket)).toEqual(Array.from({ length: 40 }, (_, row) => row + 1))
})

test('a log that stops while it takes one leaves that one indeterminate, and fails those behind it', async () => {
  const { log, journal, submit } = world()
  const [first, second] = [submit(), submit()]
  const cause = new QlogError('QLOG_FAILED', 'stopped')
  log.whenTaken = () => journal.failed(1, 'indeterminate', cause)
  log.make(1)
  await turn()
  await expect(first.promise).rejects.toMatchObject({ code: 'QLOG_INDETERMINATE' })
  await expect(second.promise).rejects.toMatchObject({ code: 'QLOG_FAILED' })
})
