/** What the generator is told to do, and what it tells. As data: it crosses between processes. */

export const BODY_BYTES = 100
/** So many different bodies, each beginning with its number. */
export const BODIES = 1000
/** Commands of one connection that wait for their replies at once, where they are pipelined. */
export const PIPELINED = 1000

export type LoadKind =
  /** Puts, each answered before its connection sends the next, or pipelined. */
  | 'put'
  /** A put, a reserve and a delete, the same way. */
  | 'cycle'
  /** So many puts a second, sent when they are due, however late the others are answered. */
  | 'paced'
  /** So many puts, as fast as they go. */
  | 'fill'

export interface Load {
  readonly kind: LoadKind
  readonly port: number
  readonly connections: number
  readonly isPipelined: boolean
  readonly seconds: number
  /** Of `paced`. */
  readonly putsPerSecond: number
  /** Of `fill`. */
  readonly puts: number
  /** Everything is taken again afterwards and compared with what was put. */
  readonly isReadBack: boolean
}

export interface LoadResult {
  /** Puts, or whole cycles, that were answered. */
  readonly count: number
  readonly seconds: number
  /** Of one processor, the generator's. */
  readonly cpuShare: number
  /** Of `paced`, from when a put was due to its reply. */
  readonly p50Ms: number
  readonly p99Ms: number
}

/** All numbers that a load may leave out. */
export const NO_LOAD = {
  connections: 1,
  isPipelined: false,
  seconds: 0,
  putsPerSecond: 0,
  puts: 0,
  isReadBack: true,
} as const
