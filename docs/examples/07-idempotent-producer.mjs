/**
 * A producer that may send twice: it does not know whether its put happened before it was killed, so it puts
 * again with the same key, and nothing is put twice. The key is taken for `keyWindowMs`. A producer that
 * numbers its messages names itself and the number instead, which counts however late it sends again.
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from 'qlog'

const DAY_MS = 86_400_000

const [, program, directory] = process.argv
if (directory === undefined) await main()
else await produce(directory, true)

async function main() {
  const fresh = await mkdtemp(join(tmpdir(), 'qlog-'))
  try {
    spawnSync(process.execPath, [program, fresh], { stdio: 'inherit' })
    console.log('killed; once more, with all of them:')
    await produce(fresh, false)
  } finally {
    await rm(fresh, { recursive: true })
  }
}

async function produce(path, killed) {
  const store = await openStore(path)
  try {
    const payments = store.queue('payments')
    for (const invoice of ['17', '18', '19']) {
      const options = { key: `invoice-${invoice}`, keyWindowMs: DAY_MS }
      const { id, duplicate } = await payments.put(`pay ${invoice}`, options)
      console.log(`invoice ${invoice}: message ${id}${duplicate ? ', it was there' : ''}`)
      if (killed && invoice === '18') process.kill(process.pid, 'SIGKILL')
    }
    console.log('messages:', payments.stats().messages)
    if (!killed) await sendSales(store.queue('sales'))
  } finally {
    await store.close()
  }
}

/** In any order, and those that are in doubt again. */
async function sendSales(sales) {
  for (const sequence of [0, 2, 1, 2, 3]) {
    const { duplicate } = await sales.put(`sale ${sequence}`, { producer: 'till-7', sequence })
    console.log(`sale ${sequence} of till-7${duplicate ? ' was there' : ''}`)
  }
  console.log('sales:', sales.stats().messages)
}
