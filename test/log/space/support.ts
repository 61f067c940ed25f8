/** A simulated owner of a small log, for the tests of space. */
import { decodeSegmentHeader, isReused } from '../../../src/format/header.ts'
import { SEGMENT_HEADER_BYTES } from '../../../src/format/layout.ts'
import { openSegmentLog } from '../../../src/log/open.ts'
import { checkOptions } from '../../../src/log/options.ts'
import type { Encodable, LogOwner } from '../../../src/log/seam.ts'
import type { SegmentLog } from '../../../src/log/segment-log.ts'
import type { LogOptions } from '../../../src/log/types.ts'
import { portableCrc32 } from '../../../src/system/real/crc.ts'
import type { SimulatedProcess } from '../../../src/system/simulated/process.ts'
import { Simulation, type SimulationOptions } from '../../../src/system/simulated/simulation.ts'
import type { System } from '../../../src/system/system.ts'

export const LOG = '/log'
export const SMALL = { segmentBytesMin: 16_384, segmentBytesMax: 16_384, idleSyncMs: 0 } as const

export async function simulate<T>(
  seed: number,
  body: (owner: SimulatedProcess, simulation: Simulation) => Promise<T>,
  options: Omit<SimulationOptions, 'seed'> = {},
): Promise<T> {
  const simulation = new Simulation({ seed, ...options })
  const owner = simulation.process('owner')
  const outcome = await simulation.run(() => owner.run(() => body(owner, simulation)))
  if (outcome.state !== 'done') throw new Error('the owner died')
  return outcome.value
}

export function passes(system: System, ms: number): Promise<void> {
  return new Promise((resolve) => system.clock.after(ms, resolve, true))
}

export function body(number: number, bytes = 3_000): string {
  return `${number}:`.padEnd(bytes, 'x')
}

export function encodable(text: string): Encodable {
  const bytes = new TextEncoder().encode(text)
  return { byteLength: bytes.length, encodeInto: (target, at) => target.set(bytes, at) }
}

/** Names of the segment files that were made of retired ones. */
export function reusedSegments({ disk }: Simulation): string[] {
  return disk
    .list(LOG)
    .filter((name) => name.endsWith('.qls'))
    .filter((name) => {
      const bytes = disk.readFile(`${LOG}/${name}`).subarray(0, SEGMENT_HEADER_BYTES)
      const decoded = decodeSegmentHeader(bytes, portableCrc32)
      return decoded.kind === 'valid' && isReused(decoded.header)
    })
    .sort()
}

/** What a log told its owner behind the seam. */
export class Owner implements LogOwner {
  committedUpTo = 0
  readonly refusedTickets: number[] = []
  readonly spaces: string[] = []
  failure: Error | undefined

  committed(upTo: number): void {
    this.committedUpTo = upTo
  }

  refused(from: number, upTo: number): void {
    for (let ticket = from; ticket <= upTo; ticket++) this.refusedTickets.push(ticket)
  }

  failed(_from: number, _outcome: string, cause: Error): void {
    this.failure = cause
  }

  space(state: 'ok' | 'full'): void {
    this.spaces.push(state)
  }

  open(system: System, options: LogOptions = SMALL): Promise<SegmentLog> {
    return openSegmentLog(system, LOG, this, checkOptions(options))
  }
}
