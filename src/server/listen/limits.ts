/** What a listener bounds, by name. Numbers only. */

const KIB = 1024
const MIB = 1024 * KIB

/** Connections at once of one listener. */
export const CONNECTIONS_MAX = 10_000

/** The kernel keeps so many connections that were not accepted yet. */
export const BACKLOG = 1_024

export interface ListenLimits {
  /** Bytes of one connection that came and were not taken, besides a body that is expected. */
  readonly intakeBytesMax: number
  /** So much of a body comes in without asking; what is longer asks for room in `largeBodiesBytesMax`. */
  readonly largeBodyBytes: number
  /** What came of large bodies beyond that, in all connections of the listener together. */
  readonly largeBodiesBytesMax: number
  /**
   * Bytes of one connection that came behind a command that waits for a message, besides `intakeBytesMax`:
   * so far it is read on, as only whoever reads sees that the peer has left.
   */
  readonly behindWaitBytesMax: number
  /** The same, of all connections of the listener together. */
  readonly behindWaitsBytesMax: number
  /** Answers of one connection that the peer has not taken: beyond this it counts as congested. */
  readonly outputBytesMax: number
  /** A command is complete so long after its first byte, not counting the time its body may take. */
  readonly commandTimeoutMs: number
  /** The slowest body that is waited for. */
  readonly bodyBytesPerSecondMin: number
  /** While others wait for room, whoever has some is looked at so often, and must bring bytes faster. */
  readonly crowdedTimeoutMs: number
  /** The slowest large body that is waited for meanwhile. */
  readonly crowdedBytesPerSecondMin: number
  /** A peer that takes not a byte of its answers for so long is ended. */
  readonly outputTimeoutMs: number
  /** Where a token is asked for it is shown so long after the connection began, whatever else is sent. */
  readonly authTimeoutMs: number
  /** After the last answer the peer has so long to hang up too. */
  readonly lingerMs: number
}

export const LISTEN_LIMITS: ListenLimits = {
  intakeBytesMax: 64 * KIB,
  largeBodyBytes: 256 * KIB,
  largeBodiesBytesMax: 256 * MIB,
  behindWaitBytesMax: MIB,
  behindWaitsBytesMax: 64 * MIB,
  outputBytesMax: MIB,
  commandTimeoutMs: 30_000,
  bodyBytesPerSecondMin: 8 * KIB,
  crowdedTimeoutMs: 5_000,
  crowdedBytesPerSecondMin: 64 * KIB,
  outputTimeoutMs: 120_000,
  authTimeoutMs: 10_000,
  lingerMs: 2_000,
}

/** One write takes so many bytes of answers; whatever waits behind them is counted. */
export const WRITE_BYTES_MAX = 256 * KIB

/** A connection that has gone on for so long lets others go on, and timers, before it does its next command. */
export const LOOP_SHARE_MS = 10

/** Time-outs are looked at so often: they come so much later at most. */
export const SWEEP_MS_MAX = 1_000

/** A close waits so long for conversations to come to their ends, unless it is told. */
export const CLOSE_TIMEOUT_MS = 10_000

/** Whoever speaks TLS has said its part of the handshake within this time. */
export const HANDSHAKE_TIMEOUT_MS = 10_000

/** The kernel asks a silent peer after this time whether it is still there. */
export const KEEP_ALIVE_MS = 60_000
