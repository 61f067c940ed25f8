/**
 * Once, inside one store: the follow-up is put and its cause acknowledged in one transaction, so a crash
 * leaves both or neither. Here the process is killed before the transaction, then right behind it.
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from 'qlog'

const [, program, directory, moment] = process.argv
if (moment === undefined) await main()
else await inStore(directory, (store) => bill(store, moment))

async function main() {
  const fresh = await mkdtemp(join(tmpdir(), 'qlog-'))
  try {
    await inStore(fresh, (store) => store.queue('orders').put('3 pears'))
    for (const when of ['before', 'behind', 'never']) {
      spawnSync(process.execPath, [program, fresh, when], { stdio: 'inherit' })
    }
    await inStore(fresh, async (store) => {
      const bills = await store.queue('bills').read()
      console.log('bills:', bills.length, 'orders:', store.queue('orders').stats().messages)
    })
  } finally {
    await rm(fresh, { recursive: true })
  }
}

async function bill(store, killed) {
  const session = store.session()
  await session.watch('orders')
  const [order] = await session.reserve({ timeoutMs: 0 })
  if (order === undefined) return console.log('no order is left')
  console.log(`order ${order.id}: killed ${killed} the transaction`)
  if (killed === 'before') process.kill(process.pid, 'SIGKILL')
  await store.transaction((transaction) => {
    transaction.ack(order)
    transaction.put('bills', `for ${order.text()}`)
  })
  if (killed === 'behind') process.kill(process.pid, 'SIGKILL')
}

async function inStore(path, body) {
  const store = await openStore(path)
  try {
    await body(store)
  } finally {
    await store.close()
  }
}
