/**
 * What a contender of the comparison is: something that keeps messages, behind the few calls that all of them
 * have in common. Each runs in a process of its own and is told apart by what an answered put survives. To add
 * one: a file in `contenders/` and a line in `registry.ts`. Types only.
 */

/** When a message that was answered is on the disk itself, by what is set and by what its documents say. */
export type Durability =
  /** Flushed before the answer: it survives a power cut. */
  | 'flushed'
  /** Flushed by a clock of the contender's own, whether it writes or not: a power cut loses what came since. */
  | 'flushed later'
  /** Written, and left to the kernel: a power cut loses the last seconds, a crash of the process nothing. */
  | 'kernel'
  /** In the memory of its process: a crash of that loses it, too. */
  | 'memory'

export interface Contender {
  /** For the command line, results and file names: 'sqlite-full'. */
  readonly id: string
  /** For tables and pictures: 'better-sqlite3'. */
  readonly name: string
  /** Of an answered put, and of an answered take where `takeDurability` does not say less. */
  readonly durability: Durability
  /** Of an answered take, where that is less durable than an answered put: it may come back. */
  readonly takeDurability?: Durability
  /** What is set to get that, as one would write it: 'WAL, synchronous=FULL'. */
  readonly settings: string
  /** What a reader has to know of how it is driven here, beyond its settings: a sentence or two. */
  readonly notes?: string
  /** Where its maintainers recommend or explain these: an address, or a page of its manual. */
  readonly source: string
  /** A server is reached over a socket of this machine, and its time contains that way. */
  readonly kind: 'embedded' | 'server'
  /** A queue knows deliveries and acknowledgements; a store of rows or keys is used as people make a queue of it. */
  readonly shape: 'queue' | 'rows' | 'log'
  /** Puts that may wait for their answer at once; beyond it the contender gives no more. Absent: no limit. */
  readonly inFlightMax?: number
  /** A kill so soon after its first opening loses what it has confirmed: it is killed later here. Absent: never. */
  readonly killSecondsMin?: number
  /** Set in the environment of its process before that starts, since it is read there only once. */
  readonly env?: Readonly<Record<string, string>>
  /** A published figure, which a result far below is looked into against. */
  readonly published?: { readonly what: string; readonly rate: number; readonly source: string }
  /** Loads what it needs. Rejects with `Missing` where that is not here, in words that say how to get it. */
  load(): Promise<Loaded>
}

export interface Loaded {
  /** Of the package and, where there is one, of the server. */
  readonly version: string
  /** Opens what is in `directory`, an empty one at first; a server is started in it before. */
  open(directory: string): Promise<Opened>
}

/**
 * Bodies are not changed while a call is under way, and none is kept behind it. A promise that the contender gives is
 * handed on as it is: one around it would be as many objects again, which live as long as the message is under way.
 */
export interface Opened {
  /** One message, one promise: resolves when it is as durable as stated. Many may be under way. */
  put(body: Uint8Array): Promise<unknown>
  /** Several with one promise, in the way that its documents recommend for many. */
  putMany(bodies: readonly Uint8Array[]): Promise<unknown>
  /**
   * Takes up to `count` messages, oldest first, and finishes them for good: resolves with how many, once that
   * they are finished is as durable as stated; with 0 where none is there. Every body of these was in the
   * memory of JavaScript by then, as bytes, as whoever works on a message needs it: a count alone, or a view of
   * what is read only when somebody looks, is no take. Absent where nothing is taken.
   *
   * `areThere`: so many were put and answered, and nobody else is after them: a client that is given messages ahead
   * waits for these and does not ask its server first.
   */
  take?(count: number, areThere?: boolean): Promise<number>
  /** Takers that work side by side: `TAKERS` of takers.ts, for all alike. Absent: one. */
  readonly takers?: number
  /** The server's process, whose memory counts; absent where it is this one. */
  readonly serverPid?: number
  /** Closes in order, with its server. */
  close(): Promise<void>
}

/** Something that a contender needs and that is not here. */
export class Missing extends Error {}
