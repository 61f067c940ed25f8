/**
 * The format as somebody else reads it (L): a reader in Python, written from the documents alone, beside qlog's own,
 * over what crashes of random schedules and of random lives of stores leave behind and what stands there at their
 * end, and over logs with a file gone, old or misplaced. The trials on real disks show it what they leave, too.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { SimulatedDisk } from '../../../src/system/simulated/disk.ts'
import { Random } from '../../../src/system/simulated/random.ts'
import { Report, type ReportSection } from '../../../src/system/simulated/report.ts'
import { wholeFiles } from '../../../test/damage/damages.ts'
import type { Files } from '../../../test/damage/memory-system.ts'
import { DIRECTORY } from '../../../test/simulation/machine.ts'
import { Schedule } from '../../../test/simulation/schedule.ts'
import { runSchedule } from '../../../test/simulation/schedules.ts'
import { Schedule as StoreSchedule } from '../../../test/store/model/schedule.ts'
import { runWatched } from '../../../test/store/model/schedules.ts'
import { STORE_DIRECTORY } from '../../../test/store/model/worlds.ts'
import { readTwice, whyNoSecondReader } from '../second-reader.ts'
import { type Lab, REAL_PARTS, type Stretch, type Trial } from '../trial.ts'
import { logImages } from './damage.ts'

const SECTOR_BYTES = 512
const OF_THE_LOG = /^(\d+-\d+\.qls|index\.[ab])$/

export const SECOND_READER: Trial = {
  letter: 'L',
  name: 'second-reader',
  promise:
    '17: the documents say all that is needed: a reader that was written from them alone gives the same messages and finds the same damage',
  restsOn: '',
  shownBy:
    '`tools/second-reader` beside `verify` and reading: random schedules of a log and random lives of a store, as a crash and as their end leaves them, that with one file harmed; logs with a file gone, old or misplaced; and what F, H, I and K server leave; `test/tools/second-reader.test.ts`',
  covers: [...REAL_PARTS, 'inspect', '../tools/second-reader'],
  whySkipped: whyNoSecondReader,
  list: damaged,
  seed: runSeed,
}

/** One unit for each damage. */
async function* damaged(lab: Lab): AsyncGenerator<Stretch> {
  for (const { name, image } of await logImages()) {
    const damages = wholeFiles(image)
    yield {
      name: `files gone, old or misplaced, ${name}`,
      units: damages.length,
      run: async (unit) => {
        const make = damages[unit]
        if (make === undefined) throw new Error(`there is no damage ${unit}`)
        const { file, bytes } = make()
        const files = new Map(image.files)
        if (bytes) files.set(file, bytes)
        else files.delete(file)
        await readFiles(lab, files)
      },
    }
  }
}

async function runSeed(lab: Lab, seed: number): Promise<void> {
  const { files, crashed } = seed % 2 === 0 ? await lifeOfLog(seed) : await lifeOfStore(seed)
  if (crashed !== undefined) await readFiles(lab, crashed)
  await readFiles(lab, files)
  harm(files, new Random(seed))
  await readFiles(lab, files)
}

interface Left {
  readonly files: Files
  /** Behind one of its crashes; undefined where it had none. */
  readonly crashed: Files | undefined
}

async function lifeOfLog(seed: number): Promise<Left> {
  const keeper = new CrashKeeper(new Random(seed), DIRECTORY)
  const schedule = new Schedule(seed, keeper)
  const { disk } = schedule.machine.simulation
  keeper.disk = disk
  await runSchedule(seed, keeper, schedule)
  return { files: filesBelow(disk, DIRECTORY), crashed: keeper.left }
}

async function lifeOfStore(seed: number): Promise<Left> {
  const keeper = new CrashKeeper(new Random(seed), STORE_DIRECTORY)
  const schedule = new StoreSchedule({ kind: 'segments', seed, report: keeper })
  const { disk } = schedule.world.simulation
  keeper.disk = disk
  await runWatched(schedule)
  return { files: filesBelow(disk, STORE_DIRECTORY), crashed: keeper.left }
}

/** Keeps what one crash left, each with the same chance, as the first call behind it finds it. */
class CrashKeeper extends Report {
  disk: SimulatedDisk | undefined
  left: Files | undefined
  readonly #random: Random
  readonly #directory: string
  #isBehindCrash = false
  #crashes = 0

  constructor(random: Random, directory: string) {
    super()
    this.#random = random
    this.#directory = directory
  }

  override count(section: ReportSection, name: string): void {
    super.count(section, name)
    if (section === 'crashes') this.#isBehindCrash = true
    if (section !== 'calls' || !this.#isBehindCrash || this.disk === undefined) return
    this.#isBehindCrash = false
    this.#crashes += 1
    if (this.#random.below(this.#crashes) > 0) return
    this.left = filesBelow(this.disk, this.#directory)
  }
}

/** One file of the log, where there is one, loses a bit, a sector or its end, or is gone. */
function harm(files: Files, random: Random): void {
  const names = [...files.keys()].filter((name) => OF_THE_LOG.test(name))
  if (names.length === 0) return
  const name = random.pick(names)
  const bytes = Uint8Array.from(files.get(name) ?? [])
  const at = random.below(bytes.length)
  const sector = at - (at % SECTOR_BYTES)
  const harms = [
    () => files.set(name, bytes.with(at, (bytes[at] ?? 0) ^ (1 << random.below(8)))),
    () => files.set(name, bytes.fill(0, sector, sector + SECTOR_BYTES)),
    () => files.set(name, bytes.subarray(0, at)),
    () => files.delete(name),
  ]
  random.pick(harms)()
}

function filesBelow(disk: SimulatedDisk, directory: string): Files {
  const files: Files = new Map()
  for (const [path, bytes] of disk.tree()) {
    if (path.startsWith(`${directory}/`)) files.set(path.slice(directory.length + 1), bytes)
  }
  return files
}

/** On a real file system, where a program of another language can read them. */
async function readFiles(lab: Lab, files: Files): Promise<void> {
  const room = mkdtempSync(join(tmpdir(), 'qlog-lab-'))
  try {
    for (const [name, bytes] of files) {
      const path = join(room, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, bytes)
    }
    await readTwice(lab, room)
  } finally {
    rmSync(room, { recursive: true, force: true })
  }
}
