/** What a put takes and what it tells. */

/** Lower goes first. 1024 is what beanstalkd's clients use, so that both sides of it are free. */
export const PRIORITY_DEFAULT = 1024
export const PRIORITY_MAX = 0xffff_ffff

/**
 * What a put does whose key is taken. drop: nothing. replace: it comes in the place of the message that
 * has the key, where nobody has begun that one; else like trailing. trailing: it comes once more after the
 * one that is in work; where that only waits, nothing.
 */
export type OnDuplicate = 'drop' | 'replace' | 'trailing'

export interface PutOptions {
  /** 0 to 4294967295, lowest first; 1024 unless told. */
  readonly priority?: number
  /** Not before so many milliseconds have passed, whatever happens to the wall clock. */
  readonly delayMs?: number
  /** Not before this time of the wall clock: a Date, or milliseconds since 1970. Not with `delayMs`. */
  readonly at?: Date | number
  /** The message is gone, delivered or not, once so many milliseconds have passed. */
  readonly ttlMs?: number
  /** At most one message of this key: a second put resolves with the id of the first. */
  readonly key?: string
  /** How long after its put a key is taken, in milliseconds; 10 minutes unless told. */
  readonly keyWindowMs?: number
  /**
   * Who sends it, with `sequence`: a message that is sent again is put once. 1 to 200 bytes; not with
   * `key`. A queue remembers the 1024 producers that put last.
   */
  readonly producer?: string
  /** The number that the producer gave it, from 0 on, in any order. */
  readonly sequence?: number
  /** What becomes of this put where the key is taken; 'drop' unless told. */
  readonly onDuplicate?: OnDuplicate
  /** How long a lease of it is, in milliseconds, where a session reserves it without a word of that. */
  readonly leaseMs?: number
  /** Short texts that travel with the body. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface PutItem<In = Uint8Array | string> extends PutOptions {
  readonly body: In
}

/** What `putMany` takes without an object around it: a value that is no object itself, or bytes. */
export type BareItem<In> = Exclude<In, object> | Extract<In, Uint8Array>

/** What may be put where values of type T come out: also texts, in a queue without a codec. */
export type PutValue<T> = [T] extends [Uint8Array] ? Uint8Array | string : T

export interface PutResult {
  /**
   * Number of the message in the store; of the first one where this is a duplicate. 0 where a producer
   * sent it again and the first is durable already: its number is not remembered.
   */
  readonly id: number
  /** Its place in the queue: 0, 1, 2 ...; -1 where `id` is 0. */
  readonly offset: number
  /** The key was taken, or the producer has put this number: nothing was put. */
  readonly duplicate: boolean
}
