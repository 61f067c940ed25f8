/**
 * Tests with the simulated disk of `qlog/testing`: a machine whose power is cut at any call that a program makes
 * to its disk. The same seed gives the same run, so whatever a test finds can be looked at again.
 *
 * Here: whatever moment the power is cut at, every put that resolved is there afterwards, and an order is
 * never acknowledged without its bill.
 */
import assert from 'node:assert/strict'
import { openSimulatedStore, Simulation } from 'qlog/testing'

/** The program under test: it takes orders and bills them, and tells what it was promised. */
async function shop(store, told) {
  for (const order of ['pears', 'melon', 'plums']) {
    await store.queue('orders').put(order)
    told.put += 1
  }
  const session = store.session()
  await session.watch('orders')
  for (const order of await session.reserve({ count: 3 })) {
    await store.transaction((transaction) => {
      transaction.ack(order)
      transaction.put('bills', order.text())
    })
    told.billed += 1
  }
  await store.close()
}

/** One life of the machine: cut at this call, booted again, looked at. */
async function cutAt(call, seed) {
  const simulation = new Simulation({ seed })
  const told = { put: 0, billed: 0 }
  return simulation.run(async () => {
    const before = simulation.process('before')
    simulation.crashAt(call, 'power-cut')
    const { state } = await before.run(async () =>
      shop(await openSimulatedStore(before, '/data'), told),
    )
    simulation.clearPlans()

    // A torn write that is by chance one bit away from a whole one is refused as a flipped bit
    // (docs/guarantees.md, section 6). Who cuts so often meets that, and goes on without the write.
    const store = await openSimulatedStore(simulation.process('after'), '/data', {
      log: { onDamage: 'quarantine' },
    })
    const orders = store.queue('orders').stats().messages
    const bills = store.queue('bills').stats().messages
    assert(orders + bills >= told.put, `call ${call}: a put is missing`)
    assert(bills >= told.billed, `call ${call}: a bill is missing`)
    assert(orders + bills <= 3, `call ${call}: an order was billed twice`)
    await store.close()
    return { state, orders, bills }
  })
}

let calls = 0
const outcomes = new Set()
for (;;) {
  const { state, orders, bills } = await cutAt(calls + 1, calls)
  if (state === 'done') break
  calls += 1
  outcomes.add(`${orders} orders and ${bills} bills`)
}
assert(calls > 50 && outcomes.size > 3)
console.log('Cut at each call to the disk: no put was missing, and no order billed twice.')
console.log(outcomes.has('3 orders and 0 bills') && 'Sometimes nothing was billed yet,')
console.log(outcomes.has('0 orders and 3 bills') && 'and sometimes all of it.')
