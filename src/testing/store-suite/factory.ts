/** What the store suite needs of whoever runs it: a world that opens stores and moves time. Types only. */

import type { Store, StoreOptions } from '../../store/types/store.ts'
import type { RegisterTest } from '../log-suite.ts'

/** One fresh world: a place for one store, and a clock that only moves when it is told to. */
export interface StoreFactory {
  /** Opens the store of this world, the same one each time; it is closed or crashed before the next. */
  open(options?: StoreOptions): Promise<Store>
  /** Time passes: timers fire as they become due, in their order. */
  advance(ms: number): Promise<void>
  /** The wall clock that the store sees, milliseconds since 1970. */
  nowMs(): number
  /**
   * The process ends without a word, in the middle of whatever is under way. What was acknowledged
   * stays; other work may be there or not. Nothing that the old store promised ever settles.
   */
  crash?(): Promise<void>
  /** Somebody sets the wall clock; timers and the clock since boot don't notice. */
  jumpWallClock?(ms: number): void
  /**
   * Time passes between two openings. Without `sameBoot` the machine also boots anew, which may kill
   * what still runs.
   */
  advanceWhileDown?(ms: number, sameBoot: boolean): Promise<void>
  /** The store's disk takes no more messages, or takes them again. */
  setFull?(full: boolean): void
  /** The next write fails, and with it the log, for good until the store is opened again. */
  failNextWrite?(): void
  /** Drives the world while a test's body runs; the body is simply awaited unless there is this. */
  run?(body: () => Promise<void>): Promise<void>
  dispose(): Promise<void>
}

/** The members of {@link StoreFactory} that a world may lack. */
export type Ability = 'crash' | 'jumpWallClock' | 'advanceWhileDown' | 'setFull' | 'failNextWrite'

export interface StoreSuite {
  /** Stands in front of the names of the tests. */
  readonly name: string
  /** Makes a fresh world; once a test. */
  make(): Promise<StoreFactory>
  /** Those of vitest, node:test and the like. */
  describe(name: string, body: () => void): unknown
  readonly it: RegisterTest
  /** What the worlds lack: tests that need it are left out. */
  readonly without?: readonly Ability[]
}
