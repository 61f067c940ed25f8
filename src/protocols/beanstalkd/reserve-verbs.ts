/** reserve, reserve-with-timeout, reserve-job: a job for this connection. */
import { isIdKnown } from './job-verbs.ts'
import { Reply } from './replies.ts'
import { BAD, type Scanner } from './scanner.ts'
import type { Talk } from './talk.ts'

const SECOND_MS = 1_000

export function reserve(talk: Talk, scanner: Scanner, line: Uint8Array): void {
  if (!scanner.isAtEnd) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.reserving.begin(line, Number.POSITIVE_INFINITY, 'reserve')
}

/**
 * Its argument is read as C's strtol does, and kept in 32 bits: what is no number is 0, and what is
 * negative then waits for ever. Clients send `-1` for that.
 */
export function reserveWithTimeout(talk: Talk, scanner: Scanner, line: Uint8Array): void {
  const argument = scanner.loose()
  if (argument === undefined) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  const seconds = Number.isFinite(argument.value) ? argument.value | 0 : -1
  const timeoutMs = seconds < 0 ? Number.POSITIVE_INFINITY : seconds * SECOND_MS
  talk.reserving.begin(line, timeoutMs, 'reserve-with-timeout')
}

/** This very job, whatever its state, unless somebody has it. */
export function reserveJob(talk: Talk, scanner: Scanner): void {
  const id = scanner.lastId()
  if (id === BAD) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.alone(async () => {
    const { session } = talk.watching
    const delivery = isIdKnown(id) ? await session.reserveById(id, { buried: true }) : undefined
    if (delivery === undefined) {
      talk.write(Reply.NOT_FOUND)
      return
    }
    talk.noteWorker()
    talk.held.add(delivery, session.leased)
    talk.writeJob('RESERVED', delivery.id, delivery.body)
  })
}
