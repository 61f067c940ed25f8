import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { GroupDispatch } from '../../../src/store/dispatch/group-dispatch.ts'
import { LeaseOrder } from '../../../src/store/dispatch/lease-order.ts'
import { Taken } from '../../../src/store/dispatch/taken.ts'

/** The order asks a lease for nothing but its own end and status. */
function message(id: number): Taken {
  return new Taken({} as GroupDispatch, id, id, 0)
}

const step = fc.record({
  what: fc.constantFrom('begin', 'begin', 'begin', 'move', 'end', 'end'),
  which: fc.nat(1_000),
  // Most leases are of one length, so that they end in the order they began.
  leaseMs: fc.oneof(
    { weight: 4, arbitrary: fc.constant(100) },
    { weight: 1, arbitrary: fc.nat(300) },
  ),
})

it('tells the lease that ends first after any beginning, extending and ending', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const order = new LeaseOrder()
      const leases: Taken[] = []
      for (const [nowMs, { what, which, leaseMs }] of steps.entries()) {
        const chosen = leases[which % Math.max(1, leases.length)]
        if (what === 'begin') {
          const taken = message(nowMs)
          taken.endMs = nowMs + leaseMs
          order.begin(taken)
          taken.status = 'leased'
          leases.push(taken)
        } else if (chosen && what === 'move') order.move(chosen, nowMs + leaseMs)
        else if (chosen) {
          order.end(chosen)
          chosen.status = 'settling'
          leases.splice(leases.indexOf(chosen), 1)
        }
        const first = leases.reduce(
          (least, { endMs }) => Math.min(least, endMs),
          Number.POSITIVE_INFINITY,
        )
        expect(order.peek()?.endMs ?? Number.POSITIVE_INFINITY).toBe(first)
        expect(order.live).toBe(leases.length)
      }
    }),
  )
})

it('keeps few stale entries behind a lease that lasts', () => {
  const order = new LeaseOrder()
  const long = message(0)
  long.endMs = 1
  order.begin(long)
  long.status = 'leased'
  for (let id = 1; id < 20_000; id++) {
    const taken = message(id)
    taken.endMs = 1 + id
    order.begin(taken)
    taken.status = 'leased'
    order.end(taken)
    taken.status = 'settling'
  }
  expect(order.entries).toBeLessThan(2_000)
  expect(order.peek()).toBe(long)
})
