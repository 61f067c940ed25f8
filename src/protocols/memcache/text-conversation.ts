/**
 * The text protocol on one connection: takes lines and bodies as they come, and hands each command on as
 * soon as it is whole.
 */
import { GROUP_DEFAULT } from '../../index.ts'
import type { Client } from '../../server/index.ts'
import type { PutWaiter } from '../put-room.ts'
import type { Consumer } from './consumer.ts'
import { tokenOfText } from './credentials.ts'
import { type Address, parseAddress } from './key.ts'
import {
  CREDENTIAL_BYTES_MAX,
  GET_LINE_BYTES_MAX,
  LINE_BYTES_MAX,
  PUT_BYTES_IN_FLIGHT_MAX,
  UNTRUSTED_REPLIES_MAX,
} from './limits.ts'
import type { Pipeline } from './pipeline.ts'
import { put } from './queue-verbs.ts'
import type { Readers } from './readers.ts'
import {
  type BadStorageLine,
  isStorage,
  parseStorage,
  type StorageLine,
  verbOf,
  wordsOf,
} from './text-grammar.ts'
import { TextVerbs } from './text-verbs.ts'

const LF = 10
const CR = 13
const ENDING_BYTES = 2
const SHORT_LINE_BYTES = 64
const BAD_LINE = 'CLIENT_ERROR bad command line format\r\n'
const STORED = ['STORED\r\n']
const SILENCE: readonly string[] = []

/** A `set` whose body is on its way. */
interface ComingPut {
  readonly line: StorageLine
  readonly address: Address
}

export class TextConversation implements PutWaiter {
  readonly #client: Client
  readonly #readers: Readers
  readonly #pipeline: Pipeline
  readonly #verbs: TextVerbs
  readonly #consumer: Consumer
  #coming: ComingPut | undefined
  /** Bytes of a body that nobody wants. */
  #unwanted = 0
  /** Bytes of what proves who it is, while that is on its way. */
  #credential: number | undefined
  #isTrusted: boolean
  /** Commands that were refused because no token was shown. */
  #refusals = 0
  #putBytes = 0

  constructor(client: Client, readers: Readers, pipeline: Pipeline, consumer: Consumer) {
    this.#client = client
    this.#readers = readers
    this.#pipeline = pipeline
    this.#consumer = consumer
    this.#verbs = new TextVerbs(readers, pipeline, consumer)
    this.#isTrusted = readers.plan.isToken === undefined
  }

  /** It has shown a token, or needs none. */
  get isTrusted(): boolean {
    return this.#isTrusted
  }

  advance(): void {
    while (this.#pipeline.isFree && !this.#client.isCongested && this.#step());
  }

  /** A value is there, and waits for room among those that are not durable yet. */
  get isHeldUp(): boolean {
    return this.#readers.puts.isWaiting(this)
  }

  get waitingBytes(): number {
    return this.#coming?.line.bytes ?? 0
  }

  admitted(): void {
    const coming = this.#coming
    const bytes = this.waitingBytes
    // A connection that was broken off has let go of its bytes before it hears of that.
    const isThere = this.#client.intake.length >= bytes + ENDING_BYTES
    if (coming === undefined || !isThere || !this.#pipeline.isFree) {
      this.#readers.puts.leave(bytes)
      return
    }
    this.#put(coming)
    this.#client.wake()
  }

  /** The connection is gone, or takes nothing more. */
  close(): void {
    this.#readers.puts.giveUp(this)
  }

  /** Takes one thing; false where more has to come first. */
  #step(): boolean {
    if (this.#unwanted > 0) return this.#skip()
    if (this.#coming !== undefined) return this.#takeBody(this.#coming)
    if (this.#credential !== undefined) return this.#takeCredential(this.#credential)
    const line = this.#takeLine()
    if (line === undefined) return false
    const words = wordsOf(line)
    const verb = verbOf(words)
    if (!this.#isTrusted) this.#askCredential(verb, words)
    else if (isStorage(verb)) this.#beginStorage(verb, words)
    else this.#verbs.run(verb, words)
    return true
  }

  #takeLine(): string | undefined {
    const { intake } = this.#client
    const at = intake.indexOf(LF, 0, GET_LINE_BYTES_MAX + 1)
    const bytes = at < 0 ? intake.length : at
    if (bytes > LINE_BYTES_MAX && bytes > this.#lineBytesMax()) this.#hangUp()
    else if (at >= 0) return this.#lineOf(at)
    return undefined
  }

  #lineOf(at: number): string {
    const { intake } = this.#client
    const hasReturn = at > 0 && intake.peek(at - 1) === CR
    const line = this.#take(at + 1)
    const bytes = at - (hasReturn ? 1 : 0)
    // For a short line it costs more to make a Buffer than to read it.
    if (bytes > SHORT_LINE_BYTES) {
      return Buffer.from(line.buffer, line.byteOffset, bytes).toString('latin1')
    }
    let text = ''
    for (let next = 0; next < bytes; next++) text += String.fromCharCode(line[next] ?? 0)
    return text
  }

  /** Only a line of many keys may be long. */
  #lineBytesMax(): number {
    const { intake } = this.#client
    const start = String.fromCharCode(intake.peek(0), intake.peek(1), intake.peek(2))
    return this.#isTrusted && start.toLowerCase() === 'get' ? GET_LINE_BYTES_MAX : LINE_BYTES_MAX
  }

  #hangUp(): void {
    this.#pipeline.say(['CLIENT_ERROR line too long\r\n'])
    this.#pipeline.end(this.#isTrusted ? undefined : 'unauthorized')
  }

  #beginStorage(verb: string, words: readonly string[]): void {
    const line = parseStorage(verb, words)
    if (line === undefined) this.#say('ERROR\r\n')
    else if (line.isBad) this.#refuseBody(line)
    else this.#beginBody(line)
  }

  /** A body that is read on as commands would empty a queue whose item says so. */
  #refuseBody({ bytes, isQuiet }: BadStorageLine): void {
    if (!isQuiet) this.#say(BAD_LINE)
    if (bytes !== undefined) this.#unwanted = bytes + ENDING_BYTES
  }

  #beginBody(line: StorageLine): void {
    const address = parseAddress(line.key)
    const why = refusal(line, address, this.#readers.plan.valueBytesMax)
    if (why !== undefined || typeof address === 'string') {
      // memcached too answers at once, and lets the body pass.
      if (!line.isQuiet) this.#say(`${why ?? BAD_LINE}`)
      this.#unwanted = line.bytes + ENDING_BYTES
      return
    }
    this.#coming = { line, address }
  }

  #takeBody(coming: ComingPut): boolean {
    const { bytes, isQuiet } = coming.line
    const { intake } = this.#client
    // Behind a read that waits for a message it would keep room of others for as long.
    if (!this.#pipeline.canRun('put')) return false
    intake.expect(bytes + ENDING_BYTES)
    if (intake.length < bytes + ENDING_BYTES) return false
    const isFull = this.#putBytes > 0 && this.#putBytes + bytes > PUT_BYTES_IN_FLIGHT_MAX
    // What is under way wakes this when it is done.
    if (isFull || this.isHeldUp) return false
    const hasEnding = intake.peek(bytes) === CR && intake.peek(bytes + 1) === LF
    if (hasEnding) {
      if (!this.#readers.puts.enter(this)) return false
      this.#put(coming)
      return true
    }
    this.#coming = undefined
    this.#take(bytes + ENDING_BYTES)
    if (!isQuiet) this.#say('CLIENT_ERROR bad data chunk\r\n')
    return true
  }

  /** Has its room, which it gives back when it is durable. */
  #put({ line, address }: ComingPut): void {
    this.#coming = undefined
    const body = this.#take(line.bytes + ENDING_BYTES).subarray(0, line.bytes)
    this.#putBytes += line.bytes
    const { puts } = this.#readers
    this.#pipeline.run('put', (reply) => {
      const done = (): void => {
        this.#putBytes -= line.bytes
        puts.leave(line.bytes)
        reply.answer(line.isQuiet ? SILENCE : STORED)
      }
      const failed = (error: unknown): void => {
        this.#putBytes -= line.bytes
        puts.leave(line.bytes)
        reply.answer(line.isQuiet ? SILENCE : this.#verbs.faultOf(error))
      }
      put(this.#readers, this.#consumer.held(address), body, line.flags, line.exptime).then(
        done,
        failed,
      )
    })
  }

  #skip(): boolean {
    const { intake } = this.#client
    const bytes = Math.min(this.#unwanted, intake.length)
    if (bytes === 0) return false
    intake.skip(bytes)
    this.#readers.tally.bytesRead += bytes
    this.#unwanted -= bytes
    return true
  }

  /** The first `set` carries it, whatever its key. */
  #askCredential(verb: string, words: readonly string[]): void {
    const bytes = Number(words[4])
    if (verb !== 'set' || words.length < 5 || !/^\d{1,9}$/.test(words[4] ?? '')) {
      this.#refuse('CLIENT_ERROR unauthenticated\r\n')
    } else if (bytes > CREDENTIAL_BYTES_MAX) {
      this.#hangUp()
    } else {
      this.#credential = bytes
    }
  }

  #takeCredential(bytes: number): boolean {
    if (this.#client.intake.length < bytes + ENDING_BYTES) return false
    this.#credential = undefined
    const text = this.#take(bytes + ENDING_BYTES)
    if (text[bytes] !== CR || text[bytes + 1] !== LF) {
      this.#refuse('CLIENT_ERROR bad command line termination\r\n')
      return true
    }
    const given = tokenOfText(text.subarray(0, bytes))
    this.#isTrusted = this.#readers.plan.isToken?.(given) ?? false
    this.#say(this.#isTrusted ? 'STORED\r\n' : 'CLIENT_ERROR authentication failure\r\n')
    // Whoever guesses has to connect for each try.
    if (!this.#isTrusted) this.#pipeline.end('unauthorized')
    return true
  }

  /** So many answers tell a client what is wrong: whoever goes on is let go. */
  #refuse(line: string): void {
    this.#say(line)
    this.#refusals += 1
    if (this.#refusals >= UNTRUSTED_REPLIES_MAX) this.#pipeline.end('unauthorized')
  }

  #take(bytes: number): Uint8Array {
    this.#readers.tally.bytesRead += bytes
    return this.#client.intake.take(bytes)
  }

  #say(line: string): void {
    this.#pipeline.say([line])
  }
}

/** Why a body is not taken; undefined where it is. */
function refusal(
  { verb, bytes }: StorageLine,
  address: ReturnType<typeof parseAddress>,
  valueBytesMax: number,
): string | undefined {
  if (verb !== 'set') return `CLIENT_ERROR a queue takes set alone, not ${verb}\r\n`
  if (bytes > valueBytesMax) return 'SERVER_ERROR object too large for cache\r\n'
  if (typeof address === 'string') return `CLIENT_ERROR ${address}\r\n`
  return address.group === GROUP_DEFAULT ? undefined : 'CLIENT_ERROR a fan-out is only read\r\n'
}
