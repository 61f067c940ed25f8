/**
 * A store in a directory: two queues over one log, an order that fails until it is buried, transactions,
 * and what is left after closing and opening again. `npm start` shows it.
 *
 *     node docs/examples/01-store.mjs [DIRECTORY]
 *
 * It works in a fresh directory inside DIRECTORY (the system's temporary one unless told), and removes it.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from 'qlog'

const directory = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'qlog-store-'))
try {
  await work()
  await lookAgain()
} finally {
  await rm(directory, { recursive: true, force: true })
}

/** Takes orders, bills them, and leaves one leased: closing gives it back. */
async function work() {
  const store = await openStore(directory)
  try {
    const orders = store.queue('orders', { retry: { attemptsMax: 3, backoffMs: 10 } })
    await takeOrders(orders)
    const session = store.session()
    await session.watch('orders')
    await billAll(store, session)
    await session.watch('mail')
    const [letter] = await session.reserve()
    console.log(`sending    "${letter.text()}" is leased while the store closes`)
  } finally {
    await store.close()
  }
}

async function takeOrders(orders) {
  const bodies = ['3 pears', '1 melon', 'nonsense', '12 plums']
  const put = await orders.putMany(bodies)
  await orders.put('2 kilos of snow', { delayMs: 3_600_000 })
  const ids = put.map(({ id }) => id).join(' ')
  console.log(`put        orders ${ids} as one batch, and one that is due in an hour: all on disk`)
}

/** Billing = acknowledging the order and putting a letter, both or neither. */
async function billAll(store, session) {
  for (;;) {
    const [order] = await session.reserve({ timeoutMs: 500 })
    if (order === undefined) return
    const words = `order ${order.id}, attempt ${order.attempt}`
    try {
      const text = `bill for ${parse(order.text())}`
      await store.transaction((transaction) => {
        transaction.ack(order)
        transaction.put('mail', text)
      })
      console.log(`billed     ${words}: acknowledged and a letter put, as one entry`)
    } catch (error) {
      const { buried } = await order.retry(error)
      console.log(`failed     ${words}: ${error.message}; ${buried ? 'buried' : 'later again'}`)
    }
  }
}

function parse(text) {
  if (!/^\d+ \w+$/.test(text)) throw new Error(`"${text}" is no order`)
  return text
}

/** Everything but the lease is as it was. */
async function lookAgain() {
  const store = await openStore(directory)
  try {
    const table = store.stats().queues.flatMap(({ nextOffset, groups }) =>
      groups.map(({ queue, group, ready, delayed, leased, buried }) => {
        const finished = nextOffset - ready - delayed - leased - buried
        return { queue, group, ready, delayed, leased, buried, finished }
      }),
    )
    console.log('\nClosed and opened again:\n')
    console.log(Object.keys(table[0]).map(column).join(''))
    for (const row of table) console.log(Object.values(row).map(column).join(''))
    const [buried] = await store.queue('orders').group().list({ state: 'buried' })
    const { id, attempts, reason, error } = buried
    console.log(`\nburied: order ${id} after ${attempts} attempts (${reason}), last "${error}"`)
    const common = { group: 'default', leased: 0 }
    assert.deepEqual(table, [
      { queue: 'mail', ...common, ready: 3, delayed: 0, buried: 0, finished: 0 },
      { queue: 'orders', ...common, ready: 0, delayed: 1, buried: 1, finished: 3 },
    ])
  } finally {
    await store.close()
  }
}

function column(value) {
  return String(value).padEnd(10)
}
