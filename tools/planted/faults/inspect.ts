/** The commands that look at a log or save what is left of it. */
import { edit, type PlantedFault } from '../fault.ts'
import {
  BACKUP_CRASH,
  FLUSH_NAME,
  LOST_MAP,
  LOST_NEWEST,
  LOST_VICTIMS,
  SALVAGE_PARTS,
} from '../proofs.ts'

export const INSPECT_FAULTS: readonly PlantedFault[] = [
  {
    name: 'of what merges left for a lost segment only the last is saved',
    edits: [edit('src/inspect/stand-ins.ts', 'found.reverse()', 'found.slice(-1)')],
    tests: [LOST_MAP],
  },
  {
    name: 'a block that begins in front of what is to be saved is dropped whole',
    edits: [
      edit(
        'src/inspect/salvage-source.ts',
        'idSpan > 0 && toId > this.nextId',
        'idSpan > 0 && block.firstId >= this.nextId',
      ),
    ],
    tests: [LOST_VICTIMS],
  },
  {
    name: 'what a merge left is saved in the place of segments that are there',
    edits: [
      edit(
        'src/inspect/salvage-source.ts',
        'this.#segment({ ...standIn, toId })',
        'this.#segment(standIn)',
      ),
    ],
    tests: [SALVAGE_PARTS],
  },
  {
    name: 'what a merge left is not asked for what a segment that is there has lost',
    edits: [
      edit(
        'src/inspect/salvage-source.ts',
        '    if (source.entry && toId > this.nextId) yield* this.#fromStandIns(source.entry, toId)\n',
        '',
      ),
    ],
    tests: [LOST_VICTIMS],
  },
  {
    name: 'half of a batch with control records is saved',
    edits: [
      edit('src/inspect/block-part.ts', 'cursor.start).controls > 0', 'cursor.start).controls < 0'),
    ],
    tests: [SALVAGE_PARTS],
  },
  {
    name: 'of a loss in what a merge left only what the first segment lost is told',
    edits: [
      edit('src/inspect/salvage-source.ts', '(isWoundBeyond && wound?.offset) || offset', 'offset'),
    ],
    tests: [SALVAGE_PARTS],
  },
  {
    name: 'ids that a segment without its LINK has lost at its end are passed over',
    edits: [
      edit(
        'src/inspect/salvage-source.ts',
        'source.losesToEnd && source.endId > this.nextId',
        'source.losesToEnd && source.endId < this.nextId',
      ),
    ],
    tests: [LOST_NEWEST],
  },
  {
    name: 'a newest segment that lost its header is passed over by what saves',
    edits: [
      edit(
        'src/inspect/salvage-source.ts',
        'const isNamed = index?.number === head.number',
        'const isNamed = index?.number !== head.number',
      ),
    ],
    tests: [LOST_NEWEST],
  },
  {
    name: 'verify counts what stands in front of a segment above the newest among its ids',
    edits: [
      edit(
        'src/inspect/verify.ts',
        'unopenedFinding(behind(verdict, newest), head)',
        'unopenedFinding(verdict, head)',
      ),
    ],
    tests: [LOST_NEWEST],
  },
  {
    name: 'verify drops damage that its last look is the first to see',
    edits: [
      edit(
        'src/inspect/verify.ts',
        '[...rotten].every((name) => earlier.has(name))',
        'rotten.size >= 0',
      ),
      edit(
        'src/inspect/verify.ts',
        "({ level }) => level !== 'tail')\n      return",
        "(one) => one.level !== 'tail' && earlier?.has(nameOf(one)))\n      return",
      ),
    ],
    tests: ['test/inspect/verify-live.test.ts'],
  },
  {
    name: 'a backup leaves out the state that the index alone has',
    edits: [
      edit(
        'src/inspect/backup.ts',
        'every(({ lsn }) => lsn <= end) ? state : []',
        'length > end ? state : []',
      ),
    ],
    tests: ['test/inspect/backup.test.ts'],
  },
  {
    name: 'a backup that does not open is called as good as one that does',
    edits: [
      edit(
        'src/inspect/behind-state.ts',
        'if (error instanceof DamagedError) return error.message',
        'if (error instanceof DamagedError) return undefined',
      ),
    ],
    tests: ['test/inspect/backup.test.ts'],
  },
  {
    name: 'recover does not tell that its copy lacks the saved state',
    edits: [
      edit(
        'src/inspect/left-out.ts',
        'entries.length === 0 || !holdsAll(entries)',
        'entries.length === 0',
      ),
    ],
    tests: ['test/inspect/salvage.test.ts'],
  },
  {
    name: 'recover gives its copy a name although a writer has begun',
    edits: [
      edit(
        'src/inspect/salvage.ts',
        '    await refuseOwner(system, directory, lock)\n    await system.files.rename',
        '    await system.files.rename',
      ),
    ],
    tests: ['test/inspect/salvage.test.ts'],
  },
  {
    name: 'recover says that no message is lost where nothing tells how many were',
    edits: [
      edit(
        'src/inspect/salvage-source.ts',
        'if (missingNewest && missingNewest.endId <= missingNewest.firstId) {',
        'if (missingNewest && missingNewest.endId < missingNewest.firstId) {',
      ),
    ],
    tests: ['test/inspect/sealed-end.test.ts'],
  },
  {
    name: 'recover passes over what is lost in front of a block that it mends',
    edits: [
      edit(
        'src/inspect/salvage-source.ts',
        '        if (hole) yield* this.#loseBytes(source, hole, mended.firstId)\n',
        '',
      ),
    ],
    tests: ['test/inspect/salvage-mended.test.ts'],
  },
  {
    name: 'a copy whose name could not be made durable keeps it',
    edits: [
      edit(
        'src/inspect/new-directory.ts',
        '    await system.files.rename(target, partial).catch(passOver)\n',
        '',
      ),
    ],
    tests: [BACKUP_CRASH],
  },
  {
    name: 'what recover saves is removed behind a flush of its name that failed',
    edits: [
      edit(
        'src/inspect/salvage.ts',
        '    if (isUnfinished) await removeUnfinished(system, partial)\n',
        '    await removeUnfinished(system, partial)\n',
      ),
    ],
    tests: [FLUSH_NAME],
  },
]
