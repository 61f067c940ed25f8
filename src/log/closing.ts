/**
 * The order in which a log on segment files ends: what is under way, then the state, then the files, and
 * the lock last.
 */
import { isSpaceError, QlogError, systemErrorCode } from '../errors.ts'
import type { Clock } from '../system/system.ts'
import type { CheckpointWriter } from './checkpoint-writer.ts'
import type { CommitLoop } from './commit-loop.ts'
import type { Lock } from './lock.ts'
import type { Fetcher } from './read/fetch.ts'
import type { BackgroundScrub } from './scrub/background-scrub.ts'
import type { Snapshots } from './snapshot/snapshots.ts'
import type { Compaction } from './space/compaction.ts'
import type { Retirement } from './space/retirement.ts'
import type { SegmentSupply } from './space/supply.ts'

/** What ends. */
export interface ClosingParts {
  readonly clock: Clock
  readonly directory: string
  readonly lock: Lock
  readonly supply: SegmentSupply
  readonly loop: CommitLoop
  readonly compaction: Compaction
  readonly checkpoints: CheckpointWriter
  readonly fetcher: Fetcher
  readonly retirement: Retirement
  readonly scrub: BackgroundScrub | undefined
  readonly snapshots: Snapshots
  /** Resolves once nothing is left that waits to be appended. */
  readonly waiting: Promise<void> | undefined
  /** Called when nothing will change any more. */
  readonly wakeForGood: () => void
}

/**
 * Ends all of it; what is under way gets so much time. Rejects with QLOG_IO and the codes of the parts,
 * once each of them has had its turn.
 */
export async function closeLog(parts: ClosingParts, timeoutMs: number | undefined): Promise<void> {
  const { clock, directory, lock, supply, loop, compaction, checkpoints, snapshots } = parts
  // Each step is taken whatever became of those before it; the first error is told at the end.
  const errors: unknown[] = []
  const step = async (work: () => Promise<unknown>): Promise<void> => {
    await work().catch((error: unknown) => errors.push(error))
  }
  const finish = async (): Promise<void> => {
    await parts.waiting
    // What is under way may be what makes a merge due.
    await loop.idle()
    // Neither of them asks for a new map behind CLEAN.
    await step(async () => void (await Promise.all([compaction.close(), parts.scrub?.close()])))
    // A segment that comes of age from now on leaves with a later opening.
    parts.retirement.end()
    await loop.finish()
  }
  if (timeoutMs === undefined) await finish()
  else {
    // A merge can be made another time; CLEAN spares the next opening its recovery.
    const cancel = clock.after(timeoutMs / 2, () => compaction.abandon(), true)
    await withinTime(clock, finish(), timeoutMs)
    cancel()
    compaction.abandon()
  }
  // Where the time was over it is waited for behind the end of the loop, which ends it.
  const quiet = step(() => compaction.close())
  const wroteSomething = loop.segment !== undefined && loop.state === 'open'
  await checkpoints.settled()
  await step(() => parts.fetcher.close())
  // It may still be on its way where the time was over.
  await step(async () => parts.scrub?.close())
  await step(() => parts.retirement.close())
  let isOurs = false
  await step(async () => {
    isOurs = await lock.isHeld()
  })
  await step(async () => {
    if (wroteSomething && isOurs && !(await snapshots.saveAtEnd())) await checkpoints.write()
  })
  await step(() => supply.close(isOurs))
  await step(() => loop.dispose())
  await snapshots.settled()
  await quiet
  await compaction.ended()
  // A merge that was committed late has left files to be removed, which is done while the lock is held.
  await step(() => parts.retirement.close())
  parts.wakeForGood()
  // Without space for its last word LOCK goes on naming this owner, whose socket refuses: that is
  // proof of death enough for the next opener.
  await lock.release().catch((error: unknown) => {
    if (!(error instanceof QlogError && isSpaceError(error.cause))) errors.push(error)
  })
  const error = errors[0]
  if (error === undefined) return
  if (systemErrorCode(error) === '' || error instanceof QlogError) throw error
  throw new QlogError('QLOG_IO', `cannot close the log ${directory}`, { cause: error })
}

async function withinTime(clock: Clock, finished: Promise<void>, timeoutMs: number): Promise<void> {
  let cancel: () => void = () => undefined
  const late = new Promise<void>((resolve) => {
    cancel = clock.after(timeoutMs, resolve, true)
  })
  await Promise.race([finished, late])
  cancel()
}
