/**
 * Replay: a queue that retains its messages keeps what its groups have finished. A group that comes later goes through all
 * of it, from the first message or from a time; a group that exists can go back.
 */
import { setTimeout as pass } from 'node:timers/promises'
import { openStore, text } from 'qlog'

const store = await openStore(':memory:')
try {
  const prices = store.queue('prices', { codec: text() })
  await prices.configure({ retention: { ageMs: 24 * 3_600_000, messages: 1_000_000 } })

  await prices.putMany(['pears 3', 'plums 2'])
  await pass(20)
  const noonMs = Date.now()
  await pass(20)
  await prices.putMany(['pears 4', 'melons 7'])
  console.log('shop:', await readAll(prices, 'shop'))

  // A second reading of what the shop has finished long ago.
  await prices.createGroup('report', { from: 'first' })
  console.log('report:', await readAll(prices, 'report'))
  await prices.createGroup('afternoon', { from: { timeMs: noonMs } })
  console.log('afternoon:', await readAll(prices, 'afternoon'))

  // Or a group that exists goes back.
  await prices.group('shop').seek('first')
  console.log('shop again:', await readAll(prices, 'shop'))

  // To look without a group, and without taking anything.
  const since = await prices.read({ from: { timeMs: noonMs } })
  console.log('since noon:', since.map(({ offset, value }) => `${offset} ${value}`).join(', '))

  console.log('retained:', prices.stats().retained)
  await prices.configure({ retention: null })
  console.log('retained without a retention:', prices.stats().retained)
} finally {
  await store.close()
}

async function readAll(queue, group) {
  const values = []
  for await (const delivery of queue.consume({ group })) {
    values.push(delivery.value)
    await delivery.ack()
    if (queue.group(group).stats().lag === 0) break
  }
  return values.join(', ')
}
