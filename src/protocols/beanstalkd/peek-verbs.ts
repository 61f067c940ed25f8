/** peek, peek-ready, peek-delayed, peek-buried: jobs that are looked at. */
import type { Counted } from './counters.ts'
import { isIdKnown } from './job-verbs.ts'
import { Reply } from './replies.ts'
import { BAD, type Scanner } from './scanner.ts'
import type { Talk } from './talk.ts'

export function peek(talk: Talk, scanner: Scanner): void {
  const id = scanner.lastId()
  if (id === BAD) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands.peek++
  talk.alone(async () => {
    const found = isIdKnown(id) ? await talk.shared.store.get(id) : undefined
    if (found === undefined) talk.write(Reply.NOT_FOUND)
    else talk.writeJob('FOUND', found.id, found.body)
  })
}

export function peekReady(talk: Talk, scanner: Scanner): void {
  peekFirst(talk, scanner, 'peek-ready', 'ready')
}

export function peekDelayed(talk: Talk, scanner: Scanner): void {
  peekFirst(talk, scanner, 'peek-delayed', 'delayed')
}

export function peekBuried(talk: Talk, scanner: Scanner): void {
  peekFirst(talk, scanner, 'peek-buried', 'buried')
}

function peekFirst(
  talk: Talk,
  scanner: Scanner,
  name: Counted,
  state: 'ready' | 'delayed' | 'buried',
): void {
  if (!scanner.isAtEnd) {
    talk.say(Reply.BAD_FORMAT)
    return
  }
  talk.shared.counters.commands[name]++
  const tube = talk.watching.used
  talk.alone(async () => {
    const group = await tube.look()
    const found = await group?.peek(state)
    if (found === undefined) talk.write(Reply.NOT_FOUND)
    else talk.writeJob('FOUND', found.id, found.body)
  })
}
