/**
 * The binary protocol on one connection: takes frames as they come, and hands each on as soon as it is
 * whole. What memcached hangs up for, this hangs up for.
 */
import type { Client } from '../../server/index.ts'
import type { PutWaiter } from '../put-room.ts'
import {
  FRAME_BYTES,
  type Frame,
  MAGIC_REQUEST,
  Op,
  readFrame,
  responseParts,
  Status,
} from './binary-frames.ts'
import { type BinaryVerbs, isPutOp } from './binary-verbs.ts'
import { tokenOfPlain } from './credentials.ts'
import { CREDENTIAL_BYTES_MAX, FRAME_HEAD_BYTES_MAX, UNTRUSTED_REPLIES_MAX } from './limits.ts'
import type { Pipeline } from './pipeline.ts'
import type { Readers } from './readers.ts'

const utf8 = new TextEncoder()
const isStorageOp = new Set<number>([
  ...[Op.SET, Op.SETQ, Op.ADD, Op.ADDQ, Op.REPLACE, Op.REPLACEQ],
  ...[Op.APPEND, Op.APPENDQ, Op.PREPEND, Op.PREPENDQ],
])
/** What may be asked before it is known who asks. */
const isOpenOp = new Set<number>([Op.SASL_LIST, Op.SASL_AUTH, Op.SASL_STEP, Op.VERSION])

/** A stranger's frame is small, or no memory is made for what it says that it has; and it makes sense. */
function isOfStranger({ op, keyBytes, extraBytes, bodyBytes }: Frame): boolean {
  const bytesMax = op === Op.VERSION ? 0 : CREDENTIAL_BYTES_MAX
  return isOpenOp.has(op) && keyBytes + extraBytes <= bodyBytes && bodyBytes <= bytesMax
}

/** A whole request. */
export interface Request extends Frame {
  readonly extras: Uint8Array
  /** Latin1: one character a byte. */
  readonly key: string
  readonly value: Uint8Array
}

export class BinaryConversation implements PutWaiter {
  readonly #client: Client
  readonly #readers: Readers
  readonly #pipeline: Pipeline
  readonly #verbs: BinaryVerbs
  /** The frame whose body is on its way. */
  #frame: Frame | undefined
  /** Bytes of a body that nobody wants. */
  #unwanted = 0
  #isTrusted: boolean
  /** Frames that were answered before a token was shown. */
  #untrustedReplies = 0

  constructor(client: Client, readers: Readers, pipeline: Pipeline, verbs: BinaryVerbs) {
    this.#client = client
    this.#readers = readers
    this.#pipeline = pipeline
    this.#verbs = verbs
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
    return this.#frame?.bodyBytes ?? 0
  }

  admitted(): void {
    const frame = this.#frame
    const bytes = this.waitingBytes
    // A connection that was broken off has let go of its bytes before it hears of that.
    const isThere = this.#client.intake.length >= bytes
    if (frame === undefined || !isThere || !this.#pipeline.isFree) {
      this.#readers.puts.leave(bytes)
      return
    }
    this.#run(frame)
    this.#client.wake()
  }

  /** The connection is gone, or takes nothing more. */
  close(): void {
    this.#readers.puts.giveUp(this)
  }

  /** Takes one thing; false where more has to come first. */
  #step(): boolean {
    const { intake } = this.#client
    if (this.#unwanted > 0) return this.#skip()
    if (this.#frame !== undefined) return this.#takeBody(this.#frame)
    if (intake.length < FRAME_BYTES) return false
    if (intake.peek(0) !== MAGIC_REQUEST) {
      this.#pipeline.end(this.#isTrusted ? undefined : 'unauthorized')
      return false
    }
    const frame = readFrame(this.#take(FRAME_BYTES))
    this.#begin(frame)
    return true
  }

  #begin(frame: Frame): void {
    const { op, keyBytes, extraBytes, bodyBytes } = frame
    const valueBytes = bodyBytes - keyBytes - extraBytes
    if (!this.#isTrusted && !isOfStranger(frame)) {
      this.#refuse(frame, Status.AUTH, 'Auth failure.')
    } else if (valueBytes < 0) {
      this.#refuse(frame, Status.UNKNOWN, 'Unknown command')
    } else if (isStorageOp.has(op) && valueBytes > this.#readers.plan.valueBytesMax) {
      this.#say(frame, Status.TOO_LARGE, 'Too large.')
      this.#unwanted = bodyBytes
    } else if (!isStorageOp.has(op) && bodyBytes > FRAME_HEAD_BYTES_MAX) {
      this.#refuse(frame, Status.INVALID, 'Invalid arguments')
    } else {
      this.#frame = frame
    }
  }

  #takeBody(frame: Frame): boolean {
    const { op, bodyBytes } = frame
    const { intake } = this.#client
    const isPut = isPutOp.has(op)
    // Behind a read that waits for a message it would keep room of others for as long.
    if (isPut && !this.#pipeline.canRun('put')) return false
    intake.expect(bodyBytes)
    // The bodies of puts that are under way are bounded by their number and their size.
    if (intake.length < bodyBytes || this.isHeldUp) return false
    if (!this.#verbs.hasRoom(bodyBytes)) return false
    if (isPut && !this.#readers.puts.enter(this)) return false
    this.#run(frame)
    return true
  }

  #run(frame: Frame): void {
    const { keyBytes, extraBytes, bodyBytes } = frame
    this.#frame = undefined
    const body = this.#take(bodyBytes)
    const extras = body.subarray(0, extraBytes)
    const keyEnd = extraBytes + keyBytes
    const key = Buffer.from(body.buffer, body.byteOffset + extraBytes, keyBytes).toString('latin1')
    const request = { ...frame, extras, key, value: body.subarray(keyEnd) }
    if (!this.#answersSasl(request)) this.#verbs.run(request)
    if (!this.#isTrusted) this.#countReply()
  }

  /** What may be asked before a token is shown helps to show one: for that it is asked a few times. */
  #countReply(): void {
    this.#untrustedReplies += 1
    if (this.#untrustedReplies >= UNTRUSTED_REPLIES_MAX) this.#pipeline.end('unauthorized')
  }

  /** Where no token is asked for, memcached too knows none of these. */
  #answersSasl(request: Request): boolean {
    const { isToken } = this.#readers.plan
    if (isToken === undefined) return false
    if (request.op === Op.SASL_LIST) {
      this.#say(request, Status.OK, 'PLAIN')
    } else if (request.op === Op.SASL_AUTH) {
      const given = request.key === 'PLAIN' ? tokenOfPlain(request.value) : undefined
      this.#isTrusted = given !== undefined && isToken(given)
      if (this.#isTrusted) this.#say(request, Status.OK, 'Authenticated')
      else this.#refuse(request, Status.AUTH, 'Auth failure.')
    } else if (request.op === Op.SASL_STEP) {
      this.#say(request, Status.AUTH, 'Auth failure.')
    } else {
      return false
    }
    return true
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

  #take(bytes: number): Uint8Array {
    this.#readers.tally.bytesRead += bytes
    return this.#client.intake.take(bytes)
  }

  #refuse(frame: Frame, status: number, text: string): void {
    this.#say(frame, status, text)
    this.#pipeline.end(status === Status.AUTH ? 'unauthorized' : undefined)
  }

  #say(frame: Frame, status: number, text: string): void {
    this.#pipeline.say(responseParts(frame, { status, value: utf8.encode(text) }))
  }
}
