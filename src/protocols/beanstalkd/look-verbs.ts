/** stats, stats-job, stats-tube, list-tubes, list-tube-used, list-tubes-watched. */
import { isIdKnown } from './job-verbs.ts'
import { Reply } from './replies.ts'
import { BAD, type Scanner } from './scanner.ts'
import { jobStats, serverStats, tubeStats } from './stats.ts'
import type { Talk } from './talk.ts'
import type { Tube } from './tubes.ts'
import { listed } from './yaml.ts'

export function stats(talk: Talk, scanner: Scanner): void {
  if (!scanner.isAtEnd) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands.stats++
  talk.answer(async () => documentReply(await serverStats(talk.shared)))
}

export function statsTube(talk: Talk, scanner: Scanner): void {
  const name = scanner.lastName()
  if (name === undefined) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands['stats-tube']++
  talk.answer(async () => {
    const { tubes } = talk.shared
    const tube = tubes.find(name)
    await tubes.pauseEnded(name)
    return tube === undefined ? Reply.NOT_FOUND : documentReply(await tubeStats(tube))
  })
}

export function statsJob(talk: Talk, scanner: Scanner): void {
  const id = scanner.lastId()
  if (id === BAD) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands['stats-job']++
  talk.answer(async () => {
    const found = isIdKnown(id) ? await talk.shared.store.get(id) : undefined
    return found === undefined
      ? Reply.NOT_FOUND
      : documentReply(jobStats(found, talk.shared.nowMs()))
  })
}

export function listTubes(talk: Talk, scanner: Scanner): void {
  if (!scanner.isAtEnd) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands['list-tubes']++
  talk.answer(async () => documentReply(namesOf(talk.shared.tubes.all())))
}

export function listTubesWatched(talk: Talk, scanner: Scanner): void {
  if (!scanner.isAtEnd) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands['list-tubes-watched']++
  // It may be long: many of them must not lie behind a put that is not durable yet.
  talk.answer(async () => documentReply(namesOf(talk.watching.watched)))
}

export function listTubeUsed(talk: Talk, scanner: Scanner): void {
  if (!scanner.isAtEnd) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands['list-tube-used']++
  talk.say(`USING ${talk.watching.used.name}\r\n`)
}

function namesOf(tubes: readonly Tube[]): string {
  return listed(tubes.map(({ name }) => name))
}

/** The document's bytes are counted without the end of the line behind it. */
function documentReply(yaml: string): string {
  return `OK ${yaml.length}\r\n${yaml}\r\n`
}
