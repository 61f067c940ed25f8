/**
 * Removes groups that nobody uses any more, where their queue says so. Decides and sends the record; what
 * replays it asks no clock. The time is the store's own, from the opening on.
 */
import { QlogError } from '../../errors.ts'
import type { GroupDispatch } from '../dispatch/group-dispatch.ts'
import type { QueueState } from '../state/queue-state.ts'
import type { StoreCore } from '../store-core.ts'

/** Groups are looked at no more often than the first and no less often than the second. */
const LOOK_MS_MIN = 250
const LOOK_MS_MAX = 3_600_000
/** Groups that one look removes; the others wait for the next. */
const REMOVED_A_LOOK = 256

/** Since when a queue has the time that it has. */
interface Setting {
  readonly groupIdleMs: number
  readonly sinceMs: number
}

export class IdleGroups {
  readonly #core: StoreCore
  /** Of queues that have one. */
  readonly #settings = new Map<number, Setting>()
  #removedNow = 0
  #cancel: (() => void) | undefined

  constructor(core: StoreCore) {
    this.#core = core
    this.look()
  }

  /** To be called when a setting has changed; by itself it looks again when the next group may be due. */
  look(): void {
    const { clock, settings, state, status, system } = this.#core
    this.close()
    if (status !== 'open' || (settings.isEmpty && this.#settings.size === 0)) return
    const nowMs = clock.nowMs()
    this.#removedNow = 0
    for (const number of this.#settings.keys()) {
      if (!state.queues.has(number)) this.#settings.delete(number)
    }
    let nextMs = Number.POSITIVE_INFINITY
    for (const queue of state.queues.values()) {
      nextMs = Math.min(nextMs, this.#lookAt(queue, nowMs))
    }
    if (nextMs === Number.POSITIVE_INFINITY) return
    const delayMs = Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, nextMs - nowMs))
    this.#cancel = system.clock.after(delayMs, () => this.look())
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  /** Returns when the next of its groups may be due. */
  #lookAt(queue: QueueState, nowMs: number): number {
    const { groupIdleMs } = queue.settings
    const sinceMs = this.#sinceMs(queue, nowMs)
    if (groupIdleMs === 0) return Number.POSITIVE_INFINITY
    let nextMs = nowMs + groupIdleMs
    // A change is on its way: it is looked at again when that is durable.
    if (this.#core.settings.of(queue.number).groupIdleMs !== groupIdleMs) return nextMs
    const groups = this.#groupsOf(queue)
    const due: GroupDispatch[] = []
    for (const group of groups) {
      if (isUsed(group)) continue
      const dueMs = Math.max(sinceMs, group.use.lastMs) + groupIdleMs
      if (dueMs <= nowMs) due.push(group)
      else nextMs = Math.min(nextMs, dueMs)
    }
    // A queue without groups keeps everything: the last one stays, whose place is worth more than nothing.
    due.sort((a, b) => a.use.lastMs - b.use.lastMs || b.state.number - a.state.number)
    for (const group of due.slice(0, groups.length - 1)) {
      if (this.#removedNow === REMOVED_A_LOOK) return nowMs
      this.#removedNow++
      this.#remove(group, nowMs - group.use.lastMs)
    }
    return nextMs
  }

  /** Groups were not to know before that they had better be read: the time counts from the change on. */
  #sinceMs(queue: QueueState, nowMs: number): number {
    const { groupIdleMs } = queue.settings
    const known = this.#settings.get(queue.number)
    if (known?.groupIdleMs === groupIdleMs) return known.sinceMs
    if (groupIdleMs === 0) this.#settings.delete(queue.number)
    else this.#settings.set(queue.number, { groupIdleMs, sinceMs: nowMs })
    return nowMs
  }

  /** Without those whose removal is on its way. */
  #groupsOf(queue: QueueState): GroupDispatch[] {
    const { dispatcher, registry } = this.#core
    const groups = [...dispatcher.queue(queue).groups.values()]
    return groups.filter((group) => !registry.isLeaving(group))
  }

  #remove(group: GroupDispatch, idleMs: number): void {
    const { gone, registry, watch } = this.#core
    registry.remove(group).then(
      () => {
        gone.discardAll()
        watch.groupIdle(group.queue.state.name, group.state.name, idleMs)
      },
      (error: unknown) => {
        // Where the log has no room or has stopped, the group stays: a later look tries again.
        if (!(error instanceof QlogError)) throw error
      },
    )
  }
}

/** Somebody reads it, or something of it is out, or a change of all of it is on its way. */
function isUsed(group: GroupDispatch): boolean {
  return group.use.isRead || group.out.size > 0 || group.isStill
}
