/** What rides together, where the log turns it down. */
import { expect, test } from 'vitest'
import type { Sendable } from '../../../src/store/commit/operation.ts'
import { Riding } from '../../../src/store/commit/riding.ts'
import { OffsetSet } from '../../../src/store/containers/offset-set.ts'
import type { GroupDispatch } from '../../../src/store/dispatch/group-dispatch.ts'
import { Taken } from '../../../src/store/dispatch/taken.ts'
import { GroupState } from '../../../src/store/state/group-state.ts'

class Ground {
  readonly sent: Sendable[] = []
  readonly timers: (() => void)[] = []
  isOpen = true
  isFull = false
  readonly riding = new Riding({
    submit: (operation) => {
      if (this.isFull) throw new Error('full')
      this.sent.push(operation)
    },
    finished: () => undefined,
    unsettle: (taken) => {
      taken.status = 'leased'
    },
    isOpen: () => this.isOpen,
    soon: queueMicrotask,
    later: (_delayMs, callback) => this.timers.push(callback),
  })

  /** All timers so far ring, and what follows comes to its end. */
  async pass(): Promise<void> {
    for (const ring of this.timers.splice(0)) ring()
    await new Promise(setImmediate)
    for (const ring of this.timers.splice(0)) ring()
  }

  get kinds(): string[] {
    return this.sent.flatMap(({ ops }) => ops.map(({ kind }) => kind))
  }
}

const state = new GroupState(1, 'g', new OffsetSet())
const queue = { state: { number: 1 }, isScheduled: () => false }
const group = { queue, state } as unknown as GroupDispatch

function leased(offset: number): Taken {
  const taken = new Taken(group, offset + 1, offset, 0)
  taken.status = 'leased'
  return taken
}

function ack(ground: Ground, taken: Taken): Promise<void> {
  taken.status = 'settling'
  return ground.riding.finish(taken)
}

test('a lease that ends with the entry that would record it is not recorded', async () => {
  const ground = new Ground()
  const [one, other] = [leased(0), leased(1)]
  ground.riding.leaseAlong(one)
  ground.riding.leaseAlong(other)
  ack(ground, one).catch(() => undefined)
  await ground.pass()
  expect(ground.kinds).toEqual(['lease', 'finish'])
  expect(ground.sent[0]?.ops[0]).toMatchObject({ ranges: [1, 2] })
})

test('leases whose entry was turned down are recorded a little later, withheld or not', async () => {
  const ground = new Ground()
  const [one, other] = [leased(0), leased(1)]
  ground.riding.leaseAlong(one)
  ground.riding.leaseAlong(other)
  ground.isFull = true
  const acked = ack(ground, one)
  ground.riding.flush()
  await expect(acked).rejects.toThrow('full')
  ground.isFull = false
  expect(ground.kinds).toEqual([])
  await ground.pass()
  expect(ground.sent.map(({ ops }) => ops)).toEqual([
    [{ kind: 'lease', queue: 1, group: 1, ranges: [0, 2] }],
  ])
})

test('nothing is tried again once nothing can be recorded', async () => {
  const ground = new Ground()
  ground.riding.leaseAlong(leased(0))
  ground.isFull = true
  ground.riding.flush()
  ground.isOpen = false
  await ground.pass()
  await ground.pass()
  expect(ground.timers).toEqual([])
})
