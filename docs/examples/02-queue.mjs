/**
 * A queue inside one program: messages are put, the program ends, another one takes them. Each promise
 * resolves once what it did is on disk.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from 'qlog'

const directory = await mkdtemp(join(tmpdir(), 'qlog-'))
try {
  await putSome()
  await takeThem()
} finally {
  await rm(directory, { recursive: true })
}

async function putSome() {
  const store = await openStore(directory)
  try {
    const orders = store.queue('orders')
    const { id } = await orders.put('3 pears')
    console.log(`message ${id} is on disk`)
    await orders.putMany(['1 melon', { body: '12 plums', priority: 10 }])
    await orders.put('2 kilos of snow', { delayMs: 3_600_000 })
  } finally {
    await store.close()
  }
}

/** The lowest priority first, then in the order of the puts; the snow is not due yet. */
async function takeThem() {
  const store = await openStore(directory)
  try {
    const orders = store.queue('orders')
    for await (const order of orders.consume()) {
      console.log(`took ${order.id}: ${order.text()}`)
      await order.ack()
      if (orders.group().stats().ready === 0) break
    }
    const { ready, delayed } = orders.group().stats()
    console.log({ ready, delayed })
  } finally {
    await store.close()
  }
}
