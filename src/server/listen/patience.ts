/**
 * How long a connection may do nothing: counted in steps between two looks, so that no byte that comes
 * has to ask a clock. Pure.
 */
import type { ListenLimits } from './limits.ts'
import type { EndReason } from './types.ts'

/** How a connection stands at a look. */
export interface Standing {
  readonly isOpen: boolean
  /** It has to show a token, and has not yet. */
  readonly isUnknown: boolean
  /** It is not the peer that is waited for. */
  readonly isBusy: boolean
  /** Its large body waits for room: the peer can do nothing for it. */
  readonly isHeldUp: boolean
  /** It has room for a large body, may bring more of it, and others wait for room. */
  readonly isCrowding: boolean
  /** Bytes that came since the connection began. */
  readonly readBytes: number
  readonly isSending: boolean
  /** Everything was sent, and the peer was told that no more will come. */
  readonly hasHungUp: boolean
  /** Bytes that its conversation has taken since the connection began. */
  readonly takenBytes: number
  /** Bytes that it left. */
  readonly waitingBytes: number
  readonly expectedBytes: number
}

export class Patience {
  readonly #limits: ListenLimits
  readonly #idleTimeoutMs: number
  #hasHeard = false
  #hasTaken = false
  #takenBytes = 0
  #idleMs = 0
  #halfMs = 0
  #stuckMs = 0
  #lingeredMs = 0
  #unknownMs = 0
  /** Since when a large body is looked at that others wait for, and what had come by then. */
  #crowdedMs = 0
  #crowdedFromBytes: number | undefined

  constructor(limits: ListenLimits, idleTimeoutMs: number) {
    this.#limits = limits
    this.#idleTimeoutMs = idleTimeoutMs
  }

  /** Bytes came. */
  heard(): void {
    this.#hasHeard = true
  }

  /** The peer took answers. */
  tookAnswers(): void {
    this.#hasTaken = true
  }

  /** Why the connection has to end, `ms` after the look before. */
  look(ms: number, standing: Standing): EndReason | 'lingered' | undefined {
    const isStuck = standing.isSending && !this.#hasTaken
    this.#stuckMs = isStuck ? this.#stuckMs + ms : 0
    this.#hasTaken = false
    if (this.#stuckMs >= this.#limits.outputTimeoutMs) return 'takes-nothing'
    if (standing.hasHungUp) {
      this.#lingeredMs += ms
      return this.#lingeredMs >= this.#limits.lingerMs ? 'lingered' : undefined
    }
    if (!standing.isOpen) return undefined
    // What a stranger sends meanwhile wins it no time.
    this.#unknownMs = standing.isUnknown ? this.#unknownMs + ms : 0
    if (this.#unknownMs >= this.#limits.authTimeoutMs) return 'unauthorized'
    return this.#lookAtRoom(ms, standing) ?? this.#lookAtIntake(ms, standing)
  }

  /** Room that others wait for is not for those who bring little. */
  #lookAtRoom(ms: number, standing: Standing): EndReason | undefined {
    const { isHeldUp, isCrowding, readBytes } = standing
    if (!isCrowding) {
      // What waits itself is looked at further when it has its room.
      if (!isHeldUp) this.#crowdedFromBytes = undefined
      return undefined
    }
    if (this.#crowdedFromBytes === undefined) {
      this.#crowdedMs = 0
      this.#crowdedFromBytes = readBytes
      return undefined
    }
    this.#crowdedMs += ms
    const { crowdedTimeoutMs, crowdedBytesPerSecondMin } = this.#limits
    if (this.#crowdedMs < crowdedTimeoutMs) return undefined
    const neededBytes = (this.#crowdedMs / 1_000) * crowdedBytesPerSecondMin
    const isSlow = readBytes - this.#crowdedFromBytes < neededBytes
    this.#crowdedMs = 0
    this.#crowdedFromBytes = readBytes
    return isSlow ? 'half-command' : undefined
  }

  #lookAtIntake(ms: number, standing: Standing): EndReason | undefined {
    const { isBusy, isHeldUp, takenBytes, waitingBytes, expectedBytes } = standing
    const isHalf = waitingBytes > 0 || expectedBytes > 0
    const isSame = takenBytes === this.#takenBytes
    this.#takenBytes = takenBytes
    const isWaitedFor = isHalf && isSame && !isBusy
    if (!isWaitedFor) this.#halfMs = 0
    else if (!isHeldUp) this.#halfMs += ms
    this.#idleMs = isHalf || isBusy || this.#hasHeard ? 0 : this.#idleMs + ms
    this.#hasHeard = false
    if (this.#idleMs >= this.#idleTimeoutMs) return 'idle'
    const bodyMs = (expectedBytes / this.#limits.bodyBytesPerSecondMin) * 1_000
    return this.#halfMs >= this.#limits.commandTimeoutMs + bodyMs ? 'half-command' : undefined
  }
}
