/**
 * How long a durable write takes here, measured as the log writes: small overwrites of a file that
 * was filled with zeros and synced before. Touches the one file it is given.
 */
import { QlogError } from '../errors.ts'
import type { FileHandle, System } from '../system/system.ts'
import type { DoctorCheck } from './doctor.ts'

const FLUSHES_MAX = 400
/** A disk that is this slow gets fewer measurements rather than a longer wait. */
const MEASURING_MS_MAX = 8_000
const WRITE_BYTES = 512
const FILE_BYTES = 256 * 1024
/** Between two looks at the clock's turn and the caller's wish to stop. */
const FLUSHES_BETWEEN_PAUSES = 10
/** No drive known confirms a write this fast unless it need not reach the medium. */
const TOO_FAST_P50_US = 20
/** Slower than this, one message at a time feels slow; batches and many in flight do not. */
const SLOW_P50_US = 20_000

export interface FlushProbe {
  readonly system: System
  readonly path: string
  /** No disk below: then nothing is too fast. */
  readonly inMemory: boolean
  readonly signal?: AbortSignal
}

export async function probeFlushes(probe: FlushProbe): Promise<DoctorCheck> {
  const { system, path } = probe
  await makeZeroedFile(system, path)
  const durable = system.files.durableWrites === 'dsync'
  const handle = await system.files.open(path, { mode: 'write', durable })
  try {
    const tookMs = await measure(probe, handle, durable)
    return judgeFlushes(tookMs, probe.inMemory)
  } finally {
    await handle.close()
  }
}

async function makeZeroedFile(system: System, path: string): Promise<void> {
  const handle = await system.files.open(path, { mode: 'create' })
  try {
    const zeros = new Uint8Array(FILE_BYTES)
    let written = 0
    while (written < FILE_BYTES) written += await handle.write(zeros.subarray(written), written)
    await handle.flush()
  } finally {
    await handle.close()
  }
}

/** The synchronous calls, because a hop through the thread pool costs more than a fast flush. */
async function measure(
  probe: FlushProbe,
  handle: FileHandle,
  durable: boolean,
): Promise<readonly number[]> {
  const { clock } = probe.system
  const bytes = new Uint8Array(WRITE_BYTES).fill(0x71)
  const tookMs: number[] = []
  const deadlineMs = clock.monotonicMs() + MEASURING_MS_MAX
  while (tookMs.length < FLUSHES_MAX && clock.monotonicMs() < deadlineMs) {
    const position = (tookMs.length * WRITE_BYTES) % FILE_BYTES
    const startedMs = clock.monotonicMs()
    const taken = handle.writeSync(bytes, position)
    if (!durable) handle.flushSync()
    tookMs.push(clock.monotonicMs() - startedMs)
    if (taken !== WRITE_BYTES) throw new Error(`a write of ${WRITE_BYTES} bytes took only ${taken}`)
    if (tookMs.length % FLUSHES_BETWEEN_PAUSES === 0) await handle.stat()
    if (probe.signal?.aborted === true)
      throw new QlogError('QLOG_ABORTED', 'stopped while measuring')
  }
  return tookMs
}

/** Separate from the measuring, so that every verdict can be tested without such a disk. */
export function judgeFlushes(tookMs: readonly number[], inMemory: boolean): DoctorCheck {
  const sorted = [...tookMs].sort((a, b) => a - b)
  const p50Us = percentile(sorted, 0.5) * 1000
  const p99Us = percentile(sorted, 0.99) * 1000
  const perSecond = Math.round(1e6 / Math.max(p50Us, 0.1))
  const figures = {
    flushes: tookMs.length,
    p50Us: Number(p50Us.toFixed(1)),
    p99Us: Number(p99Us.toFixed(1)),
    perSecond,
  }
  const measured = `Half of the durable writes took up to ${microseconds(p50Us)}, 99 of 100 up to ${microseconds(p99Us)}: ${perSecond} a second one at a time.`
  if (inMemory) {
    return {
      check: 'flush',
      level: 'ok',
      sentence: `${measured} In memory that says nothing.`,
      figures,
    }
  }
  if (p50Us < TOO_FAST_P50_US) {
    const sentence = `${measured} That is too fast to be true for most drives. A drive with power-loss protection (capacitors or a battery) may do it; otherwise something below keeps flushes in a volatile cache, and a power cut loses acknowledged messages. Ask whoever runs the drive or the virtual machine.`
    return { check: 'flush', level: 'note', sentence, figures }
  }
  if (p50Us > SLOW_P50_US) {
    const sentence = `${measured} That is slow: keep many appends in flight or use appendMany(), so that they share a flush.`
    return { check: 'flush', level: 'note', sentence, figures }
  }
  return { check: 'flush', level: 'ok', sentence: measured, figures }
}

function percentile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  if (value === undefined) throw new Error('no durable write could be measured')
  return value
}

function microseconds(us: number): string {
  if (us < 1000) return `${us.toFixed(us < 10 ? 1 : 0)} µs`
  return `${(us / 1000).toFixed(us < 10_000 ? 2 : 1)} ms`
}
