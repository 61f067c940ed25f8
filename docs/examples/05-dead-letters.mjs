/**
 * Retries and dead letters: what fails is tried again, later each time; after the last attempt it is buried
 * with its error. Whoever has mended the cause looks at the buried ones and sends them again.
 */
import { setTimeout as pass } from 'node:timers/promises'
import { openStore, text } from 'qlog'

const store = await openStore(':memory:')
try {
  const retry = { attemptsMax: 3, backoffMs: 10 }
  const letters = store.queue('letters', { codec: text(), retry })
  await letters.putMany(['to Ada', 'to Nobody', 'to Grace'])

  const addresses = new Set(['Ada', 'Grace'])
  const worker = letters.work((letter, { attempt }) => {
    const name = letter.slice('to '.length)
    if (!addresses.has(name)) throw new Error(`no address of ${name}, attempt ${attempt}`)
  })
  await until(() => worker.stats().acked === 2 && worker.stats().buried === 1)

  const group = letters.group()
  for (const { id, attempts, reason, error } of await group.list({ state: 'buried' })) {
    console.log(`message ${id} is buried after ${attempts} attempts (${reason}): ${error}`)
  }
  const worst = await group.peek('buried')
  console.log(`it says "${worst.value}"`)

  addresses.add('Nobody')
  // One of them: group.kick([worst.id]). Here all whose attempts were used up.
  console.log('again:', await group.redrive({ reason: 'attempts' }))
  await until(() => worker.stats().acked === 3)
  await worker.stop()
  console.log('kept:', store.stats().messages)
} finally {
  await store.close()
}

async function until(condition) {
  while (!condition()) await pass(5)
}
