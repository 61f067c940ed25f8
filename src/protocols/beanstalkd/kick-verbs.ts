/** kick, kick-job: jobs that are out of the way become ready. */
import { isIdKnown } from './job-verbs.ts'
import { KICK_RUN_MAX } from './limits.ts'
import { Reply } from './replies.ts'
import { BAD, type Scanner } from './scanner.ts'
import type { Talk } from './talk.ts'
import type { Tube } from './tubes.ts'

export function kick(talk: Talk, scanner: Scanner): void {
  const bound = scanner.loose()
  if (bound === undefined || !bound.hasDigits) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands.kick++
  const count = asUnsigned(bound.value)
  const tube = talk.watching.used
  talk.answer(async () => `KICKED ${await kickSome(tube, count)}\r\n`)
}

export function kickJob(talk: Talk, scanner: Scanner): void {
  const id = scanner.lastId()
  if (id === BAD) talk.say(Reply.BAD_FORMAT)
  else talk.answer(() => kickOne(talk, id))
}

/** Buried ones where there are any, else delayed ones; a large number in pieces. */
async function kickSome(tube: Tube, count: number): Promise<number> {
  const group = count === 0 ? undefined : await tube.look()
  if (group === undefined) return 0
  const { buried, delayed, waiting } = group.stats()
  // What was kicked is delayed no more, and what is left of the number is not meant for the others.
  const there = Math.min(count, buried > 0 ? buried : delayed)
  let kicked = 0
  while (kicked < there) {
    // Who waits gets what is kicked first, not the best of all that is kicked.
    const runMax = kicked < waiting ? 1 : KICK_RUN_MAX
    const some = await group.kick(Math.min(runMax, there - kicked))
    if (some === 0) break
    kicked += some
  }
  return kicked
}

async function kickOne(talk: Talk, id: number): Promise<string> {
  const { store } = talk.shared
  const found = isIdKnown(id) ? await store.get(id) : undefined
  if (found === undefined) return Reply.NOT_FOUND
  const kicked = await store.queue(found.queue).group().kick([found])
  return kicked > 0 ? Reply.KICKED : Reply.NOT_FOUND
}

/** As C makes an unsigned number of 32 bits of it. */
function asUnsigned(value: number): number {
  if (!Number.isFinite(value)) return 0xffff_ffff
  return ((value % 2 ** 32) + 2 ** 32) % 2 ** 32
}
