/**
 * One workload, measured: what the disk takes while it runs, after `compact()`, and after reopening and
 * `compact()` again. Whoever measures judges.
 */
import { type Bound, boundOf, diskUse } from './disk-use.ts'
import type { Ground } from './ground.ts'
import type { Workload } from './workloads.ts'

export interface Measured {
  readonly workload: string
  readonly met: string
  readonly rounds: number
  /** Most bytes of disk while it ran: in the first third, in the second, in the last. */
  readonly peakBytes: readonly [number, number, number]
  readonly compacted: Bound
  /** After closing, opening, and `compact()` as the first thing that this opening does. */
  readonly reopened: Bound
  /** Bytes that merging wrote in the background. */
  readonly rewrittenBytes: number
  readonly storeMessages: number
}

/** Merging waits for its turn, and in a simulated world nothing else takes time. */
const ROUND_MS = 100
/** Samples of the disk: looking at every file takes its time. */
const SAMPLES = 90

export async function measureSpace(
  ground: Ground,
  workload: Workload,
  rounds: number,
): Promise<Measured> {
  await ground.open()
  const work = await workload.begin(ground)
  const peakBytes: [number, number, number] = [0, 0, 0]
  const every = Math.max(1, Math.floor(rounds / SAMPLES))
  for (let round = 0; round < rounds; round++) {
    await work.round()
    await ground.pass(ROUND_MS)
    if (round % every !== 0) continue
    const third = Math.floor((round * 3) / rounds)
    peakBytes[third] = Math.max(peakBytes[third] ?? 0, diskUse(ground.files()).diskBytes)
  }
  const { rewrittenBytes } = ground.log.mergeStats
  await ground.store.compact()
  const compacted = await boundOf(ground, work.live())
  await ground.close()
  await ground.open()
  await ground.store.compact()
  const reopened = await boundOf(ground, work.live())
  const { messages, retained } = ground.store.stats()
  const storeMessages = messages + retained
  await ground.close()
  const { name, met } = workload
  return {
    workload: name,
    met,
    rounds,
    peakBytes,
    compacted,
    reopened,
    rewrittenBytes,
    storeMessages,
  }
}
