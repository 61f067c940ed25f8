/**
 * Why a contender beats qlog where it does, and what to pick instead: written by people, one entry a contender
 * and workload, for every loss of the run that docs/benchmarks.md shows. Data only.
 */

import type { LatencyWorkload, RateWorkload } from './result.ts'

export type LossWorkload =
  | RateWorkload
  | `${LatencyWorkload}-latency`
  | 'backlog-put'
  | 'backlog-take'
  | 'backlog-memory'
  | 'backlog-disk'
  | 'reopen'

/** Workloads that are mostly lost for one reason. */
export type LossClass = 'puts' | 'takes' | 'latency' | 'space' | 'opening'

export const CLASS_OF: Readonly<Record<LossWorkload, LossClass>> = {
  put: 'puts',
  batch: 'puts',
  'backlog-put': 'puts',
  drain: 'takes',
  steady: 'takes',
  'backlog-take': 'takes',
  'put-latency': 'latency',
  'through-latency': 'latency',
  'backlog-memory': 'space',
  'backlog-disk': 'space',
  reopen: 'opening',
}

export interface LossEntry {
  /** Absent where it is not known, which the page then says. No guesses. */
  readonly why?: string
  /** What a user for whom this cell decides should take. */
  readonly instead: string
}

/**
 * By the contender that wins, and the class of the workload: 'lmdb/takes'. Where the reason is that of one
 * workload, by that: 'lmdb/drain'; where it depends on how many go together, are offered or wait, by that too:
 * 'lmdb/put/1'. Where it lies with the one of qlog's that loses, whoever wins: 'qlog-log/put/1'. What says more
 * goes before what says less, and the one that wins before the one that loses.
 */
export type LossKey =
  | `${string}/${LossWorkload | LossClass}`
  | `${string}/${LossWorkload}/${number}`

export type LossEntries = Readonly<Partial<Record<LossKey, LossEntry>>>

const ONE_AT_A_TIME: LossEntry = {
  why: "an answer that is awaited comes through a thread of libuv's pool and back, 33 µs where decision 0012 measured it; a synchronous call has no such way",
  instead:
    '`appendSync`, or a synchronous database, where one message at a time is all there is and the event loop may stand still meanwhile',
}

const SERVER_ONE_AT_A_TIME: LossEntry = {
  why: "each command waits for the way into libuv's pool and back, the write to the socket and about 30 µs of JavaScript (decision 0012); the others are servers in C",
  instead:
    'beanstalkd with `-f0` for one slow client; with many clients or many on their way, this',
}

const WAKING: LossEntry = {
  why: 'whoever is woken by a thread or a socket waits for the scheduler of the machine: nearly all of them have a p99 of 1 to 8 ms here, whatever their medians; a synchronous call waits for nobody',
  instead:
    'a synchronous call, `appendSync` or a database, where a p99 below a millisecond decides and the event loop may stand still',
}

const FEW_SAMPLES: LossEntry = {
  why: 'the rounds overlap, or nearly: at 100 a second one of them has 200 messages, and its p99 is the second worst',
  instead: 'whichever suits otherwise; these figures do not tell them apart',
}

const ZEROED_AHEAD: LossEntry = {
  why: 'the files behind the one in use are made ahead, as large as that, and zeroed, so that no flush has to write the length of a file (decision 0005), and some are kept for a full disk: so much is there from the start, and next to nothing of many messages',
  instead: 'better-sqlite3, lmdb or classic-level where some MiB of disk decide',
}

const SOME_MEMORY: LossEntry = {
  instead: 'any of them: with a million messages and more this takes the least',
}

const READ_AT_OPENING: LossEntry = {
  why: 'after a crash the newest file is read and each of its blocks checked, what may have been cut off is read twice (decision 0013), a new file is begun and flushed, and what came behind the saved state is replayed; a database looks at what it is asked for. How the third of a second divides was not measured',
  instead: 'better-sqlite3 or lmdb where a process is started again for every few messages',
}

export const LOSS_ENTRIES: LossEntries = {
  'qlog-log/put/1': ONE_AT_A_TIME,
  'qlog-store/put/1': ONE_AT_A_TIME,
  'qlog-store/drain/1': ONE_AT_A_TIME,
  'qlog-sync/put/1': {
    why: 'both wait for one flush a message, 78 µs of about 95 in the loop in C of the same run; what either does besides is within the spread of the rounds',
    instead: 'either',
  },
  'qlog-serve/put/1': SERVER_ONE_AT_A_TIME,
  'qlog-serve/drain/1': SERVER_ONE_AT_A_TIME,
  'lmdb/put/10000': {
    why: "garbage collection, 40 % of the time by a profile: what belongs to 10,000 puts lives through one collection of V8's young generation after the other. With `node --max-semi-space-size=64` the same loop was 1.5 times as fast, with 128 1.7 times. About half of it belonged to a wrapper that this comparison put around each promise, and does no longer (decision 0015)",
    instead: 'that option of Node; or `putMany`, which has one promise for all of a batch',
  },
  'lmdb/put/100': {
    why: 'of large messages a log that only grows writes each byte twice, since its files are zeroed before they are used (decision 0005); files that are used again are not zeroed again',
    instead: 'lmdb for large bodies that stay; for a queue that is emptied, this',
  },
  'rabbitmq-classic/put/100': {
    instead: 'either: the rounds overlap',
  },
  'redis-stream-always/drain/1000': {
    why: 'a Redis stream gives a thousand messages for three commands; the protocol of beanstalkd has two for each',
    instead: 'a Redis stream for large takes by one client, or the store embedded',
  },
  'beanstalkd-f0/latency': {
    instead:
      'beanstalkd with `-f0`, up to the few thousand a second that it takes; from 1,000 a second on the rounds overlap',
  },
  'sqlite-full/latency': WAKING,
  'sqlite-grouped/latency': WAKING,
  'classic-level/latency': FEW_SAMPLES,
  'classic-level-grouped/latency': FEW_SAMPLES,
  'lmdb/latency': FEW_SAMPLES,
  'bullmq-always/latency': FEW_SAMPLES,
  'rabbitmq-quorum/latency': FEW_SAMPLES,
  'redis-stream-always/latency': FEW_SAMPLES,
  'sqlite-full/backlog-memory': SOME_MEMORY,
  'sqlite-grouped/backlog-memory': SOME_MEMORY,
  'lmdb/backlog-memory': SOME_MEMORY,
  'redis-stream-always/backlog-memory': SOME_MEMORY,
  'redis-stream-always/space': ZEROED_AHEAD,
  'sqlite-full/space': ZEROED_AHEAD,
  'sqlite-grouped/space': ZEROED_AHEAD,
  'lmdb/space': ZEROED_AHEAD,
  'classic-level/space': ZEROED_AHEAD,
  'classic-level-grouped/space': ZEROED_AHEAD,
  'rabbitmq-classic/space': ZEROED_AHEAD,
  'rabbitmq-quorum/space': ZEROED_AHEAD,
  'sqlite-full/opening': READ_AT_OPENING,
  'sqlite-grouped/opening': READ_AT_OPENING,
  'lmdb/opening': READ_AT_OPENING,
  'classic-level/opening': READ_AT_OPENING,
  'classic-level-grouped/opening': READ_AT_OPENING,
  'beanstalkd-f0/opening': READ_AT_OPENING,
  'redis-stream-always/opening': READ_AT_OPENING,
  'bullmq-always/opening': READ_AT_OPENING,
}
