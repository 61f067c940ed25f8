/**
 * What a power cut may leave, not by chance but one state after the other: the ways in which ALICE (OSDI
 * 2014) breaks programs. Of what is pending, in the order in which it was done:
 *
 *     prefix     the first k changes arrived
 *     omit one   all but one arrived
 *     split      those in front of one arrived, and of it the first sectors, or the last ones
 *     hole       all others arrived, and of one only the first sectors
 *     apart      all names and no data; all data and no name; names and sizes, but no data
 */
import { createHash } from 'node:crypto'
import {
  type PendingChange,
  type PowerCutPlan,
  SimulatedDisk,
} from '../../src/system/simulated/disk.ts'
import type { KeptPart } from '../../src/system/simulated/file-content.ts'

const SECTOR_BYTES = 512

export interface CrashState {
  readonly name: string
  readonly plan: PowerCutPlan
}

const NOTHING: KeptPart = { from: 0, to: 0, size: false }

/** A disk for each state that a power cut may leave of this one; those that hold the same come once. */
export function* powerlessDisks(
  disk: SimulatedDisk,
): Iterable<{ readonly name: string; readonly disk: SimulatedDisk }> {
  const snapshot = disk.snapshot()
  const seen = new Set<string>()
  for (const { name, plan } of crashStates(disk.pendingChanges())) {
    const left = new SimulatedDisk(snapshot)
    left.powerCutKeeping(plan)
    const hash = createHash('sha1')
    for (const [path, bytes] of left.tree()) hash.update(`${path} ${bytes.length} `).update(bytes)
    const sign = hash.digest('base64')
    if (seen.has(sign)) continue
    seen.add(sign)
    yield { name, disk: left }
  }
}

export function* crashStates(pending: readonly PendingChange[]): Iterable<CrashState> {
  const rows = new Map(pending.map(({ serial }, row) => [serial, row]))
  const rowOf = (serial: number): number => rows.get(serial) ?? Number.POSITIVE_INFINITY
  const whole = (name: string, keeps: (row: number) => boolean): CrashState => ({
    name,
    plan: {
      keepsName: (serial) => keeps(rowOf(serial)),
      keptPart: (serial, byteCount) =>
        keeps(rowOf(serial)) ? { from: 0, to: byteCount, size: true } : NOTHING,
    },
  })
  const { length } = pending
  for (let count = 0; count <= length; count += 1) {
    yield whole(`the first ${count} of ${length} changes`, (row) => row < count)
  }
  for (let out = 0; out < length - 1; out += 1) {
    yield whole(`all but change ${out} of ${length}`, (row) => row !== out)
  }
  for (const [at, { write }] of pending.entries()) {
    if (write === undefined) continue
    for (const cut of cutsOf(write)) {
      const { byteLength } = write.bytes
      const what = `of change ${at} of ${length}`
      const head = { from: 0, to: cut, size: false }
      const tail = { from: cut, to: byteLength, size: true }
      yield split(`the first ${cut} bytes ${what}`, rowOf, at, head, (row) => row < at)
      yield split(`the bytes from ${cut} on ${what}`, rowOf, at, tail, (row) => row < at)
      if (at === length - 1) continue
      const others = (row: number): boolean => row !== at
      yield split(`the first ${cut} bytes ${what}, and the rest`, rowOf, at, head, others)
    }
  }
  yield* apart(length)
}

function split(
  name: string,
  rowOf: (serial: number) => number,
  at: number,
  part: KeptPart,
  keeps: (row: number) => boolean,
): CrashState {
  return {
    name,
    plan: {
      keepsName: (serial) => keeps(rowOf(serial)),
      keptPart: (serial, byteCount) => {
        const row = rowOf(serial)
        if (row === at) return part
        return keeps(row) ? { from: 0, to: byteCount, size: true } : NOTHING
      },
    },
  }
}

function* apart(length: number): Iterable<CrashState> {
  if (length < 2) return
  const all = (_serial: number, byteCount: number): KeptPart => ({
    from: 0,
    to: byteCount,
    size: true,
  })
  const none = (): KeptPart => NOTHING
  const sizes = (): KeptPart => ({ from: 0, to: 0, size: true })
  yield { name: 'all data and no name', plan: { keepsName: () => false, keptPart: all } }
  yield { name: 'all names and no data', plan: { keepsName: () => true, keptPart: none } }
  yield { name: 'names and sizes, no data', plan: { keepsName: () => true, keptPart: sizes } }
}

/** Where sectors end within the write; of a write of zeros alone only some, since they look alike. */
function cutsOf({ position, bytes }: { position: number; bytes: Uint8Array }): number[] {
  const cuts: number[] = []
  const first = SECTOR_BYTES - (position % SECTOR_BYTES)
  for (let at = first; at < bytes.byteLength; at += SECTOR_BYTES) cuts.push(at)
  if (cuts.length < 4 || bytes.some((byte) => byte !== 0)) return cuts
  return [...new Set([cuts[0] ?? 0, cuts[cuts.length >> 1] ?? 0, cuts.at(-1) ?? 0])]
}
