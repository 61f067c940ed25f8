/** The workers of a store, and how they and consuming loops begin. Tells workers what becomes of the store. */
import type { Codec } from '../codec.ts'
import type { StoreSession } from '../deliver/session.ts'
import type { StoreCore } from '../store-core.ts'
import type { Delivery } from '../types/deliveries.ts'
import { Consumption } from './consumption.ts'
import { checkConsume, checkWork } from './options.ts'
import type { ConsumeOptions, Handler, Worker, WorkOptions } from './types.ts'
import { QueueWorker } from './worker.ts'

export class Workers {
  readonly #core: StoreCore
  readonly #newSession: () => StoreSession
  readonly #workers = new Set<Pick<QueueWorker<unknown>, 'look' | 'fail' | 'stop'>>()

  constructor(core: StoreCore, newSession: () => StoreSession) {
    this.#core = core
    this.#newSession = newSession
  }

  work<T>(
    queue: string,
    codec: Codec<T> | undefined,
    handler: Handler<T>,
    options: WorkOptions | undefined,
  ): Worker {
    this.#core.assertOpen()
    const plan = checkWork(queue, codec, handler, options)
    const worker: QueueWorker<T> = new QueueWorker(this.#core, this.#newSession(), plan, () =>
      this.#workers.delete(worker),
    )
    this.#workers.add(worker)
    worker.begin()
    return worker
  }

  consume<T>(
    queue: string,
    codec: Codec<T> | undefined,
    options: ConsumeOptions | undefined,
  ): AsyncIterableIterator<Delivery<T>> {
    this.#core.assertOpen()
    return new Consumption(this.#newSession, checkConsume(queue, codec, options))
  }

  /** Something has become durable: a group may have been removed by it. */
  applied(): void {
    for (const worker of this.#workers) worker.look()
  }

  /** The store has stopped. */
  failed(cause: Error): void {
    for (const worker of this.#workers) worker.fail(cause)
  }

  /** The store closes: nobody waits for handlers. Resolves once all workers have let go. */
  close(): Promise<unknown> {
    return Promise.all([...this.#workers].map((worker) => worker.stop({ timeoutMs: 0 })))
  }
}
