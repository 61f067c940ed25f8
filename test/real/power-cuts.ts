/**
 * Power cuts on a real file system (1, 2, 12): a process writes, the file system below it is shut down as a
 * power cut leaves it, mounted again and compared with what the process said was durable, over and over on one
 * disk. Also the flush that really fails: an image on a full tmpfs.
 */
import { Random } from '../../src/system/simulated/random.ts'
import { endWithin, kill, type Running, startHushed } from './children.ts'
import { hearAll } from './heard.ts'
import { type Disk, LogOracle } from './log-oracle.ts'
import { LoopDisk, type LoopKind, XFS_BYTES_MIN } from './loop-disk.ts'
import { mountedMemory, SmallDisk } from './small-disk.ts'
import { StoreOracle } from './store-oracle.ts'
import { verifySound } from './verify-sound.ts'

const MIB = 1024 * 1024
const EXT4_BYTES = 128 * MIB
/** So long a process may go on after its disk is gone. */
const END_MS_MAX = 30_000
const LIFE_MS_MAX = 150
/** Processes that are cut off while they open, and by the flushed journal, and those that end by themselves. */
const OPENING_SHARE = 0.15
const JOURNAL_SHARE = 0.2
const ENDING_SHARE = 0.5

export type Workload = 'log' | 'store'

/** What came of it. */
export interface Survived {
  cuts: number
  acknowledged: number
  /** Appends and other calls that were refused, each with a typed error. */
  failures: number
}

export interface CutOptions {
  /** It ends early then. */
  readonly isOver?: () => boolean
  /** Is shown the directory once the last cut is survived. */
  readonly look?: (directory: string) => Promise<void>
}

/** Robs one disk of its power so often. */
export async function cutPower(
  kind: LoopKind,
  workload: Workload,
  seed: number,
  cuts: number,
  { isOver = () => false, look }: CutOptions = {},
): Promise<Survived> {
  const disk = new LoopDisk(kind, kind === 'xfs' ? XFS_BYTES_MIN : EXT4_BYTES)
  const random = new Random(seed)
  const directory = `${disk.directory}/queue`
  const judge = workload === 'log' ? new LogJudge(directory, 'goes') : new StoreJudge(directory)
  let next = judge.start(1)
  let round = 1
  try {
    for (; round <= cuts && !isOver(); round += 1) {
      const process = next
      const heard = hearAll(process, (line) => judge.hear(round, line))
      process.child.stdin.write('go\n')
      // The next one gets ready meanwhile: most of a process's life here is its start.
      next = judge.start(round + 1)
      if (!random.chance(OPENING_SHARE)) await heard.untilOpen()
      await pause(random.between(0, LIFE_MS_MAX))
      judge.beforeCut()
      disk.cutPower(random.chance(JOURNAL_SHARE))
      await end(process, random)
      await heard.all
      disk.remount()
      await judge.verify(round)
    }
    await judge.finish(round - 1, next)
    await look?.(directory)
    return { cuts: round - 1, acknowledged: judge.acknowledged, failures: judge.failures }
  } catch (error) {
    throw new Error(`${kind}, ${workload}, cut ${round} of seed ${seed}`, { cause: error })
  } finally {
    await kill(next.child)
    disk.dispose()
  }
}

/**
 * The disk below the image becomes full: writes that the file system took fail on their way down. The log must
 * stop, and what it had acknowledged be there after all is well again. With ext4 alone: XFS writes what it can and then
 * more, and a loop device says of a request that its tmpfs took half of that all was written.
 */
export async function failFlush(workload: Workload): Promise<Survived> {
  const memory = mountedMemory(MEMORY_BYTES)
  try {
    const disk = new LoopDisk('ext4', EXT4_BYTES, memory.directory)
    const directory = `${disk.directory}/queue`
    const judge = workload === 'log' ? new LogJudge(directory, 'fills') : new StoreJudge(directory)
    const first = judge.start(1)
    let second: Running | undefined
    try {
      const heard = hearAll(first, (line) => judge.hear(1, line))
      first.child.stdin.write('go\n')
      await heard.untilOpen()
      await pause(FILLED_AFTER_MS)
      // Somebody else's file takes all that is left, so that a request is refused as a whole.
      new SmallDisk(memory.directory).addBallast(Number.POSITIVE_INFINITY)
      await endWithin(first, FILL_MS_MAX)
      await heard.all
      if (judge.failures === 0) throw new Error('the disk was full, and nothing failed')
      disk.unmount()
      memory.resize(2 * EXT4_BYTES)
      disk.mount()
      await judge.verify(1)
      second = judge.start(2)
      await judge.finish(1, second)
      return { cuts: 0, acknowledged: judge.acknowledged, failures: judge.failures }
    } finally {
      await kill(first.child)
      if (second !== undefined) await kill(second.child)
      disk.dispose()
    }
  } finally {
    memory.dispose()
  }
}

/** What mkfs.ext4 writes, and room to begin. */
const MEMORY_BYTES = 24 * MIB
/** Long enough to be in the middle of it. */
const FILLED_AFTER_MS = 300
const FILL_MS_MAX = 60_000

/** What stands between a process and its oracle. */
interface Judge {
  readonly acknowledged: number
  readonly failures: number
  start(round: number): Running
  hear(round: number, line: string): void
  /** What a process says from now on, its disk does not give it any more. */
  beforeCut(): void
  /** Looks at the disk, with no process on it. */
  verify(round: number): Promise<void>
  /** All of it once more, with the help of the process that was to be next. */
  finish(rounds: number, next: Running): Promise<void>
}

class LogJudge implements Judge {
  readonly #directory: string
  readonly #oracle: LogOracle

  constructor(directory: string, disk: Disk) {
    this.#directory = directory
    this.#oracle = new LogOracle(disk)
  }

  get acknowledged(): number {
    return this.#oracle.acknowledged.size
  }

  get failures(): number {
    return this.#oracle.failures
  }

  start(round: number): Running {
    return startHushed('producer.mjs', this.#directory, String(round))
  }

  hear(round: number, line: string): void {
    this.#oracle.hear(round, line)
  }

  beforeCut(): void {
    // A producer reads nothing.
  }

  async verify(round: number): Promise<void> {
    // A directory that was made a moment before the cut need not be there.
    if (this.acknowledged === 0) return
    await verifySound(this.#directory)
    await this.#oracle.verify(this.#directory, round)
  }

  async finish(rounds: number, next: Running): Promise<void> {
    const heard = hearAll(next, (line) => this.hear(rounds + 1, line))
    next.child.stdin.write('go\n')
    await heard.untilOpen()
    await kill(next.child)
    await heard.all
    await this.verify(rounds + 1)
  }
}

class StoreJudge implements Judge {
  readonly #directory: string
  readonly #oracle = new StoreOracle(true)
  #isCut = false

  constructor(directory: string) {
    this.#directory = directory
  }

  get acknowledged(): number {
    return this.#oracle.put.size + this.#oracle.acked.size
  }

  get failures(): number {
    return this.#oracle.failures
  }

  start(round: number): Running {
    return startHushed('store-worker.mjs', this.#directory, String(round))
  }

  hear(_round: number, line: string): void {
    // Bytes that a disk without power does not give are damage to who reads; `verify` tells whether they are.
    if (this.#isCut && line.startsWith('failed QLOG_DAMAGED ')) return
    this.#oracle.hear(line)
  }

  beforeCut(): void {
    this.#isCut = true
  }

  /** The next worker tells what is there. */
  async verify(): Promise<void> {
    this.#isCut = false
    this.#oracle.forget()
    if (this.acknowledged > 0) await verifySound(this.#directory)
  }

  async finish(rounds: number, next: Running): Promise<void> {
    const { all } = hearAll(next, (line) => this.#oracle.hear(line))
    // An input that stays open keeps a process alive.
    next.child.stdin.end('go drain\n')
    const code = await next.ended
    await all
    if (code !== 0) throw new Error(`the last worker ended with ${code}: ${next.complaints()}`)
    this.#oracle.finish(rounds + 1)
  }
}

/** Killed, as by the same cut, or told by its disk. */
async function end(running: Running, random: Random): Promise<void> {
  if (random.chance(ENDING_SHARE)) await endWithin(running, END_MS_MAX)
  else await kill(running.child)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
