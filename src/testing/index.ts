/**
 * `qlog/testing`: what tests of things that stand on a log need. A whole simulated machine, logs in
 * memory that crash, fail and fill up by a seed, and the contract of the seam as a suite.
 */

export { MemoryMedium } from '../log/memory/medium.ts'
export {
  type MemoryLogOptions,
  openMemoryLog,
} from '../log/memory/memory-log.ts'
export type { MemorySystem } from '../log/memory/pace.ts'
export type {
  Batch,
  Encodable,
  Entry,
  EntryRange,
  FetchOptions,
  FlushFigures,
  LogFigures,
  LogLimits,
  LogOwner,
  LogSource,
  Lsn,
  MessageId,
  OpenLog,
  OwnedLog,
  PartToSave,
  SavedPart,
  SaveOptions,
  Snapshot,
  Ticket,
} from '../log/seam.ts'
export type { CallKind, Moment } from '../system/simulated/calls.ts'
export type { VirtualClock } from '../system/simulated/clock.ts'
export { SimulatedDisk } from '../system/simulated/disk.ts'
export type { Fault, FaultRule } from '../system/simulated/faults.ts'
export type {
  ProcessOptions,
  ProcessOutcome,
  SimulatedProcess,
} from '../system/simulated/process.ts'
export { Random } from '../system/simulated/random.ts'
export { Report } from '../system/simulated/report.ts'
export {
  type CrashKind,
  Simulation,
  type SimulationOptions,
} from '../system/simulated/simulation.ts'
export type { Clock, System } from '../system/system.ts'
export { FakeClient, type FakeClientOptions, fakeClient } from './fake-client.ts'
export {
  type LogConformance,
  type LogFixture,
  type LogPower,
  logConformance,
  type RegisterTest,
} from './log-suite.ts'
export { openSimulatedStore } from './simulated-store.ts'
export { openSlowLog, SlowLog, type SlowLogOptions } from './slow-log.ts'
export type { Ability, StoreFactory, StoreSuite } from './store-suite/factory.ts'
export { storeConformance } from './store-suite.ts'
