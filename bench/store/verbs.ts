/** What a process of the benchmark can be told to do, and what it answers. Types only. */

import type { Latencies, Quantiles } from './clocked.ts'
import type { LoadPlan, LoadTiming } from './loads.ts'
import type { Layout } from './scale.ts'
import type { WorkLoad } from './working.ts'

export interface Space {
  readonly appendedBytes: number
  readonly snapshotBytes: number
}

/** One argument and one answer each; both go through JSON. */
export interface StoreVerbs {
  /** Opens or makes a store, with a session that watches the queues of the layout. */
  open(what: { directory: string; layout: Layout }): Promise<void>
  /** The same, up to the first message; it is given back. */
  openToFirst(what: { directory: string; layout: Layout }): Promise<{
    readonly openSeconds: number
    readonly firstSeconds: number
  }>
  put(plan: LoadPlan & { layout: Layout }): Promise<LoadTiming>
  /** With `inOrder`, the order by priority and id is checked. */
  take(plan: LoadPlan & { inOrder?: boolean }): Promise<LoadTiming>
  work(load: WorkLoad): Promise<{ readonly seconds: number }>
  buryFirst(what: object): Promise<void>
  /** Bytes that live, after garbage was collected: heap and array buffers. */
  memory(what: object): Promise<number>
  space(what: object): Promise<Space>
  through(what: { messages: number }): Promise<number>
  paced(what: { rate: number; messages: number }): Promise<Latencies>
  delayed(what: { messages: number; beginMs: number; spreadMs: number }): Promise<Quantiles>
  close(what: object): Promise<void>
  peerOpen(what: { file: string }): Promise<void>
  peerInsert(plan: { messages: number; batch: number }): Promise<number>
  peerTake(plan: { messages: number; batch: number }): Promise<number>
}
