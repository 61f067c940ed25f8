/** Who is given a message, in which order, and for how long. */
import { type PlantedFault, store } from '../fault.ts'
import {
  STORE_PIECES,
  STORE_PROOF,
  STORE_REGRESSIONS,
  STORE_SUITE,
  STORE_TIMES,
} from '../proofs.ts'

export const STORE_DELIVERY_FAULTS: readonly PlantedFault[] = [
  {
    name: 'store: what expired comes back when the clock is set back',
    edits: [
      store(
        'dispatch/expiry.ts',
        'if (ids.length > 0) this.#host.expired(this.#queue, ids, offsets)',
        'queueMicrotask(() => {\n' +
          '      for (const offset of offsets) state.remove(offset, offset + 1)\n' +
          '    })',
      ),
    ],
    tests: [STORE_REGRESSIONS],
  },
  {
    name: 'store: a message waits for its time by the clock, not by its schedule',
    edits: [
      store(
        'dispatch/group-order.ts',
        'return !queue.isScheduled(offset) ||',
        'return queue.isDue(cursor.dueKind, cursor.dueMs) ||',
      ),
    ],
    tests: [STORE_REGRESSIONS],
  },
  {
    name: 'store: a message deleted on its way to a session stays leased for ever',
    edits: [
      store(
        'deliver/lending.ts',
        'if (hasExpired || group.isStill || group.queue.isLeaving(offset, id)) {',
        'if (hasExpired || group.isStill || group.queue.isLeaving(-1, id)) {',
      ),
      store(
        'state/group-state.ts',
        'if (this.finished.nextPresent(first, end) < 0) {',
        'if (first < end) {',
      ),
      store(
        'dispatch/suspects.ts',
        'finished.has(offset) ? undefined : suspectAt(group, offset)',
        'suspectAt(group, offset)',
      ),
      store(
        'dispatch/suspects.ts',
        '      if (isWaiting(first.offset, first.id)) return first\n',
        '      return first\n',
      ),
    ],
    tests: [STORE_REGRESSIONS],
  },
  {
    name: 'store: a suspect that stays after all goes out beside another',
    edits: [
      store(
        'dispatch/group-dispatch.ts',
        'this.out.has(offset) || this.order.offerSuspect',
        'this.out.has(offset) || offset < 0 && this.order.offerSuspect',
      ),
    ],
    tests: [STORE_REGRESSIONS],
  },
  {
    name: 'store: a suspect that is put back goes out beside another',
    edits: [
      store(
        'dispatch/group-dispatch.ts',
        'if (isSuspect) this.order.addSuspect(new Taken(this, id, offset, priority))\n    else this.#back(taken)',
        'this.#back(taken)',
      ),
    ],
    tests: [STORE_REGRESSIONS],
  },
  {
    name: 'store: what expired while it was leased is forgotten when that group finishes it',
    edits: [
      store(
        'dispatch/expiry.ts',
        'if (!this.#awaited.has(offset)) return',
        'if (!this.#awaited.has(offset) || taken.group.state.finished.has(offset)) return',
      ),
    ],
    tests: [STORE_REGRESSIONS],
  },
  {
    name: 'store: what expired is taken from the second group when the first gives it back',
    edits: [store('dispatch/expiry.ts', 'else if (!this.#isLeased(offset)) {', 'else {')],
    tests: [STORE_REGRESSIONS],
  },
  {
    name: 'store: a run of one lane goes past what another group has',
    edits: [store('dispatch/group-order.ts', '      if (cursor.id >= endId) break\n', '')],
    tests: STORE_PROOF,
  },
  {
    name: 'store: a lease that is given more time is looked for at its old end only',
    edits: [
      store(
        'dispatch/lease-order.ts',
        '  moved(taken: Taken): void {\n    this.#add(taken)\n',
        '  moved(taken: Taken): void {\n    if (taken.endMs < 0) this.#add(taken)\n',
      ),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: what is buried makes the oldest message older',
    edits: [
      store(
        'look/oldest.ts',
        "return exception.state !== 'buried' && !group.isDelayed(exception)",
        'return !group.isDelayed(exception)',
      ),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: a finished message that outlives its time becomes a dead letter',
    edits: [
      store(
        'dispatch/expiry.ts',
        'if (state.done.has(offset)) {\n        lapsed',
        'if (state.isGone(offset)) {\n        lapsed',
      ),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: the time of an idle group goes on while the store is closed',
    edits: [
      store(
        'dispatch/group-use.ts',
        'this.#lastMs = nowMs()\n  }\n\n  /** Somebody',
        'this.#lastMs = 0\n  }\n\n  /** Somebody',
      ),
      store(
        'space/idle-groups.ts',
        '    return nowMs\n  }\n\n  /** Without',
        '    return known === undefined ? 0 : nowMs\n  }\n\n  /** Without',
      ),
      store(
        'space/idle-groups.ts',
        '{ groupIdleMs, sinceMs: nowMs }',
        '{ groupIdleMs, sinceMs: 0 }',
      ),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: what expired while it was leased becomes a letter though it is being deleted',
    edits: [
      store(
        'dispatch/expiry.ts',
        'if (this.#queue.leaving.has(offset)) this.again',
        'if (false) this.again',
      ),
    ],
    tests: [STORE_TIMES],
  },
  {
    name: 'store: what waits to expire once more is sent when somebody gives it back, too',
    edits: [
      store(
        'dispatch/expiry.ts',
        'if (!this.#awaited.has(offset)) return',
        'if (!this.isOverdue(offset)) return',
      ),
    ],
    tests: [STORE_TIMES],
  },
  {
    name: 'store: a group waits for ever for the time of a message whose lane holds it no more',
    edits: [
      store(
        'dispatch/queue-dispatch.ts',
        'for (const group of this.groups.values()) group.unscheduled(offset)\n      return',
        'return',
      ),
    ],
    tests: [STORE_PIECES],
  },
  {
    name: 'store: a message stands in the order by age as often as it came back',
    edits: [
      store(
        'dispatch/aged-order.ts',
        'if (this.#offsets.add(offset, offset + 1) === 0) return',
        'this.#offsets.add(offset, offset + 1)',
      ),
    ],
    tests: [STORE_PIECES],
  },
  {
    name: 'store: what the order by age let go of never comes back to it',
    edits: [
      store(
        'dispatch/aged-order.ts',
        'return true\n    this.#offsets.remove(offset, offset + 1)',
        'return true',
      ),
    ],
    tests: [STORE_PIECES],
  },
  {
    name: 'store: a suspect that was taken by its name is none any more',
    edits: [store('dispatch/group-dispatch.ts', 'suspect ?? new Taken(', 'new Taken(')],
    tests: [STORE_REGRESSIONS],
  },
]
