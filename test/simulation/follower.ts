/**
 * A follower of its own log in a random schedule: whatever it is given the oracle must know, in order
 * and with nothing left out (invariants 2 and 4); and what it has seen has happened.
 */
import { type Gap, QlogError } from '../../src/errors.ts'
import type { Message } from '../../src/log/types.ts'
import { SimulatedDeath } from '../../src/system/simulated/system-error.ts'
import type { Opening } from './machine.ts'
import { Violation } from './oracle.ts'

export class Follower {
  readonly #opening: Opening
  /** One past the last id that was seen. */
  #endSeen: number
  /** Why it ended by itself: its log has stopped, or a file could not be opened. */
  #error: Error | undefined
  readonly #iterator: AsyncIterator<readonly Message[]>
  readonly #gaps: Gap[] = []
  readonly #ended: Promise<void>

  /** `pauseMs`: how long it works on a batch, so that it falls behind; 0 = not at all. */
  constructor(opening: Opening, from: number, pauseMs: number) {
    this.#opening = opening
    this.#endSeen = from
    const onGap = (gap: Gap): void => {
      this.#gaps.push(gap)
    }
    this.#iterator = opening.current.readBatches({ from, follow: true, onGap })
    this.#ended = this.#follow(pauseMs).catch((error: unknown) => this.#endedBy(error))
  }

  /** All below this id of its log must have been seen by now, unless it is gone. */
  expectComplete(opening: Opening, endId: number): void {
    // One of a writer that was paused meanwhile has a log of its own, and cannot go on.
    if (opening !== this.#opening) return
    const { current, machine, writer } = opening
    if (this.#error || writer.superseded || current.status !== 'open') return
    machine.oracle.followedTo(this.#endSeen, endId, this.#gaps)
  }

  /** Ends it in whatever it is doing. */
  async leave(): Promise<void> {
    await this.#iterator.return?.()
    await this.#ended
  }

  async #follow(pauseMs: number): Promise<void> {
    for (;;) {
      const { done, value } = await this.#iterator.next()
      if (done === true) return
      if (!this.#opening.process.alive) return
      this.#see(value)
      if (pauseMs > 0) await this.#opening.wait(pauseMs)
    }
  }

  #see(messages: readonly Message[]): void {
    const { oracle } = this.#opening.machine
    const { writer } = this.#opening
    // One that was taken over is shown the log as it was, whatever the new owner discards of it.
    if (writer.superseded || this.#opening.hasLostWritten) return
    if (messages.length === 0) oracle.violation ??= new Violation('an empty batch')
    for (const message of messages) {
      oracle.followed(writer, this.#endSeen, message, this.#gaps)
      this.#endSeen = message.id + 1
    }
  }

  #endedBy(error: unknown): void {
    const { machine, process } = this.#opening
    if (!process.alive || error instanceof SimulatedDeath) return
    if (error instanceof QlogError && !(error instanceof Violation)) {
      this.#error = error
      return
    }
    machine.oracle.violation ??= new Violation(`a follower ended: ${String(error)}`, {
      cause: error,
    })
  }
}
