/**
 * A protocol that is there before what it serves: connections are taken at once, and wait. So a server can
 * bind its ports first, give up the rights it needed for that, and open its store then. Pure.
 */
import type { Client, Conversation, Protocol } from './types.ts'

export class LateProtocol implements Protocol {
  readonly name: string
  #protocol: Protocol | undefined
  readonly #waiting = new Set<LateConversation>()

  constructor(name: string) {
    this.name = name
  }

  converse(client: Client): Conversation {
    if (this.#protocol !== undefined) return this.#protocol.converse(client)
    const conversation = new LateConversation(client, (one) => this.#waiting.delete(one))
    this.#waiting.add(conversation)
    return conversation
  }

  /** It is there: whoever waits is served, in the order in which they came. */
  serve(protocol: Protocol): void {
    this.#protocol = protocol
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const conversation of waiting) conversation.begin(protocol)
  }
}

class LateConversation implements Conversation {
  readonly #client: Client
  readonly #forget: (conversation: LateConversation) => void
  #real: Conversation | undefined

  constructor(client: Client, forget: (conversation: LateConversation) => void) {
    this.#client = client
    this.#forget = forget
  }

  get isBusy(): boolean {
    return this.#real?.isBusy ?? true
  }

  get isWaiting(): boolean {
    return this.#real?.isWaiting ?? false
  }

  /** Nobody has asked it for anything before there is something to serve. */
  get isUnknown(): boolean {
    return this.#real?.isUnknown ?? false
  }

  begin(protocol: Protocol): void {
    this.#real = protocol.converse(this.#client)
    this.#client.wake()
  }

  advance(): void {
    this.#real?.advance()
  }

  closed(): void {
    this.#forget(this)
    this.#real?.closed()
  }

  stop(): void {
    if (this.#real !== undefined) this.#real.stop()
    else this.#client.end()
  }
}
