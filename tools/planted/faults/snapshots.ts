/** Saved state, and the descriptors that lead to it. */
import { edit, type PlantedFault } from '../fault.ts'
import { SNAPSHOTS, SNAPSHOTS_DAMAGE, SNAPSHOTS_REFUSED } from '../proofs.ts'

export const SNAPSHOTS_FAULTS: readonly PlantedFault[] = [
  {
    name: 'the GC root is that of the newest snapshot, not of the last but one',
    edits: [
      edit(
        'src/log/snapshot/snapshots.ts',
        'return Math.min(...this.#inLog.map(({ snapshot }) => lowestLsn(snapshot)))',
        'return Math.min(...this.#inLog.slice(0, 1).map(({ snapshot }) => lowestLsn(snapshot)))',
      ),
    ],
    tests: [SNAPSHOTS, SNAPSHOTS_DAMAGE],
  },
  {
    name: 'the first snapshot alone moves the GC root',
    edits: [
      edit('src/log/snapshot/snapshots.ts', '    if (this.#inLog.length < 2) return 0\n', ''),
    ],
    tests: [SNAPSHOTS, SNAPSHOTS_DAMAGE],
  },
  {
    name: 'a snapshot counts that was not read back',
    edits: [
      edit(
        'src/log/snapshot/snapshots.ts',
        '    await readWhole(reader, snapshot)\n    const before',
        '    const before',
      ),
    ],
    tests: [SNAPSHOTS],
  },
  {
    name: 'an index older than the GC root gives the state',
    edits: [
      edit(
        'src/log/snapshot/find-state.ts',
        'if (state.size === 0 || lowestAt(state) < root) continue',
        'if (state.size === 0) continue',
      ),
    ],
    tests: [SNAPSHOTS_DAMAGE],
  },
  {
    name: 'a part that is unchanged keeps the GC root where it was given, not where it stands',
    edits: [
      edit(
        'src/log/snapshot/saved-state.ts',
        'lowest = Math.min(lowest, lsn, blockLsn)',
        'lowest = Math.min(lowest, lsn)',
      ),
    ],
    tests: [SNAPSHOTS],
  },
  {
    name: 'the root goes by a snapshot before a map that names it is asked for',
    edits: [
      edit(
        'src/log/snapshot/snapshots.ts',
        '    this.#assertOpen()\n    onSize(',
        '    const [last] = before ? [{ snapshot: before, isRead: true }] : []\n    this.#inLog = [{ snapshot, isRead: true }, ...(last ? [last] : [])]\n    this.#assertOpen()\n    onSize(',
      ),
    ],
    tests: ['test/log/snapshots-closing.test.ts'],
  },
  {
    name: 'a state of no parts moves the GC root',
    edits: [
      edit('src/log/snapshot/snapshots.ts', 'if (next.state.size === 0) throw', 'if (false) throw'),
    ],
    tests: [SNAPSHOTS],
  },
  {
    name: 'a snapshot that is named late takes the refusal of the next one',
    edits: [
      edit(
        'src/log/snapshot/snapshot-turn.ts',
        'if (this.#rejectNaming === reject) this.#rejectNaming',
        'this.#rejectNaming',
      ),
    ],
    tests: ['test/log/snapshot-turn.test.ts'],
  },
  {
    name: 'both snapshots name the one block of a part that did not change',
    edits: [
      edit(
        'src/log/snapshot/due-parts.ts',
        'newest?.has(blockLsn) === true',
        'newest?.has(blockLsn) === undefined',
      ),
    ],
    tests: ['test/log/snapshots-damage.test.ts'],
  },
  {
    name: 'snapshots that opening found damaged let segments leave the log',
    edits: [edit('src/log/snapshot/find-state.ts', 'snapshots: standing,', 'snapshots,')],
    tests: ['test/log/snapshots-damage.test.ts'],
  },
  {
    name: 'a second block that proved damaged is named again by every later save',
    edits: [
      edit(
        'src/log/snapshot/snapshots.ts',
        'isDamage && before && next ?',
        'isDamage && before && !next ?',
      ),
    ],
    tests: ['test/log/snapshots-damage.test.ts'],
  },
  {
    name: 'what was refused is what is unchanged from then on',
    edits: [
      edit(
        'src/log/snapshot/snapshots.ts',
        'this.#current = isDamage && before',
        'if (isDamage) this.#current = isDamage && before',
      ),
    ],
    tests: ['test/log/snapshots.test.ts'],
  },
  {
    name: 'a part whose block is damaged is given up though another holds the same',
    edits: [edit('src/log/snapshot/part-reader.ts', 'of [blockLsn, otherLsn])', 'of [blockLsn])')],
    tests: ['test/log/snapshots-damage.test.ts'],
  },
  {
    name: 'an index that cannot take a damaged part tells nobody',
    edits: [
      edit(
        'src/log/checkpoint-writer.ts',
        'if (state && error instanceof DamagedError) throw error',
        '',
      ),
    ],
    tests: ['test/log/snapshots-damage.test.ts'],
  },
  {
    name: 'a snapshot asks for a segment between all messages that a full disk has room for',
    edits: [
      edit(
        'src/log/snapshot/snapshot-turn.ts',
        'this.#isTurn && !(needReserve && messages > 0)',
        'this.#isTurn',
      ),
    ],
    tests: ['test/log/snapshot-turn.test.ts'],
  },
  {
    name: 'blocks of a snapshot wait for ever for a segment that cannot be made',
    edits: [
      edit(
        'src/log/space/refusals.ts',
        'const blocksFit = !waiting || (segment && composer.fitsBlocks(segment, waiting))',
        'const blocksFit = true',
      ),
    ],
    tests: [SNAPSHOTS_REFUSED],
  },
]
