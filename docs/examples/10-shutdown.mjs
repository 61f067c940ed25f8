/**
 * Graceful shutdown: on SIGTERM the worker takes nothing new and waits for its handlers, and the store
 * closes. What did not finish in time is ready again, without an attempt. Here the program signals itself.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { openStore, text } from 'qlog'

const directory = await mkdtemp(join(tmpdir(), 'qlog-'))
const store = await openStore(directory)
const jobs = store.queue('jobs', { codec: text() })
await jobs.putMany(['short', 'endless', 'never begun'])

const worker = jobs.work(
  async (job, { signal }) => {
    console.log(`${job}: begins`)
    if (job === 'endless') process.kill(process.pid, 'SIGTERM')
    // A handler that listens to its signal ends at once when its time is over.
    await pass(job === 'short' ? 50 : 3_600_000, undefined, { signal })
    console.log(`${job}: done`)
  },
  { concurrency: 2 },
)

process.once('SIGTERM', async () => {
  console.log('SIGTERM: half a second for what runs')
  await worker.stop({ timeoutMs: 500 })
  await store.close()
  await lookAgain()
})

/** Only for the example: what a next process would find. */
async function lookAgain() {
  const again = await openStore(directory)
  try {
    const left = await again.queue('jobs').group().list()
    for (const { id, state, attempts } of left)
      console.log(`left: ${id}, ${state}, ${attempts} attempts`)
  } finally {
    await again.close()
    await rm(directory, { recursive: true })
  }
}
