/**
 * Power cuts on ext4 and XFS (F), on one small disk after the other: the real kernel, its journal and its
 * recovery. Needs Linux, root, loop devices and xfs_io. What is written stands below the temporary directory.
 */
import { killChildren } from '../../../test/real/children.ts'
import { whyNoPowerCut } from '../../../test/real/loop-disk.ts'
import { cutPower, failFlush, type Survived } from '../../../test/real/power-cuts.ts'
import { readTwice } from '../second-reader.ts'
import { type Lab, REAL_PARTS, type Trial } from '../trial.ts'

/** Of one disk; then the next seed begins with a fresh one. */
const CUTS = 25
const NAMES = { ext4: 'power cuts on ext4', xfs: 'power cuts on XFS' } as const
/** Every so many seeds, flushes fail instead. */
const FAIL_EVERY = 10

export const POWER: Trial = {
  letter: 'F',
  name: 'power',
  promise:
    '1, 2, 12, 13: what was acknowledged is there after a power cut on a real file system, whole and once',
  restsOn: '1, 2, 6, 7',
  shownBy:
    'ext4 and XFS shut down under load, while opening too, mounted again and compared with an oracle on another disk; an ext4 whose disk refuses to write; `test/real/power-cuts.test.ts`',
  covers: [...REAL_PARTS, 'inspect'],
  whySkipped: () => whyNoPowerCut('ext4') ?? whyNoPowerCut('xfs'),
  seed: runSeed,
}

/** One disk, from its making on. */
async function runSeed(lab: Lab, seed: number): Promise<void> {
  const workload = seed % 4 < 2 ? 'log' : 'store'
  try {
    if (seed % FAIL_EVERY === 0) {
      note(lab, await failFlush(workload))
      lab.count('disks that refused to write')
      return
    }
    const kind = seed % 2 === 0 ? 'ext4' : 'xfs'
    const survived = await cutPower(kind, workload, seed, CUTS, {
      isOver: () => lab.isOver(),
      look: (directory) => readTwice(lab, directory),
    })
    note(lab, survived)
    lab.count(NAMES[kind], survived.cuts)
  } finally {
    await killChildren()
  }
}

function note(lab: Lab, { acknowledged, failures }: Survived): void {
  lab.count('acknowledged on real disks', acknowledged)
  lab.count('refused with a typed error', failures)
}
