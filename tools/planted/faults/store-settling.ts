/** Verbs of the store, transactions, and what is committed. */
import { edit, type PlantedFault, store } from '../fault.ts'
import {
  BACKLOG,
  STORE_AHEAD,
  STORE_READ_FIRST,
  STORE_REGRESSIONS,
  STORE_SUITE,
} from '../proofs.ts'

export const STORE_SETTLING_FAULTS: readonly PlantedFault[] = [
  {
    name: 'more may wait in front of a store than its bound',
    edits: [
      edit(
        'src/store/commit/backlog.ts',
        'if (!isOfDeliveries(operation)) this.#tally.assertRoom()',
        '',
      ),
    ],
    tests: [BACKLOG],
  },
  {
    name: 'what has left goes on counting as waiting',
    edits: [
      edit(
        'src/store/commit/backlog.ts',
        '    this.#operations.take()\n    this.#tally.remove(this.#counts.take() ?? 0, this.#sizes.take() ?? 0)',
        '    this.#operations.take()\n    this.#counts.take()\n    this.#sizes.take()',
      ),
    ],
    tests: [BACKLOG],
  },
  {
    name: 'an acknowledgement is turned away since large puts wait',
    edits: [
      edit(
        'src/store/commit/backlog.ts',
        'if (!isOfDeliveries(operation)) this.#tally.assertRoom()',
        'this.#tally.assertRoom()',
      ),
    ],
    tests: [BACKLOG],
  },
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
    name: 'store: a store closes without its state where what was saved cannot be read',
    edits: [store('log-store.ts', 'this.#snapshots.saveAtEnd()', 'this.#snapshots.save(false)')],
    tests: ['test/store/space/damaged-state.test.ts'],
  },
]
