/**
 * Tubes that have ended: their queues are removed from the store behind everybody's back, some at a time, as
 * long as nothing else in the store needs them. Nothing is lost where that comes to nothing: such a queue is
 * empty, and is looked at again when its tube ends the next time.
 */
import type { Store } from '../../index.ts'
import { PROTOCOL_RETRY, queueOf } from '../queue-of.ts'
import {
  ENDED_TUBES_A_ROUND,
  ENDED_TUBES_AFTER_MS,
  ENDED_TUBES_MAX,
  ENDED_TUBES_TRIES,
} from './limits.ts'
import { isOrdinary } from './replies.ts'

/** Calls back after so long, and keeps no process alive for that. */
export type Later = (delayMs: number, callback: () => void) => void

export const laterByTimer: Later = (delayMs, callback) => {
  setTimeout(callback, delayMs).unref()
}

/** The tubes as far as this is concerned. */
export interface EndedTubesHost {
  /** There is no tube of this name: nobody refers to it, and it has no job. */
  hasEnded(name: string): 'yes' | 'not yet' | 'no'
  /** Its queue is gone, into which so many were put: one that is there again begins anew. */
  queueRemoved(name: string, puts: number): void
  report(error: unknown): void
}

export class EndedTubes {
  readonly #store: Store
  readonly #host: EndedTubesHost
  /** How often each was looked at, oldest end first. */
  readonly #tries = new Map<string, number>()
  readonly #after: Later
  #isWaiting = false

  constructor(store: Store, host: EndedTubesHost, after: Later) {
    this.#store = store
    this.#host = host
    this.#after = after
  }

  /** The tube has ended just now, or is about to with what is on its way. */
  add(name: string): void {
    this.#tries.delete(name)
    if (this.#tries.size >= ENDED_TUBES_MAX) return
    this.#tries.set(name, 0)
    this.#later()
  }

  drop(name: string): void {
    this.#tries.delete(name)
  }

  /** A tube that comes again soon is none to look at: it costs nothing until then. */
  #later(): void {
    if (this.#isWaiting || this.#tries.size === 0) return
    this.#isWaiting = true
    this.#after(ENDED_TUBES_AFTER_MS, () => void this.#round())
  }

  /** All of a round are on their way at once, and share a flush with whatever else is. */
  async #round(): Promise<void> {
    try {
      if (this.#store.status !== 'open') {
        this.#tries.clear()
        return
      }
      const names = [...this.#tries.keys()].slice(0, ENDED_TUBES_A_ROUND)
      await Promise.all(names.map((name) => this.#remove(name)))
    } catch (error) {
      // The store is closed, or its log has stopped: there is nothing to tidy up for.
      this.#tries.clear()
      if (!isOrdinary(error)) this.#host.report(error)
    } finally {
      this.#isWaiting = false
      this.#later()
    }
  }

  async #remove(name: string): Promise<void> {
    const tries = (this.#tries.get(name) ?? 0) + 1
    this.#tries.delete(name)
    const hasEnded = this.#host.hasEnded(name)
    if (hasEnded === 'no') return
    // Its last job, or the end of its pause, may be on its way.
    if (hasEnded === 'not yet' || !this.#isPlain(name)) {
      this.#again(name, tries)
      return
    }
    const queue = queueOf(this.#store, name, PROTOCOL_RETRY, (error) => this.#host.report(error))
    const { nextOffset } = queue.stats()
    if (await queue.remove({ ifUnused: true })) this.#host.queueRemoved(name, nextOffset)
    // Something of it may be on its way. What there never was is not looked at again.
    else if (this.#store.queue(name).group().exists) this.#again(name, tries)
  }

  #again(name: string, tries: number): void {
    if (tries < ENDED_TUBES_TRIES && !this.#tries.has(name)) this.#tries.set(name, tries)
  }

  /** Nobody has set anything of it, and no other reads it: it is as a tube makes it. */
  #isPlain(name: string): boolean {
    const { groups, messages, pausedMs, retained, settings } = this.#store.queue(name).stats()
    if (messages + retained + pausedMs > 0) return false
    const { whenFull, ...set } = settings
    const isSet = whenFull !== 'refuse' || Object.values(set).some((value) => value !== undefined)
    const own = this.#store.queue(name).group().name
    return !isSet && groups.every(({ group }) => group === own)
  }
}
