/**
 * NATS JetStream of Debian's nats-server: a stream in files with work-queue retention, one pull consumer.
 * Debian's 2.9.10 flushes by a clock, every two minutes (seen with strace), and cannot be set to flush before it
 * answers.
 *
 * Killed by SIGKILL behind 500 answered puts, it had all of them. Behind 500 takes of 1,000, each answered by
 * `ackAck`, it gave 499 of these again, and 500 in another trial: acknowledgements stand in its memory for a while.
 * Killed 1 s later it knew from its consumer's file that they were acknowledged, and still had the messages; killed
 * 5 s later these were gone, too.
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Contender, Opened } from '../contract.ts'
import { needBody } from '../needed-body.ts'
import { oneAtATime } from '../one-at-a-time.ts'
import { requirePeer } from '../packages.ts'
import { Prefetched } from '../prefetched.ts'
import { needProgram, openOn, somePort, startServer, versionOfProgram } from '../servers.ts'
import { TAKERS } from '../takers.ts'

/** The part of @nats-io/transport-node and @nats-io/jetstream that is used. */
interface Nats {
  readonly connect: (options: object) => Promise<Connection>
  readonly jetstream: (connection: Connection, options: object) => JetStream
  readonly jetstreamManager: (connection: Connection, options: object) => Promise<Manager>
}

interface Connection {
  /** Resolves when it is over, whoever ended it. */
  closed(): Promise<unknown>
  close(): Promise<void>
}

interface JetStream {
  publish(subject: string, body: Uint8Array): Promise<unknown>
  readonly consumers: { get(stream: string, consumer: string): Promise<Consumer> }
}

interface Manager {
  readonly streams: { add(config: object): Promise<unknown> }
  readonly consumers: {
    add(stream: string, config: object): Promise<unknown>
    delete(stream: string, consumer: string): Promise<unknown>
  }
}

interface Consumer {
  info(): Promise<{
    /** Not delivered yet. */
    readonly num_pending: number
    /** Delivered, and not acknowledged. */
    readonly num_ack_pending: number
  }>
  consume(options: {
    readonly max_messages: number
    readonly callback: (message: Message) => void
  }): Promise<{ close(): Promise<unknown> }>
}

interface Message {
  readonly data: Uint8Array
  ack(): void
  /** The same with an answer. */
  ackAck(options: { readonly timeout: number }): Promise<boolean>
}

const STREAM = 'bench'
const SUBJECT = 'bench.message'
const CONSUMER = 'taker'
/**
 * Given ahead, as the server's own default of `max_ack_pending`: of 64 KiB each just below the 64 MiB that it holds
 * for a connection before it drops it.
 */
const AHEAD_MAX = 1000
/** Cut off at once: the client asks for more while these are acknowledged. */
const CUT = 100
/** Ten thousand publishes of 64 KiB wait longer for their answers than the 5 s that it gives them. */
const TIMEOUT_MS = 60_000
/**
 * A day, in nanoseconds. What is held ahead between two runs is to be delivered once: the server would deliver it
 * again behind its default of 30 s.
 */
const ACK_WAIT_NS = 24 * 60 * 60 * 1e9
/** Of the server: there is no such consumer. */
const NO_CONSUMER = 10_014

export const NATS_JETSTREAM: Contender = {
  id: 'nats-jetstream',
  name: 'NATS JetStream',
  durability: 'flushed later',
  takeDurability: 'memory',
  settings:
    'file storage, one replica, work-queue retention, flushed every 2 minutes, its default; ack_wait of a day, max_ack_pending of 1,000, its default',
  notes: `Taken by consume(), at most ${AHEAD_MAX} messages ahead; each is acknowledged, and the last of a take with an answer, since acknowledgements are worked off in their order. Killed behind that answer, the server delivered again what was taken.`,
  // The concepts page says of the default: "JetStream does not immediately fsync data to disk", no later
  // than after sync_interval, 2 minutes. That this can be set, to `always` too, came with pull request 4483
  // of September 2023, after Debian's 2.9.10, which does not know the setting.
  source:
    'docs.nats.io/nats-concepts/jetstream, Syncing data to disk; github.com/nats-io/nats-server/pull/4483; README of @nats-io/jetstream, Consuming messages',
  kind: 'server',
  shape: 'queue',
  load: async () => {
    const program = needProgram('nats-server', 'nats-server')
    const transport = await requirePeer('@nats-io/transport-node')
    const { exports, version } = await requirePeer('@nats-io/jetstream')
    const { jetstream, jetstreamManager } = Object(exports)
    const { connect } = Object(transport.exports)
    return {
      version: `nats-server ${versionOfProgram(program, '--version')}, @nats-io/jetstream ${version}`,
      open: (directory) =>
        openJetStream(program, { connect, jetstream, jetstreamManager }, directory),
    }
  },
}

async function openJetStream(program: string, nats: Nats, directory: string): Promise<Opened> {
  mkdirSync(directory, { recursive: true })
  const port = await somePort()
  const args = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(directory, 'store')]
  return openOn(await startServer({ program, args, port, directory }), () => openStream(nats, port))
}

async function openStream(nats: Nats, port: number): Promise<Opened> {
  // "Will greatly improve performance of request/reply and JetStream publishers", says the client's README.
  const to = { servers: `127.0.0.1:${port}`, reconnect: false, noAsyncTraces: true }
  const [putter, taker] = [await nats.connect(to), await nats.connect(to)]
  const manager = await nats.jetstreamManager(putter, { timeout: TIMEOUT_MS })
  await makeStream(manager)
  const stream = nats.jetstream(putter, { timeout: TIMEOUT_MS })
  const consumers = nats.jetstream(taker, { timeout: TIMEOUT_MS }).consumers
  const queue = new Taker(await consumers.get(STREAM, CONSUMER), taker)
  return {
    put: (body) => stream.publish(SUBJECT, body),
    putMany: (bodies) => Promise.all(bodies.map((body) => stream.publish(SUBJECT, body))),
    take: (count, areThere) => queue.take(count, areThere),
    takers: TAKERS,
    close: async () => {
      await queue.stop()
      await putter.close()
      await taker.close()
    },
  }
}

/** The stream is left as it is where it is there. */
async function makeStream(manager: Manager): Promise<void> {
  await manager.streams.add({
    name: STREAM,
    subjects: [SUBJECT],
    retention: 'workqueue',
    storage: 'file',
    num_replicas: 1,
  })
  // What the one before had been given ahead goes out again at once: else it would wait for `ack_wait`.
  try {
    await manager.consumers.delete(STREAM, CONSUMER)
  } catch (error) {
    if (Reflect.get(Object(error), 'code') !== NO_CONSUMER) throw error
  }
  await manager.consumers.add(STREAM, {
    durable_name: CONSUMER,
    // The only one that a work queue allows.
    ack_policy: 'explicit',
    ack_wait: ACK_WAIT_NS,
    // The client asks for more once it has handed out what came: this bounds what is held.
    max_ack_pending: AHEAD_MAX,
  })
}

/** Deliveries come by themselves from the first take on. */
class Taker {
  readonly #consumer: Consumer
  readonly #delivered: Prefetched<Message>
  #consuming: { close(): Promise<unknown> } | undefined
  /** By takes that are under way: what of these the server still counts is not known before their end. */
  #taken = 0
  readonly #gather = oneAtATime((count: number, areThere?: boolean) =>
    this.#gatherSome(count, areThere),
  )

  constructor(consumer: Consumer, connection: Connection) {
    this.#consumer = consumer
    this.#delivered = new Prefetched(async () => {
      // As of the question: one that is acknowledged before the answer may be counted in it.
      const inHand = this.#delivered.held + this.#taken
      const { num_pending, num_ack_pending } = await consumer.info()
      return num_pending + Math.max(0, num_ack_pending - inHand)
    })
    void connection.closed().then(() => this.#delivered.fail(new Error('the connection is closed')))
  }

  async take(count: number, areThere?: boolean): Promise<number> {
    const { taken, last } = await this.#gather(count, areThere)
    await last?.ackAck({ timeout: TIMEOUT_MS })
    this.#taken -= taken
    return taken
  }

  async stop(): Promise<void> {
    await this.#consuming?.close()
  }

  /** Acknowledges all but the last. */
  async #gatherSome(
    count: number,
    areThere?: boolean,
  ): Promise<{ taken: number; last: Message | undefined }> {
    this.#consuming ??= await this.#consumer.consume({
      max_messages: AHEAD_MAX,
      callback: (message) => this.#delivered.add(message),
    })
    let taken = 0
    let last: Message | undefined
    while (taken < count) {
      const messages = await this.#delivered.next(Math.min(CUT, count - taken), areThere)
      if (messages.length === 0) break
      taken += messages.length
      this.#taken += messages.length
      for (const message of messages) {
        needBody(message.data)
        last?.ack()
        last = message
      }
    }
    return { taken, last }
  }
}
