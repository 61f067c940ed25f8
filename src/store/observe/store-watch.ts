/**
 * What a store tells of itself while it is open: events on its channels, where somebody listens, and the
 * figures that belong to no queue. Decides nothing.
 */
import { isHeard, publish } from '../../channels.ts'
import type { System } from '../../system/system.ts'
import type { BuryOp } from '../records/control-ops.ts'
import type { GroupState } from '../state/group-state.ts'
import type { QueueState } from '../state/queue-state.ts'
import type { StoreState } from '../state/store-state.ts'
import { LoopWatch } from './loop-watch.ts'

/** A save of the state that was begun: how long it took, and how it ended. */
export interface SavedState {
  readonly startedMs: number
  /** Bytes of parts that had changed. */
  readonly bytes: number
  readonly stateBytes: number
  readonly error: Error | undefined
}

export class StoreWatch {
  /** Snapshots of this opening. */
  snapshots = 0
  readonly loop: LoopWatch
  readonly #clock: System['clock']
  readonly #directory: string
  readonly #openedMs: number
  #savedMs: number | undefined

  /** Begins with the state as opening found it: what happened before is not counted. */
  constructor(
    system: Pick<System, 'clock' | 'watchLoop' | 'warn'>,
    directory: string,
    state: StoreState,
  ) {
    this.#clock = system.clock
    this.#directory = directory
    this.#openedMs = system.clock.monotonicMs()
    this.loop = new LoopWatch(system, directory)
    state.beginCounting((queue, group, op) => this.#buried(queue, group, op))
    this.loop.look()
  }

  /** Milliseconds since the store was opened. */
  get openMs(): number {
    return this.#clock.monotonicMs() - this.#openedMs
  }

  /** Milliseconds since the state was saved; undefined where this opening has not yet. */
  get snapshotAgeMs(): number | undefined {
    return this.#savedMs === undefined ? undefined : this.#clock.monotonicMs() - this.#savedMs
  }

  /** Called once a group has become durable. */
  applied(): void {
    this.loop.look()
  }

  saved({ startedMs, bytes, stateBytes, error }: SavedState): void {
    const nowMs = this.#clock.monotonicMs()
    if (error === undefined) {
      this.snapshots++
      this.#savedMs = nowMs
    }
    if (!isHeard('qlog:snapshot')) return
    const tookMs = nowMs - startedMs
    publish('qlog:snapshot', { directory: this.#directory, tookMs, bytes, stateBytes, error })
  }

  /** These are gone, and that is durable. */
  expired(queue: string, ids: readonly number[]): void {
    if (isHeard('qlog:expired')) publish('qlog:expired', { directory: this.#directory, queue, ids })
  }

  /** The group is gone, and that is durable. */
  groupIdle(queue: string, group: string, idleMs: number): void {
    if (!isHeard('qlog:group-idle')) return
    publish('qlog:group-idle', { directory: this.#directory, queue, group, idleMs })
  }

  failed(error: Error): void {
    this.loop.close()
    if (isHeard('qlog:store-failed')) {
      publish('qlog:store-failed', { directory: this.#directory, error })
    }
  }

  close(): void {
    this.loop.close()
  }

  #buried(queue: QueueState, group: GroupState, { id, offset, reason }: BuryOp): void {
    if (!isHeard('qlog:buried')) return
    const error = group.exception(offset)?.error
    publish('qlog:buried', {
      directory: this.#directory,
      queue: queue.name,
      group: group.name,
      id,
      reason,
      error: error ? error : undefined,
    })
  }
}
