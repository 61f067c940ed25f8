/** The twelve named damages of a log's files, each done to the same small log. */
import {
  bytesOf,
  FIRST,
  flipBit,
  foreignMiddle,
  LAST,
  type LogFiles,
  MIDDLE,
  smallLog,
  spare,
} from './small-log.ts'

const SECTOR = 512

export interface Damage {
  readonly name: string
  readonly files: () => LogFiles
  /** Exit code of `qlog verify`. */
  readonly exitCode: number
  /** Ids that are lost, as readers must report them. */
  readonly lost: readonly number[]
  /** A place to ask `qlog explain` about. */
  readonly place: readonly [file: string, offset: number]
}

/** A sector that lies in the first DATA block of a segment, header of the block excluded. */
function sectorInData(name: string): number {
  const offset = smallLog().dataOffsets.get(name)?.[0] ?? 0
  return Math.ceil(offset / SECTOR) * SECTOR
}

function damaged(change: (files: LogFiles) => void, log = smallLog()): LogFiles {
  change(log.files)
  return log.files
}

export const DAMAGES: readonly Damage[] = [
  {
    name: 'bit in header',
    files: () => damaged((files) => flipBit(files, MIDDLE, 40)),
    exitCode: 3,
    lost: [],
    place: [MIDDLE, 40],
  },
  {
    name: 'bit in body',
    files: () => damaged((files) => flipBit(files, MIDDLE, sectorInData(MIDDLE) + 100, 3)),
    exitCode: 3,
    lost: [7, 8, 9],
    place: [MIDDLE, sectorInData(MIDDLE) + 100],
  },
  {
    name: 'zeroed sector',
    files: () =>
      damaged((files) => {
        const at = sectorInData(FIRST)
        bytesOf(files, FIRST).fill(0, at, at + SECTOR)
      }),
    exitCode: 3,
    lost: [1, 2, 3],
    place: [FIRST, sectorInData(FIRST)],
  },
  {
    name: 'stale sector',
    files: () =>
      damaged((files) => {
        // What stood there when the file was another segment's.
        const at = sectorInData(MIDDLE)
        bytesOf(files, MIDDLE).set(bytesOf(files, FIRST).subarray(at, at + SECTOR), at)
      }),
    exitCode: 3,
    lost: [7, 8, 9],
    place: [MIDDLE, sectorInData(MIDDLE)],
  },
  {
    name: 'swapped sectors',
    files: () =>
      damaged((files) => {
        const bytes = bytesOf(files, FIRST)
        const at = sectorInData(FIRST)
        const one = bytes.slice(at, at + SECTOR)
        bytes.copyWithin(at, at + SECTOR, at + 2 * SECTOR)
        bytes.set(one, at + SECTOR)
      }),
    exitCode: 3,
    lost: [1, 2, 3],
    place: [FIRST, sectorInData(FIRST)],
  },
  {
    name: 'truncated file',
    files: () =>
      damaged((files) => {
        const end = (smallLog().dataOffsets.get(MIDDLE)?.[1] ?? 0) + 100
        files.set(MIDDLE, bytesOf(files, MIDDLE).slice(0, end))
      }),
    exitCode: 3,
    lost: [10, 11, 12],
    place: [MIDDLE, 12_288],
  },
  {
    name: 'foreign segment',
    files: () => damaged((files) => files.set(MIDDLE, foreignMiddle())),
    exitCode: 3,
    lost: [7, 8, 9, 10, 11, 12],
    place: [MIDDLE, 9000],
  },
  {
    name: 'rolled-back segment',
    files: () =>
      damaged((files) => {
        const older = smallLog({ closed: false, lastGroups: 1 })
        files.set(LAST, bytesOf(older.files, LAST))
      }),
    exitCode: 3,
    lost: [16, 17, 18],
    place: [LAST, smallLog().lastGroupOffset],
  },
  {
    name: 'missing middle',
    files: () => damaged((files) => files.delete(MIDDLE)),
    exitCode: 3,
    lost: [7, 8, 9, 10, 11, 12],
    place: [FIRST, 4096],
  },
  {
    name: 'missing last',
    files: () => damaged((files) => files.delete(LAST)),
    exitCode: 3,
    lost: [13, 14, 15, 16, 17, 18],
    place: [MIDDLE, 4096],
  },
  {
    name: 'torn tail',
    files: () => {
      const log = smallLog({ closed: false, indexed: false, lastGroups: 3 })
      const torn = Math.ceil(log.lastGroupOffset / SECTOR) * SECTOR
      return damaged((files) => bytesOf(files, LAST).fill(0, torn), log)
    },
    exitCode: 4,
    lost: [],
    place: [LAST, smallLog({ closed: false, lastGroups: 3 }).lastGroupOffset + 8],
  },
  {
    name: 'spare under a wrong name',
    files: () => damaged((files) => files.set('00000000000000000005-00.qls', spare(4))),
    exitCode: 0,
    lost: [],
    place: ['00000000000000000005-00.qls', 4096],
  },
]
