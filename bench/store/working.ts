/**
 * Takes messages with a handler, or with a loop that awaits each acknowledgement, and takes the time. Nothing
 * of the store but its public face.
 */

import { json } from '../../src/store/codec.ts'
import type { Queue } from '../../src/store/types/queues.ts'
import type { Store } from '../../src/store/types/store.ts'
import { queueNames } from './loads.ts'
import { MESSAGE_BYTES, PLAIN, type WorkWay } from './scale.ts'

/** A value whose JSON is as long as the bodies of the other cases, more or less. */
interface Value {
  readonly number: number
  readonly text: string
}

export interface WorkLoad {
  readonly way: WorkWay
  readonly concurrency: number
  readonly codec: 'none' | 'json'
  readonly messages: number
}

const BATCH = 1000

/** Puts the messages, which is not measured, and works on them; resolves once all are finished, durably. */
export async function workThrough(store: Store, load: WorkLoad): Promise<{ seconds: number }> {
  const [name = ''] = queueNames(PLAIN)
  if (load.codec === 'none') {
    return worked(store.queue(name), load, () => new Uint8Array(MESSAGE_BYTES))
  }
  const text = 'x'.repeat(MESSAGE_BYTES - '{"number":12345,"text":""}'.length)
  return worked(store.queue(name, { codec: json<Value>() }), load, (number) => ({ number, text }))
}

async function worked<T, In>(
  queue: Queue<T, In>,
  load: WorkLoad,
  makeValue: (row: number) => In,
): Promise<{ seconds: number }> {
  const { messages, way } = load
  for (let row = 0; row < messages; row += BATCH) {
    const count = Math.min(BATCH, messages - row)
    await queue.putMany(Array.from({ length: count }, (_, at) => ({ body: makeValue(row + at) })))
  }
  const started = performance.now()
  await (way === 'work' ? handle(queue, load) : loop(queue, messages))
  return { seconds: (performance.now() - started) / 1000 }
}

async function handle<T, In>(
  queue: Queue<T, In>,
  { messages, concurrency }: WorkLoad,
): Promise<void> {
  let left = messages
  await new Promise<void>((resolve, reject) => {
    // Asynchronous, as handlers are, and with nothing to do.
    const handler = async (): Promise<void> => {
      if (--left === 0) resolve(worker.stop())
    }
    const worker = queue.work(handler, { concurrency })
    worker.ended.catch(reject)
  })
}

async function loop<T, In>(queue: Queue<T, In>, messages: number): Promise<void> {
  let left = messages
  for await (const delivery of queue.consume()) {
    await delivery.ack()
    if (--left === 0) break
  }
}
