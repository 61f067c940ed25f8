/**
 * NATS JetStream of Debian's nats-server: a stream in files with work-queue retention, one pull consumer.
 * Debian's 2.9.10 flushes by a clock, every two minutes (seen with strace), and cannot be set to flush before it
 * answers.
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Contender, Opened } from '../contract.ts'
import { oneAtATime } from '../one-at-a-time.ts'
import { requirePeer } from '../packages.ts'
import { needProgram, openOn, somePort, startServer, versionOfProgram } from '../servers.ts'

/** The part of @nats-io/transport-node and @nats-io/jetstream that is used. */
interface Nats {
  readonly connect: (options: object) => Promise<Connection>
  readonly jetstream: (connection: Connection, options: object) => JetStream
  readonly jetstreamManager: (connection: Connection, options: object) => Promise<Manager>
}

interface Connection {
  close(): Promise<void>
}

interface JetStream {
  publish(subject: string, body: Uint8Array): Promise<unknown>
  readonly consumers: { get(stream: string, consumer: string): Promise<Consumer> }
}

interface Manager {
  readonly streams: { add(config: object): Promise<unknown> }
  readonly consumers: { add(stream: string, config: object): Promise<unknown> }
}

interface Consumer {
  info(): Promise<{ readonly num_pending: number }>
  fetch(options: { readonly max_messages: number }): Promise<AsyncIterable<Message>>
}

interface Message {
  /** Of which messages that were not delivered yet when this one was. */
  readonly info: { readonly pending: number }
  ackAck(): Promise<boolean>
}

const STREAM = 'bench'
const SUBJECT = 'bench.message'
const CONSUMER = 'taker'
/** Of one request: 64 KiB each stay below the 64 MB that the server holds for a connection before it drops it. */
const FETCH_MAX = 500
/** Ten thousand publishes of 64 KiB wait longer for their answers than the 5 s that it gives them. */
const TIMEOUT_MS = 60_000

export const NATS_JETSTREAM: Contender = {
  id: 'nats-jetstream',
  name: 'NATS JetStream',
  durability: 'flushed later',
  settings:
    'file storage, one replica, work-queue retention, flushed every 2 minutes, its default; taken by a pull consumer, each acknowledged with ackAck',
  // The concepts page says of the default: "JetStream does not immediately fsync data to disk", no later
  // than after sync_interval, 2 minutes. That this can be set, to `always` too, came with pull request 4483
  // of September 2023, after Debian's 2.9.10, which does not know the setting.
  source:
    'docs.nats.io/nats-concepts/jetstream, Syncing data to disk; github.com/nats-io/nats-server/pull/4483; README of @nats-io/jetstream',
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
  await makeStream(nats, putter)
  const stream = nats.jetstream(putter, { timeout: TIMEOUT_MS })
  const consumers = nats.jetstream(taker, { timeout: TIMEOUT_MS }).consumers
  const queue = new Taker(await consumers.get(STREAM, CONSUMER))
  return {
    put: async (body) => {
      await stream.publish(SUBJECT, body)
    },
    putMany: async (bodies) => {
      await Promise.all(bodies.map((body) => stream.publish(SUBJECT, body)))
    },
    take: oneAtATime((count) => queue.take(count)),
    close: async () => {
      await putter.close()
      await taker.close()
    },
  }
}

/** Both are left as they are where they are there. */
async function makeStream(nats: Nats, connection: Connection): Promise<void> {
  const manager = await nats.jetstreamManager(connection, { timeout: TIMEOUT_MS })
  await manager.streams.add({
    name: STREAM,
    subjects: [SUBJECT],
    retention: 'workqueue',
    storage: 'file',
    num_replicas: 1,
  })
  await manager.consumers.add(STREAM, {
    durable_name: CONSUMER,
    ack_policy: 'explicit',
    max_ack_pending: FETCH_MAX,
  })
}

/** A fetch that finds too few waits for more, a second at least: so none asks for more than there is. */
class Taker {
  readonly #consumer: Consumer
  /** As the last delivery told. */
  #pending = 0

  constructor(consumer: Consumer) {
    this.#consumer = consumer
  }

  async take(count: number): Promise<number> {
    let taken = 0
    while (taken < count) {
      if (this.#pending === 0) this.#pending = (await this.#consumer.info()).num_pending
      if (this.#pending === 0) break
      const came = await this.#fetch(Math.min(count - taken, this.#pending, FETCH_MAX))
      // What it was told of is gone: whoever wants more looks again.
      if (came === 0) break
      taken += came
    }
    return taken
  }

  async #fetch(max_messages: number): Promise<number> {
    const acks: Promise<boolean>[] = []
    for await (const message of await this.#consumer.fetch({ max_messages })) {
      this.#pending = message.info.pending
      acks.push(message.ackAck())
    }
    await Promise.all(acks)
    return acks.length
  }
}
