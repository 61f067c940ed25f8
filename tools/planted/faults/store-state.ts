/** The state of a store: its rows, its snapshots and its space. */
import { type PlantedFault, store } from '../fault.ts'
import { STORE_AHEAD, STORE_REGRESSIONS, STORE_SUITE } from '../proofs.ts'

export const STORE_STATE_FAULTS: readonly PlantedFault[] = [
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
    name: 'store: a group is removed as idle while something of it is leased',
    edits: [
      store('space/idle-groups.ts', 'group.use.isRead || group.out.size > 0', 'group.use.isRead'),
    ],
    tests: [STORE_SUITE],
  },
  {
    name: 'store: the last group of a queue is removed as idle',
    edits: [store('space/idle-groups.ts', 'due.slice(0, groups.length - 1)', 'due')],
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
    name: 'store: what was saved is called unchanged though it cannot be read any more',
    edits: [store('space/snapshots.ts', 'isWhole || this.#isSavedDamaged', 'isWhole')],
    tests: ['test/store/space/damaged-state.test.ts'],
  },
]
