/**
 * The commands of one connection that are being answered: replies leave in the order of the commands,
 * many puts, or many plain reads, are under way together, and everything else has the connection for
 * itself. So a read behind a put finds what was put, and a read that waits holds up what is behind it.
 */
import type { Client, RefusalReason } from '../../server/index.ts'
import { GET_BYTES_IN_FLIGHT_MAX, GETS_LOADING_MAX, IN_FLIGHT_MAX } from './limits.ts'
import type { Tally } from './tally.ts'

/** What may be under way beside others of its kind. */
export type Lane = 'put' | 'get' | 'alone'
/** Pieces of a reply; a string is latin1. */
export type Parts = readonly (string | Uint8Array)[]

/** The place of one reply in the order. */
export class Reply {
  parts: Parts | undefined
  /** Of a plain read: bytes of the body that it holds; undefined until it has one. */
  heldBytes: number | undefined
  readonly #pipeline: Pipeline

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline
  }

  /** It is complete; once. */
  answer(parts: Parts): void {
    this.parts = parts
    this.#pipeline.answered(this)
  }

  /** A plain read has got its body, and makes it final now: the next one may begin. */
  took(bytes: number): void {
    this.#pipeline.took(this, bytes)
  }

  /** A piece of the reply of a command that runs alone, while it still runs. */
  send(parts: Parts): void {
    this.#pipeline.send(parts)
  }
}

export class Pipeline {
  readonly #client: Client
  readonly #tally: Tally
  /** Oldest first, from `#first` on. */
  #replies: Reply[] = []
  #first = 0
  #lane: Lane = 'alone'
  /** Plain reads that have no body yet, and the bytes of those that have one. */
  #loading = 0
  #heldBytes = 0
  #held: { readonly lane: Lane; readonly run: (reply: Reply) => void } | undefined
  #whenRoom: (() => void) | undefined
  #isEnding = false
  #why: RefusalReason | undefined
  #isClosed = false

  constructor(client: Client, tally: Tally) {
    this.#client = client
    this.#tally = tally
  }

  /** Another command may be taken. */
  get isFree(): boolean {
    return this.#held === undefined && !this.#isEnding && this.#count < IN_FLIGHT_MAX
  }

  get isBusy(): boolean {
    return this.#count > 0 || this.#held !== undefined
  }

  get #count(): number {
    return this.#replies.length - this.#first
  }

  /** Whether a command of this kind begins at once. */
  canRun(lane: Lane): boolean {
    const count = this.#count
    if (count === 0) return true
    if (lane === 'alone' || lane !== this.#lane || count >= IN_FLIGHT_MAX) return false
    if (lane === 'put') return true
    return this.#loading < GETS_LOADING_MAX && this.#heldBytes < GET_BYTES_IN_FLIGHT_MAX
  }

  /** Begins a command, now or as soon as it may; nothing is taken before that. */
  run(lane: Lane, run: (reply: Reply) => void): void {
    if (!this.canRun(lane)) {
      this.#held = { lane, run }
      return
    }
    this.#lane = lane
    const reply = new Reply(this)
    this.#replies.push(reply)
    if (lane === 'get') this.#loading++
    run(reply)
  }

  /** A reply that needs nobody. */
  say(parts: Parts): void {
    if (this.#count === 0) {
      this.send(parts)
      return
    }
    const reply = new Reply(this)
    reply.parts = parts
    this.#replies.push(reply)
  }

  send(parts: Parts): void {
    if (this.#isClosed) return
    for (const part of parts) {
      this.#tally.bytesWritten += part.length
      this.#client.write(part)
    }
  }

  /** Resolves when the peer has taken enough of what was sent, or is gone. For a command that runs alone. */
  room(): Promise<void> {
    if (!this.#client.isCongested || this.#isClosed) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenRoom = resolve
    })
  }

  /** The peer takes what is sent. */
  advance(): void {
    if (this.#client.isCongested) return
    const whenRoom = this.#whenRoom
    this.#whenRoom = undefined
    whenRoom?.()
  }

  took(reply: Reply, bytes: number): void {
    reply.heldBytes = bytes
    this.#heldBytes += bytes
    this.#loading--
    this.#goOn()
  }

  answered(answered: Reply): void {
    if (this.#lane === 'get' && answered.heldBytes === undefined) this.#loading--
    let reply = this.#replies[this.#first]
    for (; reply?.parts !== undefined; reply = this.#replies[this.#first]) {
      this.send(reply.parts)
      this.#heldBytes -= reply.heldBytes ?? 0
      this.#first++
    }
    if (this.#first === this.#replies.length) {
      this.#replies = []
      this.#first = 0
    } else if (this.#first >= IN_FLIGHT_MAX) {
      this.#replies.splice(0, this.#first)
      this.#first = 0
    }
    this.#goOn()
  }

  /** What is under way is answered, then the connection ends; `why` where its client is refused. */
  end(why?: RefusalReason): void {
    this.#why ??= why
    this.#held = undefined
    this.finish()
  }

  /** The same, with the command that was taken and could not begin yet. */
  finish(): void {
    this.#isEnding = true
    if (!this.isBusy) this.#client.end(this.#why)
  }

  close(): void {
    this.#isClosed = true
    this.#isEnding = true
    this.#held = undefined
    const whenRoom = this.#whenRoom
    this.#whenRoom = undefined
    whenRoom?.()
  }

  #goOn(): void {
    if (this.#isClosed) return
    const held = this.#held
    if (held !== undefined && this.canRun(held.lane)) {
      this.#held = undefined
      this.run(held.lane, held.run)
    }
    if (!this.#isEnding) this.#client.wake()
    else if (!this.isBusy) this.#client.end(this.#why)
  }
}
