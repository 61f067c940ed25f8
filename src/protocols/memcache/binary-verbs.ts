/** The commands of the binary protocol: what each takes, does and answers. */
import { GROUP_DEFAULT } from '../../index.ts'
import type { Request } from './binary-conversation.ts'
import { type Answer, Op, responseParts, Status } from './binary-frames.ts'
import type { Consumer } from './consumer.ts'
import { faultOf, INTERNAL } from './faults.ts'
import { flagsOf } from './flags.ts'
import { parseAddress, parseRead, type ReadRequest } from './key.ts'
import { PUT_BYTES_IN_FLIGHT_MAX } from './limits.ts'
import { PROTOCOL_VERSION } from './options.ts'
import type { Lane, Parts, Pipeline, Reply } from './pipeline.ts'
import { flushAll, put, remove } from './queue-verbs.ts'
import type { Readers } from './readers.ts'
import { type Figure, queueFigures, serverFigures } from './stats.ts'

const SET_EXTRA_BYTES = 8
const FLUSH_EXTRA_BYTES = 4
const SILENCE: Parts = []
const utf8 = new TextEncoder()

const isQuietOp = new Set<number>([Op.GETQ, Op.GETKQ, Op.SETQ, Op.DELETEQ, Op.FLUSHQ, Op.QUITQ])
/** What stores; others of its kind are refused. */
export const isPutOp = new Set<number>([Op.SET, Op.SETQ])
const namesKey = new Set<number>([Op.GETK, Op.GETKQ])

export class BinaryVerbs {
  readonly #readers: Readers
  readonly #pipeline: Pipeline
  readonly #consumer: Consumer
  readonly #verbs: ReadonlyMap<number, (request: Request) => void>
  #putBytes = 0

  constructor(readers: Readers, pipeline: Pipeline, consumer: Consumer) {
    this.#readers = readers
    this.#pipeline = pipeline
    this.#consumer = consumer
    const get = (request: Request): void => this.#get(request)
    // It has room among what is not durable yet, for its whole body.
    const set = (request: Request): void => {
      if (!this.#set(request)) this.#readers.puts.leave(request.bodyBytes)
    }
    const remove = (request: Request): void => this.#delete(request)
    const flush = (request: Request): void => this.#flush(request)
    const quit = (request: Request): void => this.#quit(request)
    const no = (request: Request): void => this.#say(request, Status.NOT_SUPPORTED, 'Not supported')
    this.#verbs = new Map<number, (request: Request) => void>([
      ...[Op.GET, Op.GETQ, Op.GETK, Op.GETKQ].map((op) => [op, get] as const),
      ...[Op.SET, Op.SETQ].map((op) => [op, set] as const),
      ...[Op.DELETE, Op.DELETEQ].map((op) => [op, remove] as const),
      ...[Op.FLUSH, Op.FLUSHQ].map((op) => [op, flush] as const),
      ...[Op.QUIT, Op.QUITQ].map((op) => [op, quit] as const),
      ...[Op.ADD, Op.ADDQ, Op.REPLACE, Op.REPLACEQ].map((op) => [op, no] as const),
      ...[Op.APPEND, Op.APPENDQ, Op.PREPEND, Op.PREPENDQ].map((op) => [op, no] as const),
      ...[Op.INCREMENT, Op.INCREMENTQ].map((op) => [op, no] as const),
      ...[Op.DECREMENT, Op.DECREMENTQ].map((op) => [op, no] as const),
      [Op.NOOP, (request) => this.#noop(request)],
      [Op.VERSION, (request) => this.#version(request)],
      [Op.STAT, (request) => this.#stat(request)],
    ])
  }

  /** Another body of this size may be taken now, as far as this connection goes. */
  hasRoom(bytes: number): boolean {
    return this.#putBytes === 0 || this.#putBytes + bytes <= PUT_BYTES_IN_FLIGHT_MAX
  }

  run(request: Request): void {
    const run = this.#verbs.get(request.op)
    if (run) run(request)
    else this.#say(request, Status.UNKNOWN, 'Unknown command')
  }

  #get(request: Request): void {
    if (request.extraBytes > 0 || request.keyBytes === 0 || request.value.length > 0) {
      this.#refuse(request)
      return
    }
    const read = parseRead(request.key)
    if (read === 'bad queue name') this.#say(request, Status.INVALID, 'Invalid arguments')
    else if (typeof read === 'string') this.#refuse(request)
    else this.#run(request, laneOf(read), (reply) => this.#read(request, read, reply))
  }

  async #read(request: Request, read: ReadRequest, reply: Reply): Promise<Parts> {
    if (this.#consumer.isConflict([read])) {
      this.#pipeline.end()
      return invalid(request)
    }
    const took = laneOf(read) === 'get' ? (bytes: number) => reply.took(bytes) : undefined
    const found = await this.#consumer.read(read, took)
    const key = namesKey.has(request.op) ? request.key : ''
    if (found) {
      const extras = new Uint8Array(4)
      new DataView(extras.buffer).setUint32(0, flagsOf(found.headers))
      return responseParts(request, { extras, key, value: found.body, cas: found.id })
    }
    if (isQuietOp.has(request.op)) return SILENCE
    const value = key === '' ? utf8.encode('Not found') : new Uint8Array(0)
    return responseParts(request, { status: Status.NOT_FOUND, key, value })
  }

  /** False where it does not begin. */
  #set(request: Request): boolean {
    if (request.extraBytes !== SET_EXTRA_BYTES || request.keyBytes === 0) {
      this.#refuse(request)
      return false
    }
    const address = parseAddress(request.key)
    if (address === 'malformed') this.#refuse(request)
    else if (typeof address === 'string' || address.group !== GROUP_DEFAULT) {
      this.#say(request, Status.INVALID, 'Invalid arguments')
    } else if (request.hasCas) {
      this.#say(request, Status.NOT_SUPPORTED, 'Not supported')
    } else {
      const { extras, value } = request
      const view = new DataView(extras.buffer, extras.byteOffset, SET_EXTRA_BYTES)
      this.#putBytes += value.length
      this.#run(request, 'put', async () => {
        try {
          const stored = put(this.#readers, address, value, view.getUint32(0), view.getUint32(4))
          const { id } = await stored
          return isQuietOp.has(request.op) ? SILENCE : responseParts(request, { cas: id })
        } finally {
          this.#putBytes -= value.length
          this.#readers.puts.leave(request.bodyBytes)
        }
      })
      return true
    }
    return false
  }

  #delete(request: Request): void {
    if (request.extraBytes > 0 || request.keyBytes === 0 || request.value.length > 0) {
      this.#refuse(request)
      return
    }
    const address = parseAddress(request.key)
    if (address === 'malformed') this.#refuse(request)
    else if (typeof address === 'string') this.#say(request, Status.INVALID, 'Invalid arguments')
    else {
      this.#run(request, 'alone', async () => {
        this.#consumer.leave(address)
        const isGone = await remove(this.#readers, address)
        if (isGone) return isQuietOp.has(request.op) ? SILENCE : responseParts(request, {})
        return told(request, Status.NOT_FOUND, 'Not found')
      })
    }
  }

  #flush(request: Request): void {
    const { extras, keyBytes, value } = request
    const hasDelay = extras.length === FLUSH_EXTRA_BYTES && extras.some((byte) => byte !== 0)
    const isMalformed = extras.length !== 0 && extras.length !== FLUSH_EXTRA_BYTES
    if (isMalformed || keyBytes > 0 || value.length > 0) this.#refuse(request)
    else if (hasDelay) this.#say(request, Status.NOT_SUPPORTED, 'Not supported')
    else {
      this.#run(request, 'alone', async () => {
        await flushAll(this.#readers)
        return isQuietOp.has(request.op) ? SILENCE : responseParts(request, {})
      })
    }
  }

  #noop(request: Request): void {
    if (request.bodyBytes > 0) this.#refuse(request)
    else this.#pipeline.say(responseParts(request, {}))
  }

  #version(request: Request): void {
    if (request.bodyBytes > 0) this.#refuse(request)
    else this.#say(request, Status.OK, PROTOCOL_VERSION)
  }

  #quit(request: Request): void {
    if (request.bodyBytes > 0) {
      this.#refuse(request)
      return
    }
    if (!isQuietOp.has(request.op)) this.#pipeline.say(responseParts(request, {}))
    this.#pipeline.end()
  }

  #stat(request: Request): void {
    if (request.key === '') this.#run(request, 'alone', (reply) => this.#sendStats(request, reply))
    else if (request.key === 'reset') {
      this.#run(request, 'alone', async () => {
        this.#readers.tally.reset()
        return responseParts(request, {})
      })
    } else this.#say(request, Status.NOT_FOUND, 'Not found')
  }

  /** One frame a figure, queue by queue, and an empty one at the end. */
  async #sendStats(request: Request, reply: Reply): Promise<Parts> {
    const stats = this.#readers.store.stats()
    reply.send(statFrames(request, serverFigures(this.#readers, stats)))
    for (const queue of stats.queues) {
      reply.send(statFrames(request, queueFigures(this.#readers, queue)))
      await this.#pipeline.room()
    }
    return responseParts(request, {})
  }

  #run(request: Request, lane: Lane, run: (reply: Reply) => Promise<Parts>): void {
    this.#pipeline.run(lane, (reply) => {
      run(reply).then(
        (parts) => reply.answer(parts),
        (error: unknown) => reply.answer(this.#faultParts(request, error)),
      )
    })
  }

  #faultParts(request: Request, error: unknown): Parts {
    const fault = faultOf(error)
    if (fault === undefined) {
      this.#readers.plan.onError(error instanceof Error ? error : new Error(String(error)))
    }
    const { status, text } = fault ?? INTERNAL
    return told(request, status, text)
  }

  #refuse(request: Request): void {
    this.#pipeline.say(invalid(request))
    this.#pipeline.end()
  }

  #say(request: Request, status: number, text: string): void {
    this.#pipeline.say(told(request, status, text))
  }
}

function laneOf({ open, close, abort, peek, waitMs }: ReadRequest): Lane {
  return open || close || abort || peek || waitMs > 0 ? 'alone' : 'get'
}

function invalid(request: Request): Parts {
  return told(request, Status.INVALID, 'Invalid arguments')
}

function told(request: Request, status: number, text: string): Parts {
  const answer: Answer = { status, value: utf8.encode(text) }
  return responseParts(request, answer)
}

function statFrames(request: Request, figures: readonly Figure[]): Parts {
  return figures.flatMap(([name, value]) =>
    responseParts(request, {
      key: Buffer.from(name).toString('latin1'),
      value: utf8.encode(String(value)),
    }),
  )
}
