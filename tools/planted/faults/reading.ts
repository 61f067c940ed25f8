/** Readers, their windows, and what follows the log. */
import { edit, type PlantedFault } from '../fault.ts'
import { FOLLOWING, READ_AHEAD } from '../proofs.ts'

export const READING_FAULTS: readonly PlantedFault[] = [
  {
    name: 'random access skips the CRC',
    edits: [
      edit(
        'src/log/read/block-walk.ts',
        'if (state === 0 && this.#unpacks()) {',
        'if ([0, 9].includes(state)) {',
      ),
    ],
  },
  {
    name: 'a chunk read ahead is used past the end that was visible when it was read',
    edits: [
      edit(
        'src/log/file-window.ts',
        'const wanted = Math.min(next.byteLength, limit - next.offset)',
        'const wanted = next.byteLength',
      ),
    ],
    tests: [READ_AHEAD],
  },
  {
    name: 'kept bytes overwritten when the writer uses its buffer again (no copy)',
    edits: [
      edit(
        'src/log/read/tail-cache.ts',
        '        this.#addPiece(number, at, piece)\n',
        '      const firstId = getUint64(piece, BLOCK_FIRST_ID_AT)\n' +
          '      const used = piece.length\n' +
          '      this.#chunks.push({ number, start: at, firstId, bytes: piece, used })\n',
      ),
    ],
    tests: [FOLLOWING],
  },
  {
    name: 'the log in memory takes a state of no parts',
    edits: [edit('src/log/memory/snapshot.ts', 'if (saved.size === 0) throw', 'if (false) throw')],
    tests: ['test/testing/log-suite.test.ts'],
  },
  {
    name: 'a batch goes on behind a block of it that is lost',
    edits: [
      edit(
        'src/log/read/entry-reader.ts',
        'if (this.#draft && goesOn(this.#draft, span)) return',
        'if (this.#draft && span.messagesBefore + span.controlsBefore > 0) return',
      ),
    ],
    tests: ['test/inspect/salvage-parts.test.ts'],
  },
  {
    name: 'a store without an index refuses for a flipped bit in one of two blocks that say the same',
    edits: [
      edit(
        'src/log/read/block-walk.ts',
        '  BlockType.LINK,\n  BlockType.SNAPSHOT',
        '  BlockType.SNAPSHOT',
      ),
    ],
    tests: ['test/log/snapshots-damage.test.ts'],
  },
  {
    name: 'a damaged block with entries passes for one of a map',
    edits: [
      edit(
        'src/log/read/block-walk.ts',
        '  BlockType.SYNC,\n',
        '  BlockType.SYNC,\n  BlockType.MAP,\n',
      ),
    ],
    tests: ['test/log/snapshots-damage.test.ts'],
  },
]
