/** What beanstalkd has not, of jobs: several at once, and times in milliseconds. */
import type { Delivery } from '../../index.ts'
import { isIdKnown, settleRelease } from './job-verbs.ts'
import { RESERVE_RUN_MAX } from './limits.ts'
import { Reply } from './replies.ts'
import { BAD, type Scanner } from './scanner.ts'
import type { Talk } from './talk.ts'

/** reserve-many <count> <timeout>: JOBS <n>, and each with its tube, priority and number of reservations. */
export function reserveMany(talk: Talk, scanner: Scanner): void {
  const count = scanner.u32()
  const timeoutMs = count === BAD ? BAD : scanner.lastU32()
  if (timeoutMs === BAD || count < 1 || count > RESERVE_RUN_MAX) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.reserving.many(timeoutMs, count, (jobs) => {
    talk.write(`JOBS ${jobs.length}\r\n`)
    for (const { id, body, queue, priority, attempt } of jobs) {
      talk.write(`JOB ${id} ${body.length} ${queue} ${priority} ${attempt}\r\n`)
      talk.write(body)
      talk.write('\r\n')
    }
  })
}

/** delete-many <id> <id> ...: DELETED <n>, how many of them there were. */
export function deleteMany(talk: Talk, scanner: Scanner): void {
  const ids: number[] = []
  while (!scanner.isAtEnd) {
    const id = scanner.id()
    if (id === BAD) {
      talk.say(Reply.BAD_FORMAT)
      return
    }
    ids.push(id)
  }
  if (ids.length === 0) talk.say(Reply.BAD_FORMAT)
  else talk.answer(async () => `DELETED ${await deleteAll(talk, ids)}\r\n`)
}

async function deleteAll(talk: Talk, ids: readonly number[]): Promise<number> {
  const { store, tubes } = talk.shared
  const others: Promise<number>[] = []
  const held = ids.flatMap((id) => talk.held.take(id) ?? [])
  const isHeld = new Set(held.map(({ id }) => id))
  for (const id of new Set(ids)) {
    if (isHeld.has(id) || !isIdKnown(id)) continue
    const deleting = store.get(id).then(async (found) => {
      if (found === undefined || found.state === 'leased') return 0
      const count = await store.queue(found.queue).delete([found], { unlessLeased: true })
      tubes.of(found.queue).deletes += count
      return count
    })
    others.push(deleting)
  }
  const [, ...counts] = await Promise.all([deleteHeld(talk, held), ...others])
  return counts.reduce((sum, count) => sum + count, held.length)
}

/** One entry for all that this connection holds. */
async function deleteHeld(talk: Talk, held: readonly Delivery[]): Promise<void> {
  try {
    await talk.watching.session.ack(held)
  } catch (error) {
    for (const delivery of held) talk.held.takeBack(delivery)
    throw error
  }
  for (const { queue } of held) talk.shared.tubes.of(queue).deletes++
}

/** release-ms <id> <pri> <delay>. */
export function releaseMs(talk: Talk, scanner: Scanner): void {
  const id = scanner.id()
  const priority = id === BAD ? BAD : scanner.u32()
  const delayMs = priority === BAD ? BAD : scanner.lastU32()
  if (delayMs === BAD) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  const held = talk.held.take(id)
  if (held === undefined) talk.say(Reply.NOT_FOUND)
  else settleRelease(talk, held, { priority, delayMs })
}
