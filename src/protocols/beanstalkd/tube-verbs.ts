/** use, watch, ignore, pause-tube. */
import { isTubeName } from './names.ts'
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
  refer(talk, name, () => {
    talk.watching.use(name)
    return `USING ${name}\r\n`
  })
}

export function watch(talk: Talk, scanner: Scanner): void {
  const name = scanner.lastName()
  if (name === undefined) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands.watch++
  refer(talk, name, () => {
    const isWatched = talk.watching.watch(name)
    return isWatched ? `WATCHING ${talk.watching.watched.length}\r\n` : Reply.OUT_OF_MEMORY
  })
}

/** A pause ends with its tube, which may end by what is on its way: then that comes first. */
function refer(talk: Talk, name: string, run: () => string): void {
  if (talk.shared.tubes.mayEndPause(name)) talk.answer(async () => run())
  else talk.say(run())
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
  const name = scanner.looseName()
  const seconds = name === undefined ? BAD : scanner.lastU32()
  if (name === undefined || seconds === BAD) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands['pause-tube']++
  if (isTubeName(name)) talk.answer(() => pause(talk, name, seconds))
  else talk.say(Reply.BAD_FORMAT)
}

async function pause(talk: Talk, name: string, seconds: number): Promise<string> {
  const tube = talk.shared.tubes.find(name)
  if (tube === undefined) return Reply.NOT_FOUND
  await tube.queue.pause(seconds * SECOND_MS)
  tube.pauses++
  tube.pauseSeconds = seconds
  return Reply.PAUSED
}
