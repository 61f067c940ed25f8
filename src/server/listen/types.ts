/**
 * What a protocol sees of its connections, and what a server hands in and gets back. Types only.
 */
import type { Clock } from '../../system/system.ts'
import type { ListenLimits } from './limits.ts'

/** Bytes of one connection that came and were not taken yet, oldest first. */
export interface Intake {
  readonly length: number
  /** The peer has half-closed: no more will come. */
  readonly ended: boolean
  /**
   * Where this byte stands first among the `limit` bytes from `from` on, counted from the oldest; -1
   * where it does not. Remembers how far it looked, so that bytes that come one by one cost no second
   * look.
   */
  indexOf(byte: number, from: number, limit: number): number
  /** The byte at this place without taking it; -1 where there is none. */
  peek(at: number): number
  /**
   * Takes so many, which must be there. A view of the chunk where they lie in one, else one copy: whoever
   * keeps a short piece for long copies it, or it keeps a whole chunk in memory.
   */
  take(bytes: number): Uint8Array
  /** Lets go of so many, which must be there. */
  skip(bytes: number): void
  /**
   * The next so many bytes will be taken as one: those that come are written into one buffer, so that
   * `take` copies none. Memory is used as bytes really come, whatever the number; the frame reads on until
   * they are there, and 64 KiB more. A second call replaces the first, and does nothing where it says
   * the same.
   */
  expect(bytes: number): void
}

/** One connection. */
export interface Client {
  readonly intake: Intake
  /** Counts the connections of a listener from 1; for logs. */
  readonly number: number
  readonly isTls: boolean
  /**
   * Gathered, and sent as one write at the end of the turn. A string is latin1. The bytes must not
   * change afterwards. Does nothing once the connection has ended.
   */
  write(bytes: Uint8Array | string): void
  /**
   * The peer takes too slowly: more than `outputBytesMax` wait. While it is true `advance` is not called;
   * a conversation that produces answers in a loop returns when it turns true.
   */
  readonly isCongested: boolean
  /**
   * What was written goes out, then the connection ends. The intake is empty from here on. Where the peer
   * was refused, the reason is counted and told as those of the frame are.
   */
  end(why?: RefusalReason): void
  /** Ends it now; `closed` follows in a later turn. The intake is empty from here on. */
  destroy(): void
  /** Calls `advance` again at the end of this turn, e.g. after a promise has resolved. Cheap. */
  wake(): void
}

/** What a protocol says on one connection. Its methods are called one at a time, never inside another. */
export interface Conversation {
  /**
   * True while something is being answered: an answer waits for the store, or for a message. Then what
   * lies in the intake is no half command, and the connection is not idle. Once the peer has half-closed
   * and this is false after `advance`, the frame ends the connection.
   */
  readonly isBusy: boolean
  /**
   * True while a command waits for what may never come, as for a message: then the frame reads on for some
   * time behind it, to see whether the peer leaves. Whoever turns it true while there are bytes in the
   * intake wakes the client. Never, unless it is there.
   */
  readonly isWaiting?: boolean
  /**
   * True while a token is asked for and none was shown: then the connection lasts for `authTimeoutMs` and
   * no longer, whatever is sent. Never, unless it is there.
   */
  readonly isUnknown?: boolean
  /**
   * There are bytes, or the peer has half-closed, or somebody woke it. Takes what it can take now and
   * returns; never throws for what the peer sent. What throws is a mistake in the protocol: it is
   * reported, and the connection ends.
   */
  advance(): void
  /** The connection is gone, by whomever. Gives everything back. Called once. */
  closed(): void
  /**
   * The server stops, no byte will be read any more: answers what was accepted, accepts nothing more,
   * then calls `client.end()`. Where `isBusy` is false behind it, the frame does so.
   */
  stop(): void
}

export interface Protocol {
  readonly name: string
  converse(client: Client): Conversation
}

/** A certificate and its key, as PEM; what else TLS can do is left to a proxy. */
export interface TlsOptions {
  readonly cert: string | Uint8Array
  readonly key: string | Uint8Array
}

/** Something of the server went wrong that no call can reject with. */
export type ServerErrorListener = (error: Error, client: number | undefined) => void

export interface ListenOptions {
  /** `HOST:PORT`, `:PORT` (every interface), `[::1]:0`, `unix:/path`, `fd:3` (inherited). */
  readonly address: string
  readonly protocol: Protocol
  readonly tls?: TlsOptions | undefined
  /** Connections at once; whoever comes then is let go at once. */
  readonly connectionsMax?: number
  /** Ends a connection that sent nothing for so long while nothing was being answered; never unless told. */
  readonly idleTimeoutMs?: number
  /** Other limits than those of `LISTEN_LIMITS`. */
  readonly limits?: Partial<ListenLimits>
  /** Told as a warning of the process unless it is given. */
  readonly onError?: ServerErrorListener
  /** Told of every connection that was ended for what it did, or did not do. */
  readonly onEnded?: (client: number, why: EndReason) => void
  /** Gives up, or closes at once where it listens already. */
  readonly signal?: AbortSignal | undefined
}

/** Why a protocol ended a connection, where that is more than its peer's own affair. */
export type RefusalReason =
  /** Did not show a token that is known, or not in time. */
  'unauthorized'

/** Why a connection was ended. */
export type EndReason =
  | RefusalReason
  /** Sent nothing for `idleTimeoutMs`. */
  | 'idle'
  /** A command did not get complete in time. */
  | 'half-command'
  /** Took no answer in time. */
  | 'takes-nothing'
  /** Its protocol threw. */
  | 'failed'
  /** The server stopped, and could not wait any longer. */
  | 'stopped'

/** What a listener counted since it began. */
export interface ListenerTotals {
  readonly connections: number
  /** Are open now. */
  readonly open: number
  /** Came when there were `connectionsMax`. */
  readonly refused: number
  readonly endedBy: Readonly<Record<EndReason, number>>
  readonly bytesRead: number
  readonly bytesWritten: number
}

export interface Listener {
  readonly protocol: string
  /** As in the options, with the port that it really is. */
  readonly address: string
  /** Connections that are open. */
  readonly connections: number
  totals(): ListenerTotals
  /**
   * Listens no more, lets every conversation answer what it accepted, and resolves when all are gone. What
   * is left after `timeoutMs` (10 seconds unless told) is ended at once.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>
}

/** What a listener needs of the system. */
export interface ListenSystem {
  readonly clock: Clock
  warn(code: string, message: string): void
}
