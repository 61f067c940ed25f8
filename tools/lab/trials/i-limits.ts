/**
 * Full disks and other limits (I): each seed fills one small disk with a log or a store, frees it and goes on, with
 * kills in between, and runs a writer below a file size and one without descriptors. Disks need Linux, root and
 * mount(8); without them the limits of processes are tried all the same. Writes below the temporary directory.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from '../../../src/system/simulated/random.ts'
import { killChildren } from '../../../test/real/children.ts'
import { controlsOnFullDisk } from '../../../test/real/full-disk-control.ts'
import { fillWithLog, fillWithStore } from '../../../test/real/full-disks.ts'
import {
  belowAnySegment,
  belowFileSize,
  FILE_BLOCKS,
  whyNoLimits,
  withoutDescriptors,
} from '../../../test/real/limits.ts'
import { disksAvailable, withDisk } from '../../../test/real/small-disk.ts'
import { readTwice } from '../second-reader.ts'
import { type Lab, REAL_PARTS, type Trial } from '../trial.ts'

/** Lives on one disk; then the next seed begins with a fresh one. */
const ROUNDS = 6
/** Below a file size, and without descriptors. */
const MESSAGES = [200, 1_200] as const
const REFUSALS_MAX = 20
/** Descriptors that are left to a process. */
const LEFT_MAX = 4

let kinds: ReturnType<typeof disksAvailable> | undefined

export const LIMITS: Trial = {
  letter: 'I',
  name: 'limits',
  promise:
    '1, 3, 13, 14: a full disk, a file size or descriptors at their limit refuse messages and lose none; acknowledging goes on, and so does everything once there is space',
  restsOn: 'not copy-on-write',
  shownBy:
    'a real disk of 12 MB that a log or a store fills, with kills, discards and acknowledgements while it is full, and freed; `ulimit -f` (EFBIG) and `ulimit -n` (EMFILE); `test/real/disk-full.test.ts`, `test/real/disk-full-control.test.ts`, `test/real/process-limits.test.ts`',
  covers: [...REAL_PARTS, 'inspect'],
  whySkipped: whyNoLimits,
  seed: runSeed,
}

async function runSeed(lab: Lab, seed: number): Promise<void> {
  const random = new Random(seed)
  // Tells aloud what cannot be had here.
  kinds ??= disksAvailable()
  const [kind] = kinds
  try {
    if (kind !== undefined) await withDisk(kind, (disk) => fill(lab, disk, random, seed))
    await limit(lab, random, seed)
  } finally {
    await killChildren()
  }
}

async function fill(
  lab: Lab,
  disk: Parameters<typeof fillWithLog>[0],
  random: Random,
  seed: number,
): Promise<void> {
  if (seed % 5 === 0) {
    const controls = random.between(50, 400)
    await controlsOnFullDisk(disk, controls)
    await readTwice(lab, join(disk.directory, 'log'))
    lab.count('full disks')
    lab.count('acknowledged at a limit', controls)
    return
  }
  const fillOne = seed % 2 === 0 ? fillWithStore : fillWithLog
  const { fulls, kills, acknowledged } = await fillOne(disk, random, ROUNDS, () => lab.isOver())
  await readTwice(lab, join(disk.directory, fillOne === fillWithStore ? 'store' : 'log'))
  lab.count('full disks', fulls)
  lab.count('SIGKILLs on a full disk', kills)
  lab.count('acknowledged at a limit', acknowledged)
}

async function limit(lab: Lab, random: Random, seed: number): Promise<void> {
  const room = mkdtempSync(join(tmpdir(), 'qlog-lab-'))
  const messages = random.between(...MESSAGES)
  try {
    const some = random.between(...FILE_BLOCKS.someSegments)
    const count = await belowFileSize(join(room, 'some'), some, messages, seed)
    const none = random.between(...FILE_BLOCKS.noSegment)
    await belowAnySegment(join(room, 'none'), none, random.between(1, REFUSALS_MAX), seed)
    lab.count('file limits', 2)
    const left = random.between(0, LEFT_MAX)
    const starved = await withoutDescriptors(join(room, 'starved'), left, messages, seed)
    lab.count('descriptor limits')
    for (const name of ['some', 'none', 'starved']) await readTwice(lab, join(room, name))
    lab.count('acknowledged at a limit', count + starved)
  } finally {
    rmSync(room, { recursive: true, force: true })
  }
}
