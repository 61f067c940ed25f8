/**
 * A small protocol for the frame's tests. `echo BYTES`, then the body and CR LF, is answered with the body;
 * `wait` is answered when the test says so, and what is behind it waits; `fill BYTES` is answered with so
 * many bytes; `look` is answered without an event in between; `boom` is a mistake in the protocol.
 */
import type { Client, Conversation, Protocol } from '../../../src/server/listen/types.ts'

const LF = 10
const LINE_BYTES_MAX = 224
const FILL = Buffer.alloc(64 * 1024, 'x')

export class LineProtocol implements Protocol {
  readonly name = 'lines'
  readonly conversations: LineConversation[] = []

  converse(client: Client): LineConversation {
    const conversation = new LineConversation(client)
    this.conversations.push(conversation)
    return conversation
  }

  get last(): LineConversation {
    const last = this.conversations.at(-1)
    if (last === undefined) throw new Error('nobody has connected')
    return last
  }
}

export class LineConversation implements Conversation {
  readonly client: Client
  readonly taken: string[] = []
  closings = 0
  stops = 0
  advances = 0
  /** Its `wait` is one that may never be answered. */
  isWaiting = false
  /** It asks for a token. */
  isUnknown = false
  /** What a `look` costs. */
  onLook = (): void => undefined
  #isWaiting = false
  #bodyBytes = -1
  #fillBytes = 0

  constructor(client: Client) {
    this.client = client
  }

  get isBusy(): boolean {
    return this.#isWaiting
  }

  /** Answers a `wait`, as a store does at some time. */
  answer(): void {
    this.#isWaiting = false
    this.client.write('ANSWER\r\n')
    if (this.stops > 0) this.client.end()
    else this.client.wake()
  }

  advance(): void {
    this.advances += 1
    while (!this.#isWaiting && this.#step());
  }

  closed(): void {
    this.closings += 1
  }

  stop(): void {
    this.stops += 1
  }

  #step(): boolean {
    const { client } = this
    if (this.#fillBytes > 0) {
      if (client.isCongested) return false
      const bytes = Math.min(FILL.length, this.#fillBytes)
      client.write(FILL.subarray(0, bytes))
      this.#fillBytes -= bytes
      return true
    }
    return this.#bodyBytes >= 0 ? this.#body() : this.#line()
  }

  #look(): void {
    this.#isWaiting = true
    queueMicrotask(() => {
      this.onLook()
      this.answer()
    })
  }

  #body(): boolean {
    const { intake } = this.client
    if (intake.length < this.#bodyBytes + 2) return false
    const body = intake.take(this.#bodyBytes)
    intake.skip(2)
    this.#bodyBytes = -1
    this.taken.push(`body ${body.length}`)
    this.client.write(body)
    this.client.write('\r\n')
    return true
  }

  #line(): boolean {
    const { client } = this
    const end = client.intake.indexOf(LF, 0, LINE_BYTES_MAX)
    if (end < 0) {
      if (client.intake.length >= LINE_BYTES_MAX) client.end()
      return false
    }
    const line = Buffer.from(client.intake.take(end + 1))
      .toString('latin1')
      .trim()
    this.taken.push(line)
    const [word, count] = line.split(' ')
    if (word === 'boom') throw new Error('a mistake')
    if (word === 'wait') this.#isWaiting = true
    else if (word === 'look') this.#look()
    else if (word === 'quit') client.end()
    else if (word === 'fill') this.#fillBytes = Number(count)
    else if (word === 'echo') {
      this.#bodyBytes = Number(count)
      client.intake.expect(this.#bodyBytes + 2)
    } else client.write(`GOT ${line}\r\n`)
    return true
  }
}
