/** Operations that wait for room: their bytes are taken, and they are bounded, but for what must not be lost. */
import { expect, test } from 'vitest'
import { WaitingTally } from '../../../src/log/waiting/waiting-bound.ts'
import { Backlog } from '../../../src/store/commit/backlog.ts'
import { PlainOperation } from '../../../src/store/commit/operation.ts'
import { PendingClaims } from '../../../src/store/commit/pending-claims.ts'
import { PLAIN_PUT, Put, type PutPlan } from '../../../src/store/commit/put.ts'
import { PutMany } from '../../../src/store/commit/puts.ts'
import { StoreState } from '../../../src/store/state/store-state.ts'

const KIB = 1024
/** 32 bodies of 64 KiB, but for what they take beside. */
const BYTES_MAX = 2 * KIB * KIB
/** More than fit, whatever a message takes. */
const COUNT_MAX = 10_000
const BUSY = expect.objectContaining({ code: 'QLOG_BUSY' })
const claims = new PendingClaims(new StoreState())

function putting(body: Uint8Array, count = 1, plan: PutPlan = PLAIN_PUT): PutMany {
  return new PutMany(
    Array.from({ length: count }, () => new Put(1, body, plan)),
    claims,
  )
}

/** How many of these may wait. */
function countUntilBusy(backlog: Backlog, next: () => PutMany): number {
  for (let count = 0; count <= COUNT_MAX; count++) {
    try {
      backlog.add(next())
    } catch (error) {
      expect(error).toEqual(BUSY)
      return count
    }
  }
  return expect.unreachable(`${COUNT_MAX} may wait`)
}

test('so many bytes may wait; where they have left, so many again', () => {
  const backlog = new Backlog(new WaitingTally(BYTES_MAX))
  const body = new Uint8Array(64 * KIB)
  for (let round = 0; round < 3; round++) {
    expect(countUntilBusy(backlog, () => putting(body))).toBe(32)
    while (backlog.length > 0) backlog.dropFirst()
  }
  expect(countUntilBusy(backlog, () => putting(body))).toBe(32)
  expect(backlog.takeAll().length).toBe(32)
  expect(countUntilBusy(backlog, () => putting(body))).toBe(32)
})

test('small messages count with what they take beside their bytes, each of a batch, and with their headers', () => {
  const small = countUntilBusy(new Backlog(new WaitingTally(BYTES_MAX)), () =>
    putting(new Uint8Array(1), 10),
  )
  expect(small).toBeLessThan(BYTES_MAX / 5120)
  const headers = { trace: 'x'.repeat(8000) }
  const plan = { ...PLAIN_PUT, headers }
  const long = countUntilBusy(new Backlog(new WaitingTally(BYTES_MAX)), () =>
    putting(new Uint8Array(1), 10, plan),
  )
  expect(long).toBeLessThan(BYTES_MAX / 80_000)
})

test('what becomes of deliveries waits all the same, and letters that must not be lost', () => {
  const backlog = new Backlog(new WaitingTally(BYTES_MAX))
  const body = new Uint8Array(64 * KIB)
  const full = countUntilBusy(backlog, () => putting(body))
  const finish = { kind: 'finish', queue: 1, group: 1, ranges: [1, 2] } as const
  backlog.add(new PlainOperation([finish]))
  expect(() => backlog.add(new PlainOperation([{ kind: 'purge', queue: 1 }]))).toThrow(BUSY)
  const letter = putting(new Uint8Array(10))
  for (const put of letter.puts) put.mayExceed = true
  backlog.add(letter)
  expect(backlog.length).toBe(full + 2)
  expect(() => backlog.add(putting(new Uint8Array(1)))).toThrow(BUSY)
})

test('the bytes are taken', () => {
  const backlog = new Backlog(new WaitingTally(BYTES_MAX))
  const body = Buffer.from('before')
  backlog.add(putting(body))
  body.fill(0)
  expect(Buffer.from(backlog.first?.puts[0]?.body ?? []).toString()).toBe('before')
})

test('what waits elsewhere counts too', () => {
  const tally = new WaitingTally(BYTES_MAX)
  const backlog = new Backlog(tally)
  tally.add(1, BYTES_MAX)
  expect(() => backlog.add(putting(new Uint8Array(1)))).toThrow(BUSY)
  tally.remove(1, BYTES_MAX)
  backlog.add(putting(new Uint8Array(1)))
  expect(backlog.length).toBe(1)
})

test('unless told otherwise 512 MiB may wait, and each message counts 512 bytes beside its own', () => {
  const tally = new WaitingTally()
  tally.add(1, 512 * KIB * KIB - 513)
  tally.assertRoom()
  tally.add(0, 1)
  expect(() => tally.assertRoom()).toThrow(BUSY)
})
