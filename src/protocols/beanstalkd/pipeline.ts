/**
 * Commands of one connection that were begun and are not answered yet. Answers go out in the order of the
 * commands, and those that one flush of the log made ready go out as one write. The closures of a slot are
 * made once, and the slot is used again by whoever pipelines next.
 */
import type { PutResult } from '../../index.ts'
import type { PutRoom } from '../put-room.ts'
import { PIPELINED_BYTES_MAX, PIPELINED_MAX, SLOTS_KEPT_MAX } from './limits.ts'
import { replyOf } from './replies.ts'
import type { Tube } from './tubes.ts'

const INSERTED = new TextEncoder().encode('INSERTED ')
/** INSERTED, sixteen digits, the end of the line. */
const INSERTED_BYTES_MAX = INSERTED.length + 16 + 2
const CR = 0x0d
const LF = 0x0a
const ZERO = 0x30
/** Answered slots stay in front of the list until they are so many. */
const ANSWERED_MAX = 1_024

export interface PipelineHost {
  write(bytes: Uint8Array | string): void
  /** Answers went out: there is room for more commands. */
  drained(): void
  /** A command failed; its client is told by a reply. */
  failed(error: unknown): void
}

/** One command and what becomes its reply. */
export class Slot {
  pipeline: Pipeline | undefined
  isDone = false
  /** Of the job that was put; 0 where `text` is the reply. */
  id = 0
  text = ''
  bytes = 0
  /** Where the job is put. */
  tube: Tube | undefined
  /** Has room for its body, until that is durable. */
  room: PutRoom | undefined

  readonly inserted = ({ id, duplicate }: PutResult): void => {
    if (duplicate) this.text = `EXISTS ${id}\r\n`
    else this.id = id
    this.#done()
  }

  readonly done = (): void => this.#done()

  readonly failed = (error: unknown): void => {
    this.text = replyOf(error)
    this.pipeline?.failed(error)
    this.#done()
  }

  #done(): void {
    this.isDone = true
    if (this.tube) this.tube.putsUnderWay--
    this.tube = undefined
    this.pipeline?.settled(this)
    const { room } = this
    this.room = undefined
    room?.leave(this.bytes)
  }
}

/** Slots that nobody uses now, of all connections. */
export class SlotPool {
  readonly #free: Slot[] = []

  take(): Slot {
    return this.#free.pop() ?? new Slot()
  }

  giveBack(slot: Slot): void {
    slot.pipeline = undefined
    slot.isDone = false
    slot.id = 0
    slot.text = ''
    if (this.#free.length < SLOTS_KEPT_MAX) this.#free.push(slot)
  }
}

export class Pipeline {
  readonly #host: PipelineHost
  readonly #pool: SlotPool
  /** The oldest that is not answered is `#slots[#answered]`. */
  #slots: Slot[] = []
  #answered = 0
  #bytes = 0
  #isScheduled = false
  readonly #drain = (): void => this.#answer()

  constructor(host: PipelineHost, pool: SlotPool) {
    this.#host = host
    this.#pool = pool
  }

  get isEmpty(): boolean {
    return this.#answered === this.#slots.length
  }

  get isFull(): boolean {
    return (
      this.#slots.length - this.#answered >= PIPELINED_MAX || this.#bytes >= PIPELINED_BYTES_MAX
    )
  }

  /** A command begins whose reply is `text`, or the id of a job; so many bytes of it wait. */
  begin(text: string, bytes: number): Slot {
    const slot = this.#pool.take()
    slot.pipeline = this
    slot.text = text
    slot.bytes = bytes
    this.#bytes += bytes
    this.#slots.push(slot)
    return slot
  }

  /** A reply that is known now: it waits for those in front of it. */
  say(text: string): void {
    if (this.isEmpty) this.#host.write(text)
    else this.begin(text, text.length).done()
  }

  /** The command has its reply. */
  settled(slot: Slot): void {
    // Others of the same flush follow at once: they go out together.
    if (this.#isScheduled || slot !== this.#slots[this.#answered]) return
    this.#isScheduled = true
    queueMicrotask(this.#drain)
  }

  failed(error: unknown): void {
    this.#host.failed(error)
  }

  #answer(): void {
    this.#isScheduled = false
    const first = this.#answered
    let bytesMax = 0
    let end = first
    for (; end < this.#slots.length; end++) {
      const slot = this.#slots[end]
      if (!slot?.isDone) break
      bytesMax += slot.id > 0 ? INSERTED_BYTES_MAX : slot.text.length
    }
    const replies = Buffer.allocUnsafe(bytesMax)
    let at = 0
    for (let row = first; row < end; row++) {
      const slot = this.#slots[row] as Slot
      at = slot.id > 0 ? writeInserted(replies, at, slot.id) : writeText(replies, at, slot.text)
      this.#bytes -= slot.bytes
      this.#pool.giveBack(slot)
    }
    this.#answered = end
    this.#trim()
    this.#host.write(replies.subarray(0, at))
    this.#host.drained()
  }

  #trim(): void {
    if (this.#answered < this.#slots.length && this.#answered < ANSWERED_MAX) return
    this.#slots = this.#slots.slice(this.#answered)
    this.#answered = 0
  }
}

function writeInserted(target: Uint8Array, at: number, id: number): number {
  target.set(INSERTED, at)
  let next = at + INSERTED.length
  let digits = 1
  for (let rest = id; rest >= 10; rest = Math.floor(rest / 10)) digits++
  next += digits
  for (let rest = id, place = next - 1; digits > 0; digits--, place--) {
    const tenth = Math.floor(rest / 10)
    target[place] = ZERO + (rest - tenth * 10)
    rest = tenth
  }
  target[next++] = CR
  target[next++] = LF
  return next
}

function writeText(target: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i)
  return at + text.length
}
