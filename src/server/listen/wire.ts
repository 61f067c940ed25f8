/** What carries the bytes of a connection: a socket, or memory in a test. Types only. */

export interface Wire {
  readonly isTls: boolean
  /**
   * Sends these bytes (a string is latin1) and calls back once it can take more, in a later turn; with an
   * error where they could not be sent, which the end of the wire follows.
   */
  write(bytes: Uint8Array | string, taken: (error?: Error | null) => void): void
  /** Bring no bytes until `resume`. */
  pause(): void
  resume(): void
  /** Tells the peer that no more will come. */
  end(): void
  /** Ends both directions at once; `gone` of its user follows in a later turn. */
  destroy(): void
}
