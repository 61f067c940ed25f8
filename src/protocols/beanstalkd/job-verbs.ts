/** delete, release, bury, touch: what ends a reservation or makes it last. */
import type { Delivery, ReleaseOptions } from '../../index.ts'
import { Reply } from './replies.ts'
import { BAD, type Scanner } from './scanner.ts'
import type { Talk } from './talk.ts'

const SECOND_MS = 1_000

export function deleteJob(talk: Talk, scanner: Scanner): void {
  const id = scanner.lastId()
  if (id === BAD) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands.delete++
  const held = talk.held.take(id)
  if (held === undefined) talk.answer(() => deleteAny(talk, id))
  else {
    settle(talk, held, Reply.DELETED, () => {
      countDelete(talk, held.queue)
      return held.ack()
    })
  }
}

/** A job that nobody has reserved. */
async function deleteAny(talk: Talk, id: number): Promise<string> {
  const { store } = talk.shared
  const found = isIdKnown(id) ? await store.get(id) : undefined
  if (found === undefined || found.state === 'leased') return Reply.NOT_FOUND
  // Somebody may have reserved it since.
  const deleted = await store.queue(found.queue).delete([found], { unlessLeased: true })
  if (deleted === 0) return Reply.NOT_FOUND
  countDelete(talk, found.queue)
  return Reply.DELETED
}

/** Jobs have ids from 1 on; larger ones than a safe integer are never given. */
export function isIdKnown(id: number): boolean {
  return id > 0 && Number.isSafeInteger(id)
}

function countDelete(talk: Talk, queue: string): void {
  talk.shared.tubes.of(queue).deletes++
}

export function release(talk: Talk, scanner: Scanner): void {
  const id = scanner.id()
  const priority = id === BAD ? BAD : scanner.u32()
  const delaySeconds = priority === BAD ? BAD : scanner.lastU32()
  if (delaySeconds === BAD) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands.release++
  const held = talk.held.take(id)
  if (held === undefined) talk.say(Reply.NOT_FOUND)
  else {
    const delayMs = delaySeconds * SECOND_MS
    settleRelease(talk, held, { priority, delayMs })
  }
}

export function bury(talk: Talk, scanner: Scanner): void {
  const id = scanner.id()
  const priority = id === BAD ? BAD : scanner.lastU32()
  if (priority === BAD) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands.bury++
  const held = talk.held.take(id)
  if (held === undefined) talk.say(Reply.NOT_FOUND)
  else settle(talk, held, Reply.BURIED, () => held.bury({ priority }))
}

export function touch(talk: Talk, scanner: Scanner): void {
  const id = scanner.lastId()
  if (id === BAD) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands.touch++
  const held = talk.held.get(id)
  held?.extend()
  talk.say(held === undefined ? Reply.NOT_FOUND : Reply.TOUCHED)
}

/**
 * Gives the job back. That is what workers do with one that failed, so that it was a try where the tube limits
 * these: after the last one it is buried, or with the dead letters of its tube.
 */
export function settleRelease(talk: Talk, held: Delivery, options: ReleaseOptions): void {
  const slot = talk.begin(Reply.RELEASED)
  held.release({ ...options, counts: 'if-limited' }).then(
    ({ buried }) => {
      if (buried) slot.text = Reply.BURIED
      slot.done()
    },
    (error: unknown) => {
      talk.held.takeBack(held)
      slot.failed(error)
    },
  )
}

/** Ends the reservation; where that is turned down it goes on, as far as its time does. */
export function settle(talk: Talk, held: Delivery, reply: string, end: () => Promise<void>): void {
  const slot = talk.begin(reply)
  end().then(slot.done, (error: unknown) => {
    talk.held.takeBack(held)
    slot.failed(error)
  })
}
