/** The put of one connection whose body is on its way in, or the body that is thrown away. */
import type { PutOptions } from '../../index.ts'
import type { PutWaiter } from '../put-room.ts'
import { TTR_SECONDS_MIN } from './limits.ts'
import { Reply } from './replies.ts'
import { BAD, type Scanner } from './scanner.ts'
import type { Talk } from './talk.ts'

const CR = 0x0d
const LF = 0x0a
/** Behind the body. */
const END_BYTES = 2
const SECOND_MS = 1_000

export class Putting implements PutWaiter {
  readonly #talk: Talk
  #isPending = false
  #bytes = 0
  #options: PutOptions = {}
  /** Bytes to throw away, and what to say then. */
  #skipped = 0

  constructor(talk: Talk) {
    this.#talk = talk
  }

  /** What comes next is no command. */
  get isUnderWay(): boolean {
    return this.#isPending || this.#skipped > 0
  }

  /** Its body is there, and waits for room among those that are not durable yet. */
  get isHeldUp(): boolean {
    return this.#talk.shared.puts.isWaiting(this)
  }

  get waitingBytes(): number {
    return this.#bytes
  }

  admitted(): void {
    const { client, shared } = this.#talk
    // A connection that was broken off has let go of its bytes before it hears of that.
    if (client.intake.length < this.#bytes + END_BYTES) {
      shared.puts.leave(this.#bytes)
      return
    }
    this.#put(this.#takeBody())
    client.wake()
  }

  /** Reads the rest of the line: put <pri> <delay> <ttr> <bytes>. */
  begin(scanner: Scanner): void {
    const talk = this.#talk
    const priority = scanner.u32()
    const delaySeconds = priority === BAD ? BAD : scanner.u32()
    const ttrSeconds = delaySeconds === BAD ? BAD : scanner.u32()
    const bytes = ttrSeconds === BAD ? BAD : scanner.u32()
    if (bytes === BAD) {
      talk.say(Reply.BAD_FORMAT)
      return
    }
    talk.shared.counters.commands.put++
    if (this.#isTooBig(bytes)) return
    if (!scanner.isAtEnd) {
      talk.say(Reply.BAD_FORMAT)
      return
    }
    const leaseMs = Math.max(TTR_SECONDS_MIN, ttrSeconds) * SECOND_MS
    const tube = talk.watching.used
    if (delaySeconds === 0) this.#expect(bytes, tube.plainOptions(priority, leaseMs))
    else this.#expect(bytes, { priority, leaseMs, delayMs: delaySeconds * SECOND_MS })
  }

  /** The same with milliseconds: put-with <pri> <delay> <ttr> <ttl> <bytes> [<key>]. */
  beginWith(scanner: Scanner): void {
    const talk = this.#talk
    const priority = scanner.u32()
    const delayMs = priority === BAD ? BAD : scanner.u32()
    const ttrMs = delayMs === BAD ? BAD : scanner.u32()
    const ttlMs = ttrMs === BAD ? BAD : scanner.u32()
    const bytes = ttlMs === BAD ? BAD : scanner.u32()
    const key = bytes === BAD || scanner.isAtEnd ? undefined : scanner.lastWord()
    const isWhole = bytes !== BAD && (key !== undefined || scanner.isAtEnd)
    if (bytes === BAD || !isWhole) {
      talk.say(Reply.BAD_FORMAT)
      return
    }
    talk.shared.counters.commands.put++
    if (this.#isTooBig(bytes)) return
    this.#expect(bytes, {
      priority,
      leaseMs: Math.max(1, ttrMs),
      ...(delayMs > 0 && { delayMs }),
      ...(ttlMs > 0 && { ttlMs }),
      ...(key !== undefined && { key }),
    })
  }

  /** Takes the body, or what there is of what is thrown away; false where more has to come. */
  goOn(): boolean {
    const { intake } = this.#talk.client
    if (this.#isPending) return this.#take()
    const there = Math.min(this.#skipped, intake.length)
    intake.skip(there)
    this.#skipped -= there
    if (this.#skipped > 0) return false
    this.#talk.say(Reply.JOB_TOO_BIG)
    return true
  }

  /** The connection is gone, or takes nothing more. */
  end(): void {
    this.#talk.shared.puts.giveUp(this)
    this.#isPending = false
    this.#skipped = 0
  }

  /** Then the body is thrown away as it comes. */
  #isTooBig(bytes: number): boolean {
    if (bytes <= this.#talk.shared.jobBytesMax) return false
    this.#skipped = bytes + END_BYTES
    return true
  }

  #expect(bytes: number, options: PutOptions): void {
    this.#talk.noteProducer()
    this.#isPending = true
    this.#bytes = bytes
    this.#options = options
    this.#talk.client.intake.expect(bytes + END_BYTES)
  }

  #take(): boolean {
    const talk = this.#talk
    const { intake } = talk.client
    const { puts, isDraining } = talk.shared
    const bytes = this.#bytes
    if (intake.length < bytes + END_BYTES || puts.isWaiting(this)) return false
    if (intake.peek(bytes) !== CR || intake.peek(bytes + 1) !== LF) {
      this.#isPending = false
      intake.skip(bytes + END_BYTES)
      talk.say(Reply.EXPECTED_CRLF)
    } else if (isDraining) {
      this.#takeBody()
      talk.say(Reply.DRAINING)
    } else if (puts.enter(this)) {
      this.#put(this.#takeBody())
    } else {
      return false
    }
    return true
  }

  #takeBody(): Uint8Array {
    const { intake } = this.#talk.client
    this.#isPending = false
    const body = intake.take(this.#bytes)
    intake.skip(END_BYTES)
    return body
  }

  #put(body: Uint8Array): void {
    const tube = this.#talk.watching.used
    const slot = this.#talk.begin('', body.length)
    slot.tube = tube
    slot.room = this.#talk.shared.puts
    tube.putsUnderWay++
    tube.put(body, this.#options).then(slot.inserted, slot.failed)
  }
}
