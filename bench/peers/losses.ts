/**
 * Why a contender beats qlog where it does, and what to pick instead: written by people, for every loss of the run
 * that docs/benchmarks.md shows, and for no other: figures in reasons are of that run. Data only.
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
 * Of cells of one workload: bytes of a message and how many go together or are offered a second, '65536x100', and
 * how many batches are under way where that are several; or how many wait.
 */
export type LossSize = `${number}x${number}` | `${number}x${number}x${number}` | number

/**
 * By the contender that wins, or by the one of qlog's that loses, whoever wins; and by the cell,
 * 'lmdb/put/65536x100', the workload, 'lmdb/drain', or its class, 'lmdb/takes'. What says more about the cell goes
 * before what says less, and of two that say as much the one that wins before the one that loses.
 */
export type LossKey = `${string}/${LossWorkload | LossClass | `${LossWorkload}/${LossSize}`}`

export type LossEntries = Readonly<Partial<Record<LossKey, LossEntry>>>

const ONE_AT_A_TIME: LossEntry = {
  why: "an answer that is awaited comes through a thread of libuv's pool and back, 33 µs where decision 0004 measured it; a synchronous call has no such way",
  instead:
    '`appendSync`, or a synchronous database, where one message at a time is all there is and the event loop may stand still meanwhile',
}

const SERVER_ONE_AT_A_TIME: LossEntry = {
  why: "each command waits for the way into libuv's pool and back, some 40 µs, and for about 60 of its own, with the write to the socket (decision 0012); the others are servers in C",
  instead:
    'beanstalkd with `-f0` for one slow client; with many clients or many on their way, this',
}

const BEANSTALKD: LossEntry = {
  instead: 'beanstalkd with `-f0`, up to the few thousand a second that it takes',
}

/** Of 1,000 a second only: with more the synchronous ones have such figures too. */
const WAKING: LossEntry = {
  why: 'whoever is woken by a thread or a socket waits for the scheduler of the machine. At 1,000 puts a second each that flushes and whose calls are synchronous has a p99 below half a millisecond here, and each other one that flushes one above 1.2 ms',
  instead:
    'a synchronous call, `appendSync` or a database, where a p99 below a millisecond decides and the event loop may stand still',
}

const FEW_SAMPLES: LossEntry = {
  why: 'the rounds overlap: at 100 a second one of them has 200 messages, and its p99 is the second or third worst',
  instead: 'whichever suits otherwise; these figures do not tell them apart',
}

const SERVER_LOOK: LossEntry = {
  instead:
    'beanstalkd with `-f0`, or a Redis stream, where a server is asked a hundred times a second',
}

const OVERLAP: LossEntry = {
  why: 'the rounds overlap, and tell no difference',
  instead: 'either',
}

const SYNCHRONOUS_DATABASE: LossEntry = {
  instead: 'better-sqlite3, where the event loop may stand still while it flushes',
}

const OWN_FLUSH: LossEntry = {
  why: 'a synchronous put waits for its own flush, and there are no more than 10,100 of these a second here',
  instead: '`openLog`, where a put does not wait for the one before',
}

const ZEROED_AHEAD: LossEntry = {
  why: 'the files behind the one in use are made ahead, as large as that, and zeroed, so that no flush has to write the length of a file (decision 0005), and some are kept for a full disk. With ten thousand messages that is 3 MiB more than a database has, with a hundred thousand 13, with a million 46, with ten million 30',
  instead: 'better-sqlite3, lmdb or classic-level where some tens of MiB decide',
}

const READ_AT_OPENING: LossEntry = {
  why: 'after a crash the newest file is read and each of its blocks checked, what may have been cut off is read twice (decision 0013), a new file is begun and flushed, and what came behind the saved state is replayed; a database looks at what it is asked for. How the tenth to third of a second divides was not measured',
  instead: 'better-sqlite3 or lmdb where a process is started again for every few messages',
}

export const LOSS_ENTRIES: LossEntries = {
  'qlog-log/put/100x1': ONE_AT_A_TIME,
  'qlog-log/put/1024x1': ONE_AT_A_TIME,
  'qlog-store/put/100x1': ONE_AT_A_TIME,
  'qlog-store/put/1024x1': ONE_AT_A_TIME,
  'qlog-store/drain/100x1': ONE_AT_A_TIME,
  'qlog-serve/put/100x1': SERVER_ONE_AT_A_TIME,
  'qlog-serve/put/1024x1': SERVER_ONE_AT_A_TIME,
  'qlog-serve/drain/100x1': SERVER_ONE_AT_A_TIME,
  'bullmq-always/drain/100x1': OVERLAP,
  'qlog-serve/put/65536x1': {
    instead: 'beanstalkd with `-f0` for one slow client',
  },
  'qlog-store/put/1024x10000': OVERLAP,
  'lmdb/put/65536x100': {
    why: 'of large messages a log that only grows writes each byte twice, since its files are zeroed before they are used (decision 0005); files that are used again are not zeroed again',
    instead: 'lmdb for large bodies that stay; for a queue that is emptied, this',
  },
  'rabbitmq-classic/put/65536x100': OVERLAP,
  'rabbitmq-quorum/put/65536x100': OVERLAP,
  'redis-stream-always/drain/1024x1000': {
    instead: 'a Redis stream for large takes by one client, or the store embedded',
  },
  'qlog-store/drain/65536x10': {
    why: 'no one thing, by a profile (decision 0015): the main thread has garbage collection for 12 to 26 % of the time, handing reads to the pool 12 to 15, checksums 5 to 10, copying out of what was read ahead 6 to 8, and waits for a fifth. Takes of 10 go on where another taker stopped, and much of what each reads ahead is for another',
    instead: 'better-sqlite3 where large bodies are taken a few at a time',
  },
  'qlog-serve/drain/65536x10': {
    instead: 'beanstalkd with `-f0` or a Redis stream for large bodies, or the store embedded',
  },
  'qlog-store/steady/1024x100': OVERLAP,
  'qlog-serve/steady/1024x100': OVERLAP,
  'beanstalkd-f0/put-latency/100x100': BEANSTALKD,
  'beanstalkd-f0/through-latency/100x100': BEANSTALKD,
  'sqlite-full/put-latency/100x100': SYNCHRONOUS_DATABASE,
  'qlog-log/put-latency/100x100': FEW_SAMPLES,
  'qlog-sync/put-latency/100x100': FEW_SAMPLES,
  'qlog-store/put-latency/100x100': FEW_SAMPLES,
  'qlog-serve/put-latency/100x100': SERVER_LOOK,
  'qlog-store/through-latency/100x100': FEW_SAMPLES,
  'qlog-serve/through-latency/100x100': FEW_SAMPLES,
  'qlog-log/put-latency/100x1000': WAKING,
  'qlog-store/put-latency/100x1000': WAKING,
  'qlog-serve/put-latency/100x1000': OVERLAP,
  'qlog-log/put-latency/100x10000': {
    why: 'its three rounds had a p99 of 2.6, 1.1 and 17.5 ms, the last of which stood still several times; at ten times the rate none had more than 4.2. What stood still was not found',
    instead: 'better-sqlite3, where the event loop may stand still while it flushes',
  },
  'qlog-store/put-latency/100x10000': SYNCHRONOUS_DATABASE,
  'qlog-serve/put-latency/100x10000': OVERLAP,
  'qlog-sync/put-latency': OWN_FLUSH,
  'qlog-log/put-latency/100x100000': SYNCHRONOUS_DATABASE,
  'qlog-store/put-latency/100x100000': SYNCHRONOUS_DATABASE,
  'qlog-log/put-latency/100x400000': OVERLAP,
  'qlog-store/put-latency/100x400000': OVERLAP,
  'qlog-store/through-latency/100x1000': SYNCHRONOUS_DATABASE,
  'qlog-serve/through-latency/100x1000': OVERLAP,
  'qlog-store/through-latency/100x10000': SYNCHRONOUS_DATABASE,
  'qlog-serve/through-latency/100x10000': OVERLAP,
  'qlog-store/through-latency/100x100000': SYNCHRONOUS_DATABASE,
  'redis-stream-always/backlog-memory/100000': {
    instead: 'a Redis stream, as long as no more than a hundred thousand wait',
  },
  'qlog-store/backlog-disk': ZEROED_AHEAD,
  'qlog-serve/backlog-disk': ZEROED_AHEAD,
  'qlog-store/reopen': READ_AT_OPENING,
  'qlog-serve/reopen': READ_AT_OPENING,
}
