/**
 * How many messages wait in a contender, by what it was told and what it answered. One that gives more than was
 * ever put counts something twice, and has no rate. Pure.
 */

import type { PeerVerbs } from './verbs.ts'

type AnswerOf<N extends keyof PeerVerbs> = Awaited<ReturnType<PeerVerbs[N]>>

const CHANGES: { readonly [N in keyof PeerVerbs]?: (answer: AnswerOf<N>) => number } = {
  fill: (messages) => messages,
  put: ({ messages }) => messages,
  batch: ({ messages }) => messages,
  drain: ({ messages }) => -messages,
  // What it puts it takes, or it has failed.
  steady: () => 0,
  flatOutThrough: () => 0,
  flatOutPut: ({ messages }) => messages,
  pacedPut: ({ lateMs }) => lateMs.length,
  pacedThrough: ({ unfinished }) => unfinished,
}

export class Tally {
  #waiting = 0

  /** Put, and not taken yet. */
  get waiting(): number {
    return this.#waiting
  }

  /** Throws where more was taken than was put. */
  note<N extends keyof PeerVerbs>(verb: N, answer: AnswerOf<N>): void {
    this.#waiting += CHANGES[verb]?.(answer) ?? 0
    if (this.#waiting < 0) throw new Error(`${verb}: took ${-this.#waiting} more than was put`)
  }
}
