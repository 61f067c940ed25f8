/** Logs in memory that each break one line of the contract, for finding out whether the suite notices. */
import { QlogError } from '../../src/errors.ts'
import type {
  Batch,
  Encodable,
  Entry,
  EntryRange,
  LogOwner,
  PartToSave,
  Snapshot,
  Ticket,
} from '../../src/log/seam.ts'
import type { WrongLog } from './wrong-fixture.ts'

export const WRONG_LOGS: Readonly<Record<string, WrongLog>> = {
  'two batches of one turn change places': {
    failing: '1: ',
    log: (log) => {
      let held: Batch | undefined
      return {
        append: (batch) => {
          // Of two appends the first is held back and goes behind the second.
          if (!held) {
            held = batch
            queueMicrotask(() => {
              if (held) log.append(held)
              held = undefined
            })
            return 1
          }
          const [first, second] = [held, batch]
          held = undefined
          log.append(second)
          return log.append(first)
        },
      }
    },
  },
  'an acknowledgement comes before it is durable': {
    failing: '1: a crash',
    slow: true,
    owner: (owner) => ({ ...bound(owner), committed: () => undefined }),
    log: (log, owner) => ({
      append: (batch) => {
        const ticket = log.append(batch)
        queueMicrotask(() => owner.committed(ticket, 1_000_000 + ticket, 1))
        return ticket
      },
    }),
  },
  'a batch is split into its records': {
    failing: '2: ',
    log: (log) => ({
      append: (batch) => {
        for (const message of batch.messages) log.append({ messages: [message], control: [] })
        return log.append({ messages: [], control: [...batch.control, text('end')] })
      },
    }),
  },
  'control records lie apart from their messages': {
    failing: '2: ',
    log: (log) => ({
      append: (batch) => {
        if (batch.messages.length === 0 || batch.control.length === 0) return log.append(batch)
        log.append({ messages: batch.messages, control: [] })
        return log.append({ messages: [], control: batch.control })
      },
    }),
  },
  'something commits after failed': {
    failing: '3: after failed',
    slow: true,
    owner: (owner) => ({
      ...bound(owner),
      failed: (from, outcome, cause) => {
        owner.failed(from, outcome, cause)
        owner.committed(from, 1_000_000, Number.MAX_SAFE_INTEGER)
      },
    }),
    log: () => ({}),
  },
  'a failed log takes appends': {
    failing: '3: after failed',
    slow: true,
    log: (log) => {
      let last: Ticket = 0
      return {
        append: (batch) => {
          try {
            last = log.append(batch)
          } catch (error) {
            if (!(error instanceof Error && 'code' in error && error.code === 'QLOG_FAILED')) {
              throw error
            }
            last += 1
          }
          return last
        },
      }
    },
  },
  'a fenced writer is told committed': {
    failing: '4: a writer that was taken over',
    log: (log, owner) => {
      let ticket: Ticket = 0
      return {
        append: (batch) => {
          try {
            ticket = log.append(batch)
          } catch (error) {
            if (!isFenced(error)) throw error
            ticket += 1
            const upTo = ticket
            queueMicrotask(() => owner.committed(upTo, 1_000_000 + upTo, Number.MAX_SAFE_INTEGER))
          }
          return ticket
        },
      }
    },
  },
  'epochs are all the same': {
    failing: '4: every opening',
    log: () => ({ epoch: 1 }),
  },
  'what was discarded is fetched': {
    failing: '5: what was discarded',
    log: () => ({ discard: () => undefined }),
  },
  'a discard takes the message behind it too': {
    failing: '5: ',
    log: (log) => ({
      discard: (ids) => log.discard(Array.from(ids, ([first, last]) => [first, last + 1])),
    }),
  },
  'a snapshot is there without its last parts': {
    failing: '6: a snapshot whose parts come to no end',
    log: (log) => ({
      saveSnapshot: async (parts, options) => {
        let problem: unknown
        const cut = async function* (): AsyncGenerator<PartToSave> {
          try {
            yield* parts
          } catch (error) {
            problem = error
          }
        }
        await log.saveSnapshot(cut(), options)
        if (problem !== undefined) throw problem
      },
    }),
  },
  'parts stand for an older LSN than they were saved for': {
    failing: '6: snapshot and the entries behind',
    log: (log) => ({
      snapshot: async (): Promise<Snapshot | undefined> => {
        const snapshot = await log.snapshot()
        if (!snapshot) return undefined
        const parts = Array.from(snapshot.parts, ([name, { at, read }]) => {
          return [name, { at: Math.max(0, at - 1), read }] as const
        })
        return { parts: new Map(parts) }
      },
    }),
  },
  'control records go before a snapshot covers them': {
    failing: '6: snapshot and the entries behind',
    log: (log) => ({
      read: (range: EntryRange) =>
        log.read({ ...range, after: range.after === 0 ? 0 : range.after + 1 }),
    }),
  },
  'messages that were moved are read twice': {
    failing: '7: ',
    log: (log) => ({
      read: (range: EntryRange) => {
        const again = async function* (): AsyncGenerator<readonly Entry[]> {
          for await (const step of log.read(range)) {
            const last = step.at(-1)
            yield last && last.ids.length > 0 ? [...step, last] : step
          }
        }
        return again()
      },
    }),
  },
  'a full log takes no control records either': {
    failing: '8: ',
    slow: true,
    log: (log) => {
      let isFull = false
      return {
        append: (batch) => {
          try {
            if (isFull) log.append({ messages: [text('x')], control: [] })
            return log.append(batch)
          } catch (error) {
            isFull = true
            throw error
          }
        },
      }
    },
  },
  'read shows what is not durable': {
    failing: '9: ',
    slow: true,
    log: (log) => {
      const waiting: Entry[] = []
      return {
        append: (batch) => {
          const ids = batch.messages.map((_, row) => log.nextId + row)
          const ticket = log.append(batch)
          const lsn = log.durableLsn + 1_000
          const messages = batch.messages.map(bytesOf)
          const control = batch.control.map(bytesOf)
          waiting.push({ lsn, epoch: log.epoch, timeMs: 1, ids, messages, control })
          return ticket
        },
        read: (range: EntryRange) => {
          const all = async function* (): AsyncGenerator<readonly Entry[]> {
            for (const entry of waiting.splice(0)) yield [entry]
            yield* log.read(range)
          }
          return all()
        },
      }
    },
  },
  'durableLsn runs ahead': {
    failing: '9: ',
    slow: true,
    log: (log) => {
      let ahead = 0
      return {
        append: (batch) => {
          ahead += 1
          return log.append(batch)
        },
        get durableLsn() {
          return log.durableLsn + ahead
        },
      }
    },
  },
  'bytes are taken after the call': {
    failing: '10: bytes are taken',
    log: (log, _owner, { clock }) => {
      let ticket: Ticket = 0
      return {
        append: (batch) => {
          clock.after(1, () => log.append(batch))
          ticket += 1
          return ticket
        },
      }
    },
  },
  'an encoder that throws leaves what came before it': {
    failing: '10: where an encoder throws',
    log: (log) => ({
      append: (batch) => {
        try {
          return log.append(batch)
        } catch (error) {
          if (error instanceof RangeError) log.append({ messages: [text('first')], control: [] })
          throw error
        }
      },
    }),
  },
  'bodies change when they are discarded': {
    failing: '10: what was fetched',
    log: (log) => {
      const given: Uint8Array[] = []
      return {
        fetch: async (ids, options) => {
          const bodies = await log.fetch(ids, options)
          for (const body of bodies) if (body) given.push(body)
          return bodies
        },
        discard: (ids) => {
          log.discard(ids)
          for (const body of given) body.fill(0)
        },
      }
    },
  },
  'a fetched body is the one that is kept': {
    failing: 'what is done to a fetched body',
    log: (log) => {
      const kept = new Map<number, Uint8Array | undefined>()
      return {
        fetch: async (ids, options) => {
          const bodies = await log.fetch(ids, options)
          return bodies.map((body, row) => {
            const id = ids[row] ?? 0
            if (!kept.has(id)) kept.set(id, body)
            return kept.get(id)
          })
        },
      }
    },
  },
  'nothing is ever busy': {
    failing: 'over inFlightBytesMax',
    log: (log) => ({
      limits: { ...log.limits, inFlightBytesMax: 1_000 },
    }),
  },
  'a batch over the limit is cut': {
    failing: 'QLOG_TOO_LARGE',
    log: (log) => ({
      append: (batch) => {
        try {
          return log.append(batch)
        } catch (error) {
          if (!(error instanceof Error && 'code' in error && error.code === 'QLOG_TOO_LARGE')) {
            throw error
          }
          return log.append({ messages: [text('cut')], control: [] })
        }
      },
    }),
  },
  'close forgets what waits': {
    failing: 'close waits',
    slow: true,
    log: (log) => ({ close: () => log.close({ timeoutMs: 0 }) }),
  },
  'commits are counted in no bucket': {
    failing: '12: every commit',
    log: (log) => ({ figures: () => ({ ...log.figures(), flushCounts: [] }) }),
  },
  'nothing is said to be in flight': {
    failing: '12: bytes are in flight',
    log: (log) => ({ figures: () => ({ ...log.figures(), inFlightBytes: 0 }) }),
  },
  'a closed log has no figures': {
    failing: '12: a closed log',
    log: (log) => {
      let isClosed = false
      return {
        figures: () => {
          if (isClosed) throw new Error('closed')
          return log.figures()
        },
        close: (options) => {
          isClosed = true
          return log.close(options)
        },
      }
    },
  },
  'a log that closes does not stand a discard': {
    failing: 'a discard within the last words',
    log: (log) => {
      let isClosed = false
      return {
        close: (options) => {
          isClosed = true
          return log.close(options)
        },
        discard: (ids) => {
          if (isClosed) throw new QlogError('QLOG_CLOSED', 'the log is closed')
          log.discard(ids)
        },
      }
    },
  },
  'a closed log can be read': {
    failing: 'after close',
    log: (log) => ({
      fetch: async (ids, options) => log.fetch(ids, options).catch(() => []),
    }),
  },
}

function bound(owner: LogOwner): LogOwner {
  return {
    committed: (...word) => owner.committed(...word),
    failed: (...word) => owner.failed(...word),
    refused: (...word) => owner.refused(...word),
    space: (...word) => owner.space(...word),
  }
}

function isFenced(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'QLOG_FENCED'
}

function text(body: string): Encodable {
  const bytes = Buffer.from(body)
  return { byteLength: bytes.length, encodeInto: (target, at) => target.set(bytes, at) }
}

function bytesOf(record: Encodable): Uint8Array {
  const bytes = new Uint8Array(record.byteLength)
  record.encodeInto(bytes, 0)
  return bytes
}
