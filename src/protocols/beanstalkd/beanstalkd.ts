/**
 * The protocol of beanstalkd over a store: every tube a queue, every job a message, every connection a
 * session. A translation: nothing of its own has to survive.
 */
import { QlogTypeError, type Store } from '../../index.ts'
import { type Client, type Conversation, type Protocol, tokenCheck } from '../../server/index.ts'
import { PutRoom } from '../put-room.ts'
import { Counters } from './counters.ts'
import { laterByTimer } from './ended-tubes.ts'
import { JOB_BYTES_MAX_DEFAULT, JOB_BYTES_MAX_MAX } from './limits.ts'
import { SlotPool } from './pipeline.ts'
import { isOrdinary } from './replies.ts'
import type { Shared } from './shared.ts'
import { Talk } from './talk.ts'
import { Tubes } from './tubes.ts'

export interface BeanstalkdOptions {
  /** A job's body at most, in bytes; 65535 unless told. What the store takes at most bounds it, too. */
  readonly jobBytesMax?: number
  /** Whoever connects has to say `auth <token>` with one of these first. */
  readonly tokens?: readonly string[]
  /** What `stats` says of the version. */
  readonly version?: string
  /** Told of what goes wrong beyond a client's affair; a warning of the process unless it is given. */
  readonly onError?: (error: Error) => void
  /** The wall clock by which the age of jobs is told: that of the store. For tests. */
  readonly nowMs?: () => number
  /** Calls back after so long, and keeps no process alive: `setTimeout`. For tests. */
  readonly after?: (delayMs: number, callback: () => void) => void
}

export interface BeanstalkdProtocol extends Protocol {
  /** From now on every put is answered with DRAINING. */
  drain(): void
}

/** Serves `store` in the language of beanstalkd 1.12. Throws QLOG_INVALID_ARGUMENT. */
export function beanstalkd(store: Store, options: BeanstalkdOptions = {}): BeanstalkdProtocol {
  const { jobBytesMax = JOB_BYTES_MAX_DEFAULT, version = 'qlog', onError = warn } = options
  const { after = laterByTimer, nowMs = Date.now, tokens } = options
  if (!Number.isInteger(jobBytesMax) || jobBytesMax < 0 || jobBytesMax > JOB_BYTES_MAX_MAX) {
    throw new QlogTypeError(`jobBytesMax must be a whole number from 0 to ${JOB_BYTES_MAX_MAX}`)
  }
  const report = (error: unknown): void => onError(asError(error))
  const shared: Shared = {
    store,
    tubes: new Tubes(
      store,
      (error) => {
        if (!isOrdinary(error)) report(error)
      },
      after,
    ),
    counters: new Counters(),
    slots: new SlotPool(),
    puts: new PutRoom(),
    jobBytesMax,
    isToken: tokens === undefined ? undefined : tokenCheck(tokens),
    isDraining: false,
    id: randomId(),
    version,
    startedMs: performance.now(),
    nowMs,
    report,
  }
  return {
    name: 'beanstalkd',
    converse: (client: Client): Conversation => new Talk(shared, client),
    drain: () => {
      shared.isDraining = true
    },
  }
}

function randomId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex')
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

function warn(error: Error): void {
  process.emitWarning(error)
}
