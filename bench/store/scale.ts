/** What `bench -- store` measures, how much of it, and how messages are spread over queues. As data. Pure. */

/** Where messages go and what they look like. */
export interface Layout {
  readonly queues: number
  /** So many different ones, drawn at random for each message. */
  readonly priorities: number
  /** Share of the messages that are not due while anything is measured. */
  readonly delayedShare: number
}

export const PLAIN: Layout = { queues: 1, priorities: 1, delayedShare: 0 }
/** The worst mix that the design names; the message buried at the head is added where it is filled. */
export const MIX: Layout = { queues: 20, priorities: 3, delayedShare: 0.1 }

export const MESSAGE_BYTES = 100
/** Messages that wait for their promise at once, put or acknowledged. */
export const IN_FLIGHT = 1000
/** Batches that are under way at once: as in the cases of the log, one more than it writes at once. */
export const BATCHES_IN_FLIGHT = 4
/** Deliveries that one `reserve` asks for where each is acknowledged by itself: two fill what may be in flight. */
export const RESERVE_COUNT = 500

export interface StoreScale {
  readonly pairs: number
  /** Messages of one run where many are in flight, and where each waits for the one before. */
  readonly roundMessages: number
  readonly oneByOneMessages: number
  /** Runs of a case that looks at the clock. */
  readonly clockRuns: number
  /** How long the paced producer runs. */
  readonly latencySeconds: number
  readonly delayedMessages: number
  /** Delays are spread over so long, behind a second in which all are put. */
  readonly delayedSpreadMs: number
  readonly delayedBeginMs: number
  /** Messages that wait while a store is opened and used. */
  readonly waiting: number
  /** Messages put and taken in one run beside them. */
  readonly besideMessages: number
  readonly reopens: number
}

export const STORE_FULL: StoreScale = {
  pairs: 9,
  roundMessages: 100_000,
  oneByOneMessages: 2_000,
  clockRuns: 5,
  latencySeconds: 4,
  delayedMessages: 10_000,
  delayedSpreadMs: 1_000,
  delayedBeginMs: 1_000,
  waiting: 10_000_000,
  besideMessages: 100_000,
  reopens: 3,
}

/** As little as still goes through every line: no figure of it means anything. */
export const STORE_SMOKE: StoreScale = {
  pairs: 1,
  roundMessages: 2_000,
  oneByOneMessages: 20,
  clockRuns: 1,
  latencySeconds: 0.1,
  delayedMessages: 200,
  delayedSpreadMs: 50,
  delayedBeginMs: 100,
  waiting: 3_000,
  besideMessages: 2_000,
  reopens: 1,
}

/** How a run puts or takes its messages. */
export type Way = 'in-flight' | 'iterator' | 'batches' | 'one-by-one'

export interface RateCase {
  readonly kind: 'put' | 'take'
  readonly name: string
  readonly way: Way
  readonly batch: number
  /** Messages a transaction of the peer. */
  readonly peerBatch: number
  /** What the design asks of the ratio to the peer. */
  readonly bar?: number
}

/** A handler for each message, or a loop that awaits each acknowledgement. */
export type WorkWay = 'work' | 'consume'

export interface WorkCase {
  readonly kind: 'work'
  readonly name: string
  readonly way: WorkWay
  readonly concurrency: number
  readonly codec: 'none' | 'json'
  /** Messages a second that the design asks for. */
  readonly bar?: number
}

export interface OtherCase {
  readonly kind: 'priorities' | 'latency' | 'delayed' | 'backlog'
  readonly name: string
  readonly layout: Layout
}

export type StoreCase = RateCase | WorkCase | OtherCase

export const STORE_CASES: readonly StoreCase[] = [
  { kind: 'put', name: 'put-1000-in-flight', way: 'in-flight', batch: 1, peerBatch: 1000 },
  { kind: 'put', name: 'put-many-100', way: 'batches', batch: 100, peerBatch: 100 },
  { kind: 'put', name: 'put-many-1000', way: 'batches', batch: 1000, peerBatch: 1000 },
  {
    kind: 'take',
    name: 'deliver-ack-1000-in-flight',
    way: 'in-flight',
    batch: RESERVE_COUNT,
    peerBatch: 1000,
    bar: 2,
  },
  {
    kind: 'take',
    name: 'deliver-ack-for-await',
    way: 'iterator',
    batch: RESERVE_COUNT,
    peerBatch: 1000,
  },
  { kind: 'take', name: 'deliver-ack-many-1000', way: 'batches', batch: 1000, peerBatch: 1000 },
  { kind: 'take', name: 'deliver-ack-one-by-one', way: 'one-by-one', batch: 1, peerBatch: 1 },
  { kind: 'work', name: 'work-16', way: 'work', concurrency: 16, codec: 'none' },
  { kind: 'work', name: 'work-256', way: 'work', concurrency: 256, codec: 'none', bar: 200_000 },
  { kind: 'work', name: 'work-16-json', way: 'work', concurrency: 16, codec: 'json' },
  { kind: 'work', name: 'work-256-json', way: 'work', concurrency: 256, codec: 'json' },
  { kind: 'work', name: 'consume-ack-awaited', way: 'consume', concurrency: 1, codec: 'none' },
  { kind: 'work', name: 'consume-ack-awaited-json', way: 'consume', concurrency: 1, codec: 'json' },
  { kind: 'priorities', name: 'priorities-3', layout: { ...PLAIN, priorities: 3 } },
  { kind: 'priorities', name: 'priorities-1000', layout: { ...PLAIN, priorities: 1000 } },
  { kind: 'latency', name: 'latency-half-rate', layout: PLAIN },
  { kind: 'delayed', name: 'delayed', layout: PLAIN },
  { kind: 'backlog', name: 'backlog-plain', layout: PLAIN },
  { kind: 'backlog', name: 'backlog-mix', layout: MIX },
]

/** Each kind and each way once: the others go through the same lines. */
const SMOKE_NAMES = [
  'put-1000-in-flight',
  'put-many-100',
  'deliver-ack-1000-in-flight',
  'deliver-ack-for-await',
  'deliver-ack-one-by-one',
  'work-16',
  'work-256-json',
  'consume-ack-awaited',
  'priorities-1000',
  'latency-half-rate',
  'delayed',
  'backlog-mix',
]

export const STORE_SMOKE_CASES: readonly StoreCase[] = STORE_CASES.filter(({ name }) =>
  SMOKE_NAMES.includes(name),
)
