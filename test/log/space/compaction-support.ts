/** What the tests of merging share: filling a log, and what it may take of the disk. */
import { mergedFileBytes } from '../../../src/log/space/merge-plan.ts'
import type { Log, LogReader, Message } from '../../../src/log/types.ts'
import type { Simulation } from '../../../src/system/simulated/simulation.ts'
import { body, LOG } from './support.ts'

export async function all(log: LogReader): Promise<Message[]> {
  const messages: Message[] = []
  for await (const message of log.read()) messages.push(message)
  return messages
}

export async function idsIn(log: LogReader): Promise<number[]> {
  return (await all(log)).map(({ id }) => id)
}

export function textOf(message: Message | undefined): string {
  return new TextDecoder().decode(message?.body)
}

/** Appends `count` messages, one a group, and discards all but every `keep`-th; returns those. */
export async function fill(
  log: Log,
  count: number,
  keep: number,
  bytes = 1_000,
): Promise<number[]> {
  const first = log.nextId
  for (let i = 0; i < count; i++) await log.append(body(log.nextId, bytes))
  const live: number[] = []
  for (let id = first; id < log.nextId; id++) {
    if (id % keep === 0) live.push(id)
    else log.discard(id, id + 1)
  }
  return live
}

/** Names of the segment files, without their zeros. */
export function segmentNames({ disk }: Simulation): string[] {
  return disk
    .list(LOG)
    .filter((name) => name.endsWith('.qls'))
    .map((name) => name.replace(/^0+/, '').replace('.qls', ''))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
}

export function diskBytes({ disk }: Simulation): number {
  return [...disk.tree()].reduce((sum, [, bytes]) => sum + bytes.length, 0)
}

/** Invariant 15, for live messages of these sizes. */
export function boundOf(
  { disk }: Simulation,
  liveSizes: readonly number[],
  segmentBytesMax: number,
): number {
  const liveBytes = liveSizes.reduce((sum, bytes) => sum + bytes + 20, 0) * (1 + 48 / 4096)
  const named = (prefix: string): number =>
    [...disk.tree()].reduce(
      (sum, [path, bytes]) => sum + (path.includes(`/${prefix}`) ? bytes.length : 0),
      0,
    )
  return (
    2 * mergedFileBytes(liveBytes) + 4 * segmentBytesMax + named('reserve-') + 2 * named('index.a')
  )
}

/** A body that shrinks to about half. */
export function hexBody(number: number, bytes: number): string {
  let text = `${number}:`
  for (let i = number; text.length < bytes; i++) {
    text += (Math.imul(i, 0x9e37_79b1) >>> 0).toString(16)
  }
  return text.slice(0, bytes)
}
