/**
 * One connection between its wire and its conversation: turns, gathered answers, backpressure both ways,
 * time-outs, the end. Whatever the peer does, what this holds for it is bounded. Touches the wire it is given.
 */
import { BodyPlace, type BodyRoom, needsRoom } from './body-room.ts'
import { ByteIntake } from './intake.ts'
import { type ListenLimits, WRITE_BYTES_MAX } from './limits.ts'
import { LoopShare, type LoopTurns } from './loop-share.ts'
import { Output } from './output.ts'
import { Patience } from './patience.ts'
import type { Client, Conversation, EndReason, Intake, Protocol, RefusalReason } from './types.ts'
import type { Wire } from './wire.ts'

/** What a connection needs of its listener. */
export interface ClientHost {
  readonly loopTurns: LoopTurns
  readonly limits: ListenLimits
  readonly idleTimeoutMs: number
  readonly bodyRoom: BodyRoom
  /** Bytes of all connections that wait behind commands that wait. */
  readonly behindWaits: { bytes: number }
  /** The frame ends it. */
  onEnded(client: number, why: EndReason): void
  /** Its protocol threw. */
  onError(error: Error, client: number): void
}

export class ServedClient implements Client {
  readonly number: number
  readonly isTls: boolean
  readonly #host: ClientHost
  readonly #wire: Wire
  readonly #intake: ByteIntake
  readonly #output = new Output()
  readonly #patience: Patience
  readonly #share: LoopShare
  #conversation: Conversation | undefined
  /** open, then ending (answers still go out) or dropped, then gone. */
  #state: 'open' | 'ending' | 'dropped' | 'gone' = 'open'
  #isEndTold = false
  #isStopped = false
  #isPaused = false
  #isScheduled = false
  #wantsAdvance = false
  /** Bytes that the wire is sending. */
  #sendingBytes = 0
  #isSending = false
  #hasHungUp = false
  /** Of the large body that is on its way. */
  #place: BodyPlace | undefined
  /** Where that body ends, counted from the first byte of the connection. */
  #placeEnd = 0
  /** What it has of `behindWaits`. */
  #behindBytes = 0
  #bytesRead = 0
  #bytesWritten = 0

  constructor(host: ClientHost, wire: Wire, number: number) {
    this.#host = host
    this.#wire = wire
    this.number = number
    this.isTls = wire.isTls
    this.#intake = new ByteIntake(host.limits.intakeBytesMax)
    this.#patience = new Patience(host.limits, host.idleTimeoutMs)
    this.#share = new LoopShare(host.loopTurns)
  }

  get intake(): Intake {
    return this.#intake
  }

  /** Bytes of answers that the peer has not taken, as far as this process knows. */
  get waitingBytes(): number {
    return this.#output.bytes + this.#sendingBytes
  }

  get isCongested(): boolean {
    return this.#output.bytes + this.#sendingBytes > this.#host.limits.outputBytesMax
  }

  get bytesRead(): number {
    return this.#bytesRead
  }

  get bytesWritten(): number {
    return this.#bytesWritten
  }

  get isGone(): boolean {
    return this.#state === 'gone'
  }

  // What the conversation calls.

  write(bytes: Uint8Array | string): void {
    if (this.#state !== 'open') return
    this.#output.add(bytes)
    this.#schedule()
  }

  wake(): void {
    if (this.#state !== 'open') return
    this.#wantsAdvance = true
    this.#schedule()
  }

  end(why?: RefusalReason): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.#letGoOfIntake()
    // What still comes is thrown away: a socket with unread bytes would take the answers with it.
    if (this.#isPaused) this.#setPaused(false)
    this.#schedule()
    if (why !== undefined) this.#tellEnded(why)
  }

  destroy(): void {
    if (this.#state === 'gone' || this.#state === 'dropped') return
    this.#state = 'dropped'
    this.#letGoOfIntake()
    this.#output.clear()
    this.#wire.destroy()
  }

  // What the wire and the listener call.

  begin(protocol: Protocol): void {
    this.#guard(() => {
      this.#conversation = protocol.converse(this)
    })
  }

  received(chunk: Uint8Array): void {
    this.#bytesRead += chunk.length
    if (this.#state !== 'open') return
    this.#patience.heard()
    this.#intake.add(chunk)
    this.#advance()
  }

  peerEnded(): void {
    if (this.#state !== 'open') return
    this.#intake.end()
    this.#advance()
  }

  gone(): void {
    if (this.#state === 'gone') return
    this.#state = 'gone'
    this.#letGoOfIntake()
    this.#output.clear()
    const conversation = this.#conversation
    this.#conversation = undefined
    if (conversation !== undefined) this.#guard(() => conversation.closed())
  }

  /** The server stops. */
  stop(): void {
    if (this.#state !== 'open' || this.#isStopped) return
    this.#isStopped = true
    this.#regulate()
    this.#guard(() => this.#conversation?.stop())
    this.#settle()
  }

  /** So much time has passed since this was called last. */
  tick(ms: number): void {
    const isBusy = this.#state === 'open' && (this.#conversation?.isBusy ?? false)
    const why = this.#patience.look(ms, {
      isOpen: this.#state === 'open',
      isUnknown: this.#conversation?.isUnknown ?? false,
      isBusy: isBusy || this.isCongested || this.#isStopped,
      isHeldUp: this.#place?.isWaiting ?? false,
      isCrowding: this.#isCrowding,
      readBytes: this.#bytesRead,
      isSending: this.#isSending,
      hasHungUp: this.#hasHungUp,
      takenBytes: this.#intake.takenBytes,
      waitingBytes: this.#intake.length,
      expectedBytes: this.#intake.expected,
    })
    if (why === 'lingered') this.destroy()
    else if (why !== undefined) this.drop(why)
    else this.#settle()
  }

  /** Ends it at once, for this reason. */
  drop(why: EndReason): void {
    if (this.#state === 'gone' || this.#state === 'dropped') return
    this.destroy()
    this.#tellEnded(why)
  }

  /** The first reason is the one that counts. */
  #tellEnded(why: EndReason): void {
    if (this.#isEndTold) return
    this.#isEndTold = true
    this.#host.onEnded(this.number, why)
  }

  readonly #turn = (): void => {
    if (this.#wantsAdvance) this.#advance()
    else this.#settle()
    this.#flush()
    this.#isScheduled = false
    if (this.#wantsAdvance && !this.isCongested) this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#share.goOn(this.#turn)
  }

  #advance(): void {
    this.#wantsAdvance = true
    const conversation = this.#conversation
    // Once the peer takes its answers again, this is asked for again; after the end never.
    if (this.#state !== 'open' || conversation === undefined || this.isCongested) {
      if (this.#state !== 'open') this.#wantsAdvance = false
      return
    }
    this.#wantsAdvance = false
    try {
      conversation.advance()
    } catch (error) {
      this.#fail(error)
    }
    this.#settle()
  }

  /** Ends what has come to its end, and reads on or not. */
  #settle(): void {
    if (this.#state !== 'open') return
    const conversation = this.#conversation
    const isLast = this.#isStopped || (this.#intake.ended && !this.#wantsAdvance)
    if (isLast && conversation !== undefined && !conversation.isBusy) this.end()
    else this.#regulate()
  }

  #regulate(): void {
    const mayGrow = this.#mayGrow()
    const pauses = this.#isFull() || this.#isStopped || !mayGrow || this.isCongested
    if (pauses !== this.#isPaused) this.#setPaused(pauses)
  }

  #setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused
    if (isPaused) this.#wire.pause()
    else this.#wire.resume()
  }

  /** No more is read than lies there. */
  #isFull(): boolean {
    const { length, expected } = this.#intake
    const { intakeBytesMax, behindWaitBytesMax, behindWaitsBytesMax } = this.#host.limits
    const overBytes = length - intakeBytesMax - expected
    const { behindWaits } = this.#host
    const bytes = Math.max(0, overBytes)
    behindWaits.bytes += bytes - this.#behindBytes
    this.#behindBytes = bytes
    if (overBytes < 0) return false
    // A socket that is not read does not tell that its peer has left, and a message would go to nobody.
    if (this.#conversation?.isWaiting !== true) return true
    return bytes >= behindWaitBytesMax || behindWaits.bytes >= behindWaitsBytesMax
  }

  /** Whether more may come of the body that is expected; asks for room where it is a large one. */
  #mayGrow(): boolean {
    const { length, expected, takenBytes } = this.#intake
    const { largeBodyBytes } = this.#host.limits
    const bytes = Math.min(length, expected)
    // What was given for one body is not for the next, which may begin in the chunk that ends it.
    if (this.#placeEnd !== takenBytes + expected) this.#leaveRoom()
    this.#placeEnd = takenBytes + expected
    if (expected <= largeBodyBytes) {
      this.#leaveRoom()
      return true
    }
    if (this.#place === undefined && !needsRoom(bytes, largeBodyBytes)) return true
    this.#place ??= new BodyPlace(this.#host.bodyRoom, () => {
      if (this.#state === 'open') this.#schedule()
    })
    return this.#place.reach(Math.max(0, bytes - largeBodyBytes), expected - largeBodyBytes)
  }

  #leaveRoom(): void {
    const place = this.#place
    this.#place = undefined
    place?.leave()
  }

  /** It holds room for a body that is not whole and may come, while others wait for room. */
  get #isCrowding(): boolean {
    if (this.#place === undefined || this.#isPaused) return false
    return this.#host.bodyRoom.isCrowded && this.#intake.length < this.#intake.expected
  }

  #letGoOfIntake(): void {
    this.#intake.clear()
    this.#leaveRoom()
    this.#host.behindWaits.bytes -= this.#behindBytes
    this.#behindBytes = 0
  }

  #flush(): void {
    if (this.#isSending || this.#state === 'dropped' || this.#state === 'gone') return
    const part = this.#output.take(WRITE_BYTES_MAX)
    if (part === undefined) {
      if (this.#state === 'ending' && !this.#hasHungUp) {
        this.#hasHungUp = true
        this.#wire.end()
      }
      return
    }
    this.#isSending = true
    this.#sendingBytes = part.length
    this.#wire.write(part, this.#taken)
  }

  readonly #taken = (error?: Error | null): void => {
    // The end of the wire follows.
    if (error) return
    const wasCongested = this.isCongested
    this.#bytesWritten += this.#sendingBytes
    this.#isSending = false
    this.#sendingBytes = 0
    this.#patience.tookAnswers()
    this.#flush()
    if (wasCongested && !this.isCongested) this.wake()
  }

  #guard(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#host.onError(error instanceof Error ? error : new Error(String(error)), this.number)
    this.drop('failed')
  }
}
