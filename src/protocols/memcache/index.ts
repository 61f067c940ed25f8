/**
 * The memcache protocol, text and binary, over the queues of a store: `set` puts, `get` takes, and
 * Kestrel's options make a read reliable. What each command does stands in docs/memcache.md.
 */
import type { Store } from '../../index.ts'
import type { Client, Conversation, Protocol } from '../../server/index.ts'
import { BinaryConversation } from './binary-conversation.ts'
import { MAGIC_REQUEST } from './binary-frames.ts'
import { BinaryVerbs } from './binary-verbs.ts'
import { Consumer } from './consumer.ts'
import { checkOptions, type MemcacheOptions } from './options.ts'
import { Pipeline } from './pipeline.ts'
import { Readers } from './readers.ts'
import { Tally } from './tally.ts'
import { TextConversation } from './text-conversation.ts'

export type { MemcacheOptions } from './options.ts'

/** A protocol for `listen`. Throws QLOG_INVALID_ARGUMENT. */
export function memcache(store: Store, options: MemcacheOptions = {}): Protocol {
  const readers = new Readers(store, checkOptions(options), new Tally())
  return { name: 'memcache', converse: (client) => new MemcacheConversation(client, readers) }
}

/** One connection, of which the first byte says how it speaks. */
class MemcacheConversation implements Conversation {
  readonly #client: Client
  readonly #readers: Readers
  readonly #pipeline: Pipeline
  readonly #consumer: Consumer
  #speech: TextConversation | BinaryConversation | undefined

  constructor(client: Client, readers: Readers) {
    this.#client = client
    this.#readers = readers
    this.#pipeline = new Pipeline(client, readers.tally)
    this.#consumer = new Consumer(readers, client)
    readers.tally.connections++
    readers.tally.totalConnections++
  }

  get isBusy(): boolean {
    return this.#pipeline.isBusy || (this.#speech?.isHeldUp ?? false)
  }

  get isWaiting(): boolean {
    return this.#consumer.isWaiting
  }

  get isUnknown(): boolean {
    // Before its first byte it is nobody, either.
    return !(this.#speech?.isTrusted ?? this.#readers.plan.isToken === undefined)
  }

  advance(): void {
    if (this.#client.intake.length > 0) this.#speech ??= this.#begin()
    if (this.#client.intake.ended) this.#consumer.stopWaiting()
    this.#pipeline.advance()
    this.#speech?.advance()
  }

  closed(): void {
    this.#readers.tally.connections--
    this.#pipeline.close()
    this.#speech?.close()
    this.#consumer.close()
  }

  stop(): void {
    this.#consumer.stopWaiting()
    this.#speech?.close()
    this.#pipeline.finish()
  }

  #begin(): TextConversation | BinaryConversation {
    const client = this.#client
    const readers = this.#readers
    const pipeline = this.#pipeline
    if (client.intake.peek(0) === MAGIC_REQUEST) {
      const verbs = new BinaryVerbs(readers, pipeline, this.#consumer)
      return new BinaryConversation(client, readers, pipeline, verbs)
    }
    return new TextConversation(client, readers, pipeline, this.#consumer)
  }
}
