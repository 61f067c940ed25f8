/**
 * Known mistakes of the store, in the same form: those that its rules name, and what a review once found,
 * where the fault takes the mend out again.
 */
import { type Edit, edit, type PlantedFault } from './planted-faults.ts'

export const STORE_SUITE = 'test/testing/store-suite.test.ts'
export const STORE_AHEAD = 'test/store/ahead-of-the-log.test.ts'
export const STORE_REGRESSIONS = 'test/store/regressions.test.ts'
export const STORE_TIMES = 'test/store/dispatch/times.test.ts'
export const STORE_PIECES = 'test/store/dispatch/pieces.test.ts'
export const STORE_READ_FIRST = 'test/store/read-first.test.ts'
/** Everything that shows what the store does, for a fault that the tests it names do not catch. */
export const STORE_PROOF = [
  STORE_SUITE,
  STORE_AHEAD,
  STORE_REGRESSIONS,
  'test/store/model/memory-1.test.ts',
  'test/store/model/slow-1.test.ts',
  'test/store/model/segments-1.test.ts',
] as const

function store(file: string, find: string, replace: string): Edit {
  return edit(`src/store/${file}`, find, replace)
}

export const STORE_FAULTS: readonly PlantedFault[] = [
  {
    name: 'store: an ack is seen before it is durable',
    edits: [
      store(
        'settle/verbs.ts',
        'return this.#core.riding.finish(taken)',
        'const { group, offset } = taken\n' +
          '      const promise = this.#core.riding.finish(taken)\n' +
          '      group.queue.state.finish(group.state, offset, offset + 1)\n' +
          '      return promise',
      ),
    ],
    tests: [STORE_AHEAD],
  },
  {
    name: 'store: a message discarded before its ack is durable',
    edits: [
      store(
        'settle/verbs.ts',
        'return this.#core.riding.finish(taken)',
        'this.#core.log.discard([[taken.id, taken.id]])\n' +
          '      return this.#core.riding.finish(taken)',
      ),
    ],
    tests: [STORE_AHEAD],
  },
  {
    name: 'store: a snapshot says that it holds more of the log than it does',
    edits: [
      store(
        'space/snapshots.ts',
        'yield [pieceName(name, row), at, piece]',
        'yield [pieceName(name, row), this.#core.journal.appliedLsn, piece]',
      ),
    ],
    tests: [STORE_AHEAD],
  },
  {
    name: 'store: a snapshot loses the order of burial',
    edits: [
      store(
        'state/slices.ts',
        'of [timeouts, releases, buries, kicks, sequence]',
        'of [timeouts, releases, buries, kicks, 0 * sequence]',
      ),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: a compaction drops a leased message',
    edits: [
      store(
        'space/live-ids.ts',
        '      else if (!this.#queue.isGone(cursor.offset)) live.add',
        '      else if ([...this.#queue.groups.values()].some((one) => one.leased.has(cursor.offset))) continue\n' +
          '      else if (!this.#queue.isGone(cursor.offset)) live.add',
      ),
    ],
    tests: [STORE_AHEAD],
  },
  {
    name: 'store: a compaction drops a message that one group has not finished',
    edits: [
      store(
        'space/live-ids.ts',
        'else if (!this.#queue.isGone(cursor.offset)) live.add',
        'else if (![...this.#queue.groups.values()].some((one) => one.finished.has(cursor.offset))) live.add',
      ),
    ],
    tests: [STORE_AHEAD],
  },
  {
    name: 'store: a key compared with durable messages alone',
    edits: [
      store(
        'commit/pending-claims.ts',
        'return this.#pending.get(claimName(queue, claim))?.first',
        'return this.#pending.get(claimName(-1, claim))?.first',
      ),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: a delivery is good in the next opening',
    edits: [
      store('settle/verbs.ts', '    if (!delivery.isOf(this)) throw staleLease(taken)\n', ''),
    ],
    tests: [STORE_REGRESSIONS],
  },
  {
    name: 'store: a delivery is good after its lease ended',
    edits: [
      store(
        'settle/verbs.ts',
        "const isOver = taken.status !== 'leased' || taken.endMs <= nowMs",
        "const isOver = taken.status !== 'leased' && taken.endMs > nowMs",
      ),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: a release keeps the old priority',
    edits: [
      store(
        'settle/verbs.ts',
        'const own = priority !== undefined && { priority: checkPriority(priority) }',
        'const own = priority !== undefined && checkPriority(priority) < 0 && { priority }',
      ),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: the floor of what is finished passes a hole',
    edits: [
      store(
        'containers/offset-set.ts',
        'if (from > this.#floor) this.#addAbove(from, end)',
        'if (from > this.#floor + 1) this.#addAbove(from, end)',
      ),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: a delay goes by the wall clock',
    edits: [
      store(
        'check.ts',
        'return { dueKind: DueKind.ELAPSED, dueMs: clock.nowMs() + ms }',
        'return { dueKind: DueKind.WALL, dueMs: clock.wallMs() + ms }',
      ),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: a transaction leaves as two entries',
    edits: [
      store(
        'settle/transaction.ts',
        "import { PutMany } from '../commit/puts.ts'\n",
        "import { PlainOperation } from '../commit/operation.ts'\nimport { PutMany } from '../commit/puts.ts'\n",
      ),
      store(
        'settle/transaction.ts',
        'appended = await this.#core.send(new PutMany(all, this.#core.claims, ops, done))\n',
        'const isBoth = all.length > 0 && ops.length > 0\n' +
          '        if (isBoth) this.#core.send(new PlainOperation(ops))\n' +
          '        const rest = isBoth ? [] : ops\n' +
          '        appended = await this.#core.send(new PutMany(all, this.#core.claims, rest, done))\n',
      ),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: a group that is made late begins behind what it should begin with',
    edits: [
      store(
        'state/queue-state.ts',
        'if (start > 0) finished.add(0, start)\n    this.#revive(finished, start)\n    // From now on',
        'if (this.nextOffset > 0) finished.add(0, Math.max(start, 1))\n    this.#revive(finished, start)\n    // From now on',
      ),
    ],
    tests: [STORE_SUITE],
  },
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
    name: 'store: a chunk counts as unchanged though the floor passed through it',
    edits: [
      store(
        'state/group-state.ts',
        'if (before !== after) this.#touch(',
        'if (before < 0) this.#touch(',
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
    name: 'store: a chunk of keys that was empty begins at its first version again',
    edits: [
      store(
        'state/key-table.ts',
        'chunk.version = ++this.#version\n    this.prune',
        'chunk.version++\n    this.prune',
      ),
      store(
        'state/key-table.ts',
        'if (chunk) chunk.version = ++this.#version',
        'if (chunk) chunk.version++',
      ),
    ],
    tests: [STORE_REGRESSIONS],
  },
  {
    name: 'store: a group begins behind puts on their way that are turned down',
    edits: [
      store(
        'group-options.ts',
        "if (from === 'next') return START_NEXT",
        "if (from === 'next') return core.registry.nextOffset(core.registry.queueNumber(name))",
      ),
      store(
        'state/queue-state.ts',
        'const start = Math.min(from, this.nextOffset)\n    // What no group',
        'const start = from\n    // What no group',
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
    name: 'store: a transaction does not wait for the put whose key it meets',
    edits: [
      store(
        'commit/put-batch.ts',
        'return this.#hasClaims && this.#pendingFirsts().length > 0',
        'return false',
      ),
      store(
        'commit/claim-decision.ts',
        'const first = core.claims.durable(number, plan, core.clock.nowMs())',
        'const { claims, clock } = core\n' +
          '  const first = claims.pending(number, plan) ?? claims.durable(number, plan, clock.nowMs())',
      ),
      store(
        'commit/put-batch.ts',
        "if (source.kind === 'other') return asDuplicate(source.first)",
        "if (source.kind === 'other') return Promise.resolve(source.first).then(asDuplicate)",
      ),
      store(
        'settle/transaction.ts',
        'return { puts: this.#batch.results(appended) }',
        'return { puts: await Promise.all(this.#batch.results(appended)) }',
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
    name: 'store: a save sees what was given back while it was on its way',
    edits: [
      store(
        'state/group-state.ts',
        '        this.#touchException(exception.offset)\n        uncount(exception)\n',
        '        uncount(exception)\n        this.#touchException(exception.offset)\n',
      ),
    ],
    tests: ['test/store/state/exception-chunk.test.ts'],
  },
  {
    name: 'store: an ack of what is gone already is counted',
    edits: [
      store(
        'state/queue-state.ts',
        'group.counts.acked += group.finish(first, end)',
        'group.finish(first, end)\n    group.counts.acked += end - first',
      ),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: what replay comes upon is counted as new',
    edits: [
      store(
        'state/store-state.ts',
        'for (const queue of this.queues.values()) queue.beginCounting()',
        '',
      ),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: what a removed group counted is lost',
    edits: [store('state/queue-state.ts', 'this.counts.add(group.counts)', '')],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: a queue is removed while a put into it is on its way',
    edits: [store('settle/remove-queue.ts', ' || journal.concerns(number)', '')],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: a queue that was removed is found by its name until that is durable',
    edits: [
      store(
        'commit/registry.ts',
        'this.#leavingQueues.has(state.number) ? undefined',
        'false ? undefined',
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
    name: 'store: what a seek brought back is given away with what is forgotten',
    edits: [
      store(
        'space/retention.ts',
        'if (queue.isGone(offsets[row] ?? 0)) this.#core.gone.note(id)',
        'this.#core.gone.note(id)',
      ),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: the lanes let go of what is retained',
    edits: [
      store(
        'state/queue-state.ts',
        'return this.retained.next(0, this.done.floor)',
        'return this.done.floor',
      ),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: a group that goes back does not get what is retained',
    edits: [
      store(
        'state/queue-state.ts',
        'this.#revive(finished, start)\n    group.restart',
        'group.restart',
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
    name: 'store: a group is removed as idle while something of it is leased',
    edits: [
      store('space/idle-groups.ts', 'group.use.isRead || group.out.size > 0', 'group.use.isRead'),
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
    name: 'store: the last group of a queue is removed as idle',
    edits: [store('space/idle-groups.ts', 'due.slice(0, groups.length - 1)', 'due')],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: the attempts that a queue is set to count for nobody',
    edits: [
      store(
        'settle/last-attempts.ts',
        'retries.attemptsMax(name, settings.of(number).attemptsMax)',
        'retries.attemptsMax(name, 0 * settings.of(number).attemptsMax)',
      ),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: a lease that was the last attempt ends, and its message is ready',
    edits: [store('settle/last-attempts.ts', '[...ops, ...burials]', 'ops')],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: a release that counts gives its attempt back',
    edits: [store('state/group-state.ts', "if (op.how === 'released') uncount", 'uncount')],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: a state that nothing was appended to keeps all its snapshots',
    edits: [
      store('space/snapshots.ts', 'const at = journal.stateLsn()', 'const at = journal.appliedLsn'),
    ],
    tests: ['test/store/space/bound.test.ts'],
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
    name: 'store: what takes the place of a put that was turned down counts as purged',
    edits: [store('commit/registry.ts', 'this.#dispatcher.purging.giveBack(queue, offset)', '')],
    tests: [STORE_REGRESSIONS],
  },
  {
    name: 'store: a lease whose body is read again can be ended by others meanwhile',
    edits: [
      store('settle/verbs.ts', 'for (const one of taken) dispatcher.settle(one)\n    try', 'try'),
    ],
    tests: [STORE_READ_FIRST],
  },
  {
    name: 'store: a purge is not minded while a body is read again',
    edits: [store('settle/verbs.ts', 'group.upheavals === upheavals', 'upheavals >= 0')],
    tests: [STORE_READ_FIRST],
  },
  {
    name: 'store: a store closes though a verb still reads the body of a letter',
    edits: [store('log-store.ts', 'await this.#verbs.bodies.settled()', '')],
    tests: [STORE_READ_FIRST],
  },
  {
    name: 'store: what a transaction reads first takes effect behind all others',
    edits: [store('settle/transaction.ts', 'splice(at + more,', 'splice(this.#ops.length,')],
    tests: [STORE_READ_FIRST],
  },
  {
    name: 'store: a suspect that was taken by its name is none any more',
    edits: [store('dispatch/group-dispatch.ts', 'suspect ?? new Taken(', 'new Taken(')],
    tests: [STORE_REGRESSIONS],
  },
  {
    name: 'store: a transaction that waited ends leases that began since',
    edits: [
      store(
        'settle/transaction.ts',
        'this.#verbs.whileSettling(this.#settled, ()',
        'this.#verbs.whileSettling([], ()',
      ),
    ],
    tests: [STORE_REGRESSIONS],
  },
  {
    name: 'store: a redrive that is turned down puts back what others have',
    edits: [
      store(
        'settle/redrive.ts',
        'for (const taken of held) group.putBack(taken)',
        'for (const { offset } of held) {\n' +
          '        const taken = group.out.get(offset)\n' +
          '        if (taken) group.putBack(taken)\n' +
          '      }',
      ),
    ],
    tests: [STORE_REGRESSIONS],
  },
  {
    name: 'store: what was saved is called unchanged though it cannot be read any more',
    edits: [store('space/snapshots.ts', 'isWhole || this.#isSavedDamaged', 'isWhole')],
    tests: ['test/store/space/damaged-state.test.ts'],
  },
  {
    name: 'store: a store closes without its state where what was saved cannot be read',
    edits: [store('log-store.ts', 'this.#snapshots.saveAtEnd()', 'this.#snapshots.save(false)')],
    tests: ['test/store/space/damaged-state.test.ts'],
  },
]
