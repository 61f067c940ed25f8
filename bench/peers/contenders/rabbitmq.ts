/** Queues of Debian's RabbitMQ through amqplib: published with confirms, taken by a consumer with a prefetch. */

import { bufferOf } from '../body-forms.ts'
import type { Contender, Durability, Opened } from '../contract.ts'
import { needBody } from '../needed-body.ts'
import { oneAtATime } from '../one-at-a-time.ts'
import { requirePeer } from '../packages.ts'
import { Prefetched } from '../prefetched.ts'
import { needRabbitmq, startRabbitmq } from '../rabbitmq-server.ts'
import { openOn } from '../servers.ts'
import { TAKERS } from '../takers.ts'

/** The part of amqplib that is used. */
interface Amqp {
  readonly connect: (url: string, socketOptions: object) => Promise<Connection>
}

interface Connection {
  createChannel(): Promise<Channel>
  createConfirmChannel(): Promise<ConfirmChannel>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'close', listener: () => void): unknown
  close(): Promise<void>
}

interface Channel {
  assertQueue(queue: string, options: object): Promise<unknown>
  checkQueue(queue: string): Promise<{ readonly messageCount: number }>
  prefetch(count: number): Promise<unknown>
  consume(queue: string, received: (message: Message | null) => void): Promise<unknown>
  ack(message: Message, allUpTo: boolean): void
  on(event: 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  close(): Promise<void>
}

interface Message {
  readonly content: Uint8Array
}

interface ConfirmChannel extends Channel {
  publish(
    exchange: string,
    queue: string,
    body: Buffer,
    options: object,
    confirmed: (error: Error | null) => void,
  ): boolean
  waitForConfirms(): Promise<void>
}

const QUEUE = 'bench'
/** "Values in the 100 through 300 range usually offer optimal throughput", says its page of confirms. */
const PREFETCH = 300
/** Deliveries that one acknowledgement covers: the next ones are on their way meanwhile. */
const ACK_EVERY = 100
const LEADER_MS_MAX = 60_000
const LEADER_AGAIN_MS = 20
const PERSISTENT = { persistent: true }

/** Of 500 messages that a take had answered, a server killed then gave 500 again (classic), and 100 (quorum). */
const TAKEN = `Taken by a consumer with prefetch ${PREFETCH}, acknowledged ${ACK_EVERY} at a time. AMQP answers no acknowledgement: a take ends with a question that is answered after it, and nobody is told when it is kept. Killed behind that answer, the server delivered again what was taken.`

/**
 * Its page says of a confirm that a persistent message was persisted to disk. Classic queues of version 1, the
 * default of 3.10, do flush before every confirm (seen with strace at messages of 100 B and of 8 KiB); those of
 * version 2, which came to replace them, only write before it (rabbit_classic_queue_store_v2.erl, `sync`).
 */
export const RABBITMQ_CLASSIC = rabbitmq({
  id: 'rabbitmq-classic',
  name: 'RabbitMQ, classic queue',
  durability: 'flushed',
  takeDurability: 'memory',
  settings:
    'durable queue, version 1, the default of 3.10, persistent messages, publisher confirms',
  notes: TAKEN,
  source: 'rabbitmq.com/docs/confirms, Ack Latency for Persistent Messages',
  queue: { durable: true },
})

/** Of a quorum queue that may be killed. */
const YOUNG_SECONDS = 8

/**
 * Flushes before every confirm (seen with strace). Killed within the first seconds of its life, such a queue of
 * 3.10.8 comes back empty and without a leader, whatever was confirmed; after four seconds all of it was there.
 */
export const RABBITMQ_QUORUM = rabbitmq({
  id: 'rabbitmq-quorum',
  name: 'RabbitMQ, quorum queue',
  durability: 'flushed',
  takeDurability: 'memory',
  settings: 'quorum queue of one node, persistent messages, publisher confirms',
  notes: `${TAKEN} Killed within the first seconds of its life it came back empty, whatever it had confirmed: before it is opened after a kill it has lived for ${YOUNG_SECONDS} s.`,
  killSecondsMin: YOUNG_SECONDS,
  source: 'rabbitmq.com/docs/quorum-queues; rabbitmq.com/docs/confirms',
  queue: { durable: true, arguments: { 'x-queue-type': 'quorum' } },
})

interface Variant {
  readonly id: string
  readonly name: string
  readonly durability: Durability
  readonly takeDurability: Durability
  readonly settings: string
  readonly notes: string
  readonly killSecondsMin?: number
  readonly source: string
  /** As it is declared. */
  readonly queue: object
}

function rabbitmq({ queue, ...variant }: Variant): Contender {
  return {
    ...variant,
    kind: 'server',
    shape: 'queue',
    load: async () => {
      const program = needRabbitmq()
      const { exports, version } = await requirePeer('amqplib')
      const { connect } = Object(exports)
      return {
        version: `rabbitmq-server ${program.version}, amqplib ${version}`,
        open: async (directory) => {
          const server = await startRabbitmq(program, directory)
          return openOn(server, (port) => openRabbitmq({ connect }, port, queue))
        },
      }
    },
  }
}

async function openRabbitmq(amqp: Amqp, port: number, queue: object): Promise<Opened> {
  const url = `amqp://guest:guest@127.0.0.1:${port}`
  const connect = async (): Promise<Connection> => {
    const connection = await amqp.connect(url, { noDelay: true })
    // A call that was under way rejects with the same error.
    connection.on('error', () => undefined)
    return connection
  }
  // A publisher that is slowed down shall not slow its consumer, says its page of connections.
  const [publishing, consuming] = [await connect(), await connect()]
  await untilThere(publishing, queue)
  const channel = await publishing.createConfirmChannel()
  const taker = new Taker(await consuming.createChannel())
  return {
    put: (body) => {
      return new Promise((resolve, reject) => {
        channel.publish('', QUEUE, bufferOf(body), PERSISTENT, (error) => {
          if (error === null) resolve(undefined)
          else reject(error)
        })
      })
    },
    putMany: async (bodies) => {
      for (const body of bodies) channel.publish('', QUEUE, bufferOf(body), PERSISTENT, () => {})
      await channel.waitForConfirms()
    },
    take: (count, areThere) => taker.take(count, areThere),
    takers: TAKERS,
    close: async () => {
      await close(publishing)
      await close(consuming)
    },
  }
}

/** A quorum queue elects a leader when its node starts; until then what asks for it loses its channel. */
async function untilThere(connection: Connection, queue: object): Promise<void> {
  for (const endMs = performance.now() + LEADER_MS_MAX; ; ) {
    const channel = await connection.createChannel()
    // The call below rejects with the same.
    channel.on('error', () => undefined)
    try {
      await channel.assertQueue(QUEUE, queue)
      await channel.checkQueue(QUEUE)
      await channel.close()
      return
    } catch (error) {
      if (performance.now() > endMs) throw error
      await new Promise((again) => setTimeout(again, LEADER_AGAIN_MS))
    }
  }
}

/** Where the connection is lost meanwhile, the answer to the wish to close it never comes. */
async function close(connection: Connection): Promise<void> {
  const lost = new Promise<void>((resolve) => connection.on('close', resolve))
  await Promise.race([connection.close(), lost])
}

/** Deliveries come by themselves from the first take on. */
class Taker {
  readonly #channel: Channel
  readonly #delivered: Prefetched<Message>
  #isConsuming = false
  readonly #gather = oneAtATime((count: number, areThere?: boolean) =>
    this.#gatherSome(count, areThere),
  )

  constructor(channel: Channel) {
    this.#channel = channel
    this.#delivered = new Prefetched(async () => (await channel.checkQueue(QUEUE)).messageCount)
    channel.on('close', () => this.#delivered.fail(new Error('the channel is closed')))
  }

  async take(count: number, areThere?: boolean): Promise<number> {
    const taken = await this.#gather(count, areThere)
    // Acknowledgements have no answer; what is asked behind them is answered behind them.
    if (taken > 0) await this.#delivered.ask()
    return taken
  }

  async #gatherSome(count: number, areThere?: boolean): Promise<number> {
    if (!this.#isConsuming) await this.#consume()
    let taken = 0
    while (taken < count) {
      const messages = await this.#delivered.next(Math.min(ACK_EVERY, count - taken), areThere)
      const last = messages.at(-1)
      if (last === undefined) break
      for (const { content } of messages) needBody(content)
      this.#channel.ack(last, true)
      taken += messages.length
    }
    return taken
  }

  async #consume(): Promise<void> {
    this.#isConsuming = true
    await this.#channel.prefetch(PREFETCH)
    await this.#channel.consume(QUEUE, (message) => {
      if (message === null) this.#delivered.fail(new Error('the server ended the consumer'))
      else this.#delivered.add(message)
    })
  }
}
