/** What is measured, as data. Pure. */

import type { Workload } from '../src/measure/driver.ts'

export interface AppendCase extends Workload {
  readonly kind: 'append'
  /** Callers of the prototype, which writes one at a time: two, or its groups would be larger. */
  readonly bareCallers: number
}

export interface ReplayCase {
  readonly kind: 'replay'
  readonly name: string
  readonly call: 'batches' | 'for-await' | 'verify'
  readonly messageBytes: number
}

/** Appending in batches while a follower reads along. */
export interface FollowCase {
  readonly kind: 'follow'
  readonly name: string
  readonly messageBytes: number
  readonly append: AppendCase
}

export type Case = AppendCase | ReplayCase | FollowCase

const SIZES = [
  { label: '100B', messageBytes: 100 },
  { label: '1KiB', messageBytes: 1024 },
] as const

const APPENDS = [
  { name: 'appendSync', call: 'sync', batch: 1, callers: 1, bareCallers: 1 },
  { name: 'append-awaited', call: 'one', batch: 1, callers: 1, bareCallers: 1 },
  { name: 'append-1000-in-flight', call: 'one', batch: 1, callers: 1000, bareCallers: 1000 },
  { name: 'appendMany-100', call: 'many', batch: 100, callers: 4, bareCallers: 2 },
  { name: 'appendMany-1000', call: 'many', batch: 1000, callers: 4, bareCallers: 2 },
  { name: 'appendMany-10000', call: 'many', batch: 10_000, callers: 4, bareCallers: 2 },
] as const

const REPLAYS = [
  { name: 'replay-batches', call: 'batches' },
  { name: 'replay-for-await', call: 'for-await' },
  { name: 'verify', call: 'verify' },
] as const

export const CASES: readonly Case[] = SIZES.flatMap(({ label, messageBytes }): Case[] => [
  ...APPENDS.map(({ name, ...how }) => ({
    kind: 'append' as const,
    name: `${name}/${label}`,
    ...how,
    messageBytes,
  })),
  ...REPLAYS.map(({ name, call }) => ({
    kind: 'replay' as const,
    name: `${name}/${label}`,
    call,
    messageBytes,
  })),
  {
    kind: 'follow' as const,
    name: `follow/${label}`,
    messageBytes,
    append: {
      kind: 'append' as const,
      name: `follow/${label}`,
      call: 'many',
      batch: 1000,
      callers: 2,
      bareCallers: 2,
      messageBytes,
    },
  },
])
