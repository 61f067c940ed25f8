/**
 * Workers: a function that is called with each message, several at a time. Returning acknowledges, throwing
 * tries again later. Values go in and come out as JSON.
 */
import { setTimeout as pass } from 'node:timers/promises'
import { json, openStore } from 'qlog'

const store = await openStore(':memory:')
try {
  const images = store.queue('images', { codec: json(), retry: { backoffMs: 10 } })
  await images.putMany([1, 2, 3, 4, 5, 6].map((number) => ({ body: { file: `${number}.png` } })))

  let running = 0
  let most = 0
  let done = 0
  let finish = () => {}
  const finished = new Promise((resolve) => {
    finish = resolve
  })

  const worker = images.work(
    async ({ file }, { attempt, signal }) => {
      most = Math.max(most, ++running)
      try {
        // What is aborted when going on is in vain goes into everything that waits.
        await pass(20, undefined, { signal })
        if (file === '4.png' && attempt === 1) throw new Error('the disk of the camera was busy')
        if (attempt > 1) console.log(`${file} worked at attempt ${attempt}`)
      } finally {
        running -= 1
      }
      if (++done === 6) finish()
    },
    { concurrency: 3 },
  )

  await finished
  await worker.stop() // resolves once what the handlers did is on disk
  const { acked, retried } = worker.stats()
  console.log({ acked, retried, most })
} finally {
  await store.close()
}
