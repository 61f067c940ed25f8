/**
 * Puts and takes over beanstalkd's protocol: one connection that puts, one that takes, commands sent ahead of
 * their replies. The connections are those of `bench/serve`. For beanstalkd and for `qlog serve` alike.
 */

import { GeneratorConnection, type Reserved } from '../serve/connection.ts'
import type { Opened } from './contract.ts'
import { needBody } from './needed-body.ts'
import { TAKERS } from './takers.ts'

/** Nothing is to be taken back from a taker: the longest time to run that there is. */
const TIME_TO_RUN_SECONDS = 4_294_967_295

/** For notes: what is called here costs less than what others are called through. */
export const RAW_SOCKET =
  "Called through a small client of the benchmark's own over a socket, where other servers are called through their maintainers' clients: less time of the caller's processor goes into it."

/** A call that waits for replies, which come in the order of commands. */
interface Replies {
  /** Those that are still to come. */
  left: number
}

interface Waiting extends Replies {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

interface Taking extends Waiting {
  readonly ids: string[]
}

export async function openBeanstalkdClient(port: number): Promise<Opened> {
  const client = await BeanstalkdClient.connect(port)
  return {
    put: (body) => client.put(body),
    putMany: (bodies) => client.putMany(bodies),
    take: (count) => client.take(count),
    takers: TAKERS,
    close: async () => client.close(),
  }
}

class BeanstalkdClient {
  readonly #putter: GeneratorConnection
  readonly #taker: GeneratorConnection
  readonly #puts: Waiting[] = []
  readonly #takes: Taking[] = []
  readonly #deletes: Waiting[] = []
  /** Puts of one turn of the event loop, which go out together. */
  readonly #unsent: Uint8Array[] = []
  #failure: Error | undefined

  private constructor(putter: GeneratorConnection, taker: GeneratorConnection) {
    this.#putter = putter
    this.#taker = taker
    const fail = (error: Error): void => this.#fail(error)
    putter.listen((inserted) => settle(this.#puts, inserted), fail)
    taker.listen((_, reserved, deleted, timedOut) => {
      this.#reserved(reserved, timedOut)
      settle(this.#deletes, deleted)
    }, fail)
  }

  static async connect(port: number): Promise<BeanstalkdClient> {
    const putter = await GeneratorConnection.open(port)
    try {
      return new BeanstalkdClient(putter, await GeneratorConnection.open(port))
    } catch (error) {
      putter.close()
      throw error
    }
  }

  put(body: Uint8Array): Promise<void> {
    if (this.#unsent.push(commandOf(body)) === 1) queueMicrotask(() => this.#send())
    return this.#wait(this.#puts, { left: 1 })
  }

  async putMany(bodies: readonly Uint8Array[]): Promise<void> {
    if (bodies.length === 0) return
    this.#send()
    this.#putter.sendAll(bodies.map(commandOf))
    await this.#wait(this.#puts, { left: bodies.length })
  }

  /** Reserves without waiting, then deletes. */
  async take(count: number): Promise<number> {
    if (count === 0) return 0
    const ids: string[] = []
    this.#taker.send('reserve-with-timeout 0\r\n'.repeat(count))
    await this.#wait(this.#takes, { left: count, ids })
    if (ids.length === 0) return 0
    this.#taker.send(ids.map((id) => `delete ${id}\r\n`).join(''))
    await this.#wait(this.#deletes, { left: ids.length })
    return ids.length
  }

  close(): void {
    this.#putter.close()
    this.#taker.close()
    this.#fail(new Error('the client is closed'))
  }

  #send(): void {
    this.#putter.sendAll(this.#unsent.splice(0))
  }

  #wait<T extends Replies>(queue: (T & Waiting)[], replies: T): Promise<void> {
    return new Promise((resolve, reject) => {
      queue.push({ ...replies, resolve, reject })
      if (this.#failure !== undefined) this.#fail(this.#failure)
    })
  }

  /** Which of two takes a reply belongs to does not matter: each deletes what it was given. */
  #reserved(reserved: readonly Reserved[], timedOut: number): void {
    for (const { id, body } of reserved) {
      needBody(body)
      this.#takes[0]?.ids.push(id)
      settle(this.#takes, 1)
    }
    settle(this.#takes, timedOut)
  }

  #fail(error: Error): void {
    this.#failure ??= error
    for (const queue of [this.#puts, this.#takes, this.#deletes]) {
      for (const waiting of queue.splice(0)) waiting.reject(this.#failure)
    }
  }
}

/** The oldest calls get the replies. */
function settle(queue: Waiting[], replies: number): void {
  let left = replies
  let settled = 0
  for (const waiting of queue) {
    if (left === 0) break
    const given = Math.min(left, waiting.left)
    waiting.left -= given
    left -= given
    if (waiting.left > 0) break
    waiting.resolve()
    settled++
  }
  queue.splice(0, settled)
  if (left > 0) throw new Error('more replies than commands')
}

function commandOf(body: Uint8Array): Uint8Array {
  const head = `put 0 0 ${TIME_TO_RUN_SECONDS} ${body.byteLength}\r\n`
  const command = Buffer.allocUnsafe(head.length + body.byteLength + 2)
  command.write(head, 0, 'latin1')
  command.set(body, head.length)
  command.write('\r\n', command.length - 2, 'latin1')
  return command
}
