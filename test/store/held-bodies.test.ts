/** Goal: nobody keeps the body of a put that is durable. Method: the collector takes what nobody keeps. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test } from 'vitest'
import { openStore, type Store } from '../../src/index.ts'
import type { QueueSettingsChange } from '../../src/store/types/settings.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')
const BODY_BYTES = 1024 * 1024

async function freshStore(): Promise<Store> {
  const directory = mkdtempSync(join(tmpdir(), 'qlog-held-'))
  const store = await openStore(directory)
  onTestFinished(async () => {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  })
  return store
}

/** In a call of its own: what a caller has in hand is not collected. */
async function putOne(store: Store, queue: string): Promise<WeakRef<Uint8Array>> {
  const body = new Uint8Array(BODY_BYTES)
  await store.queue(queue).put(body)
  return new WeakRef(body)
}

test.each<[string, QueueSettingsChange]>([
  ['no limit', {}],
  ['a limit of messages', { messagesMax: 1_000 }],
  ['a limit of bytes', { bytesMax: 100 * BODY_BYTES, whenFull: 'drop-oldest' }],
])('a queue with %s keeps no body of a put that is durable', async (_, limits) => {
  const store = await freshStore()
  await store.queue('q').configure(limits)
  const body = await putOne(store, 'q')
  await new Promise(setImmediate)
  collect()
  expect(body.deref()).toBeUndefined()
})
