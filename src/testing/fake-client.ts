/**
 * A connection in memory for tests of protocols: the frame's own client, with its turns, limits and
 * backpressure, on a wire that a test holds in its hand. Touches nothing outside.
 */
import { BodyRoom } from '../server/listen/body-room.ts'
import { LISTEN_LIMITS, type ListenLimits } from '../server/listen/limits.ts'
import { type LoopClock, LoopTurns } from '../server/listen/loop-share.ts'
import { type ClientHost, ServedClient } from '../server/listen/served-client.ts'
import type { Client, EndReason, Protocol } from '../server/listen/types.ts'
import type { Wire } from '../server/listen/wire.ts'
import { soon } from '../system/soon.ts'

export interface FakeClientOptions {
  readonly limits?: Partial<ListenLimits>
  readonly idleTimeoutMs?: number
  readonly isTls?: boolean
  /** Of the event loop; by the one it has unless told no time passes, and nobody has to give way. */
  readonly clock?: LoopClock
  /** Another connection of the same listener: what all of them have together is shared with it. */
  readonly beside?: FakeClient
}

const STILL: LoopClock = { soon, afterEvents: soon, monotonicMs: () => 0 }

/** The peer's end of a connection that `protocol` serves. */
export class FakeClient {
  readonly #wire: MemoryWire
  readonly #served: ServedClient
  /** What the protocol threw. */
  readonly errors: Error[] = []
  #endedBy: EndReason | undefined
  readonly #shared: Pick<ClientHost, 'bodyRoom' | 'behindWaits' | 'loopTurns'>

  constructor(protocol: Protocol, options: FakeClientOptions = {}) {
    const limits = { ...LISTEN_LIMITS, ...options.limits }
    this.#wire = new MemoryWire(options.isTls ?? false, () => this.#served.gone())
    const bodyRoom = new BodyRoom(limits.largeBodiesBytesMax)
    const { beside, clock = STILL } = options
    const loopTurns = new LoopTurns(clock)
    this.#shared = beside ? beside.#shared : { bodyRoom, behindWaits: { bytes: 0 }, loopTurns }
    const host: ClientHost = {
      ...this.#shared,
      limits,
      idleTimeoutMs: options.idleTimeoutMs ?? Number.POSITIVE_INFINITY,
      onEnded: (_: number, why: EndReason): void => {
        this.#endedBy = why
      },
      onError: (error: Error): void => void this.errors.push(error),
    }
    this.#served = new ServedClient(host, this.#wire, 1)
    this.#served.begin(protocol)
  }

  /** What the protocol sees. */
  get client(): Client {
    return this.#served
  }

  /** Sends bytes as one chunk; a string is latin1. Works whether or not the frame reads: see `isPaused`. */
  send(bytes: Uint8Array | string): void {
    this.#served.received(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Half-closes: no more will be sent. */
  end(): void {
    this.#wire.peerEnds()
    this.#served.peerEnded()
  }

  /** Breaks the connection off. */
  hangUp(): void {
    this.#wire.destroy()
  }

  /** The server stops. */
  stop(): void {
    this.#served.stop()
  }

  /** Time passes for the frame's time-outs. */
  pass(ms: number): void {
    this.#served.tick(ms)
  }

  /** All that was received, as latin1, and forgets it. */
  takeText(): string {
    return this.#wire.takeBytes().toString('latin1')
  }

  takeBytes(): Uint8Array {
    return this.#wire.takeBytes()
  }

  /** How many writes were received since the last take. */
  get writes(): number {
    return this.#wire.chunks.length
  }

  /** Resolves with all that was received once it is as long, or the connection has ended. */
  async text(bytesMin = 1): Promise<string> {
    await this.#wire.until(() => this.#wire.bytes >= bytesMin)
    return this.takeText()
  }

  /** Resolves once the server has ended the connection, or it is gone. */
  ended(): Promise<void> {
    return this.#wire.until(() => this.#wire.hasEnded)
  }

  /** Resolves after what follows from what was sent, as far as it needs no event from outside. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 4; turn += 1)
      await new Promise<void>((resolve) => setImmediate(resolve))
  }

  /** Takes answers, which it does unless told; while not, they pile up at the frame. */
  set reads(reads: boolean) {
    this.#wire.setReads(reads)
  }

  /** The frame reads no further at present. */
  get isPaused(): boolean {
    return this.#wire.isPaused
  }

  /** The server has ended its direction, or the connection is gone. */
  get hasEnded(): boolean {
    return this.#wire.hasEnded
  }

  get isGone(): boolean {
    return this.#served.isGone
  }

  /** Why it was ended, where that has a reason. */
  get endedBy(): EndReason | undefined {
    return this.#endedBy
  }

  /** What the frame has given room for, of large bodies of all connections of the listener. */
  get roomBytes(): number {
    return this.#shared.bodyRoom.bytes
  }

  /** Bytes of answers that wait at the frame. */
  get waitingBytes(): number {
    return this.#served.waitingBytes
  }
}

/** A connection that `protocol` serves, held by its peer's end. */
export function fakeClient(protocol: Protocol, options: FakeClientOptions = {}): FakeClient {
  return new FakeClient(protocol, options)
}

class MemoryWire implements Wire {
  readonly isTls: boolean
  readonly #gone: () => void
  chunks: Buffer[] = []
  bytes = 0
  isPaused = false
  hasEnded = false
  #isDestroyed = false
  #peerHasEnded = false
  #reads = true
  #held: (() => void)[] = []
  #watchers: (() => void)[] = []

  constructor(isTls: boolean, gone: () => void) {
    this.isTls = isTls
    this.#gone = gone
  }

  write(bytes: Uint8Array | string, taken: () => void): void {
    const deliver = (): void => {
      if (this.#isDestroyed) return
      const chunk = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes)
      this.chunks.push(chunk)
      this.bytes += chunk.length
      soon(() => {
        if (!this.#isDestroyed) taken()
      })
      this.#tell()
    }
    if (this.#reads) deliver()
    else this.#held.push(deliver)
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  end(): void {
    this.hasEnded = true
    if (this.#peerHasEnded) this.destroy()
    this.#tell()
  }

  destroy(): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    this.hasEnded = true
    soon(() => {
      this.#gone()
      this.#tell()
    })
  }

  peerEnds(): void {
    this.#peerHasEnded = true
    if (this.hasEnded) this.destroy()
  }

  setReads(reads: boolean): void {
    this.#reads = reads
    if (!reads) return
    for (const deliver of this.#held.splice(0)) deliver()
  }

  takeBytes(): Buffer {
    const bytes = Buffer.concat(this.chunks)
    this.chunks = []
    this.bytes = 0
    return bytes
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo() && !this.#isDestroyed) {
      await new Promise<void>((resolve) => this.#watchers.push(resolve))
    }
  }

  #tell(): void {
    for (const watcher of this.#watchers.splice(0)) watcher()
  }
}
