/** use, watch, ignore, pause-tube. */
import { Reply } from './replies.ts'
import { BAD, type Scanner } from './scanner.ts'
import type { Talk } from './talk.ts'

const SECOND_MS = 1_000

export function use(talk: Talk, scanner: Scanner): void {
  const name = scanner.lastName()
  if (name === undefined) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands.use++
  talk.watching.use(name)
  talk.say(`USING ${name}\r\n`)
}

export function watch(talk: Talk, scanner: Scanner): void {
  const name = scanner.lastName()
  if (name === undefined) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands.watch++
  const isWatched = talk.watching.watch(name)
  talk.say(isWatched ? `WATCHING ${talk.watching.watched.length}\r\n` : Reply.OUT_OF_MEMORY)
}

export function ignore(talk: Talk, scanner: Scanner): void {
  const name = scanner.lastName()
  if (name === undefined) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands.ignore++
  const isIgnored = talk.watching.ignore(name)
  talk.say(isIgnored ? `WATCHING ${talk.watching.watched.length}\r\n` : Reply.NOT_IGNORED)
}

export function pauseTube(talk: Talk, scanner: Scanner): void {
  talk.shared.counters.commands['pause-tube']++
  const name = scanner.name()
  const seconds = name === undefined ? BAD : scanner.lastU32()
  if (name === undefined || seconds === BAD) talk.say(Reply.BAD_FORMAT)
  else talk.answer(() => pause(talk, name, seconds))
}

async function pause(talk: Talk, name: string, seconds: number): Promise<string> {
  const tube = talk.shared.tubes.find(name)
  if (tube === undefined) return Reply.NOT_FOUND
  await tube.queue.pause(seconds * SECOND_MS)
  tube.pauses++
  tube.pauseSeconds = seconds
  return Reply.PAUSED
}
