/**
 * Goal: who is refused is told so, and nobody else, where one group that waits is refused twice: the first refusal
 * takes the messages out of it, and others come before it leaves. Method: a disk without space for a segment.
 */
import { expect, test } from 'vitest'
import type { Ticket } from '../../../src/log/seam.ts'
import type { SegmentLog } from '../../../src/log/segment-log.ts'
import { encodable, Owner, passes, simulate } from './support.ts'

const SIZE = { segmentBytesMin: 65_536, segmentBytesMax: 65_536, idleSyncMs: 0 } as const

/** What each append was told, by its ticket; told twice, it has two words. */
class Told extends Owner {
  readonly words = new Map<Ticket, string[]>()
  /** Called once, behind the first refusal. */
  onRefused: () => void = () => undefined
  #committed = 0

  override committed(upTo: Ticket): void {
    super.committed(upTo)
    // A refused append is passed over by its owner.
    for (let ticket = this.#committed + 1; ticket <= upTo; ticket++) {
      if (!this.words.has(ticket)) this.#tell(ticket, 'committed')
    }
    this.#committed = upTo
  }

  override refused(from: Ticket, upTo: Ticket): void {
    super.refused(from, upTo)
    for (let ticket = from; ticket <= upTo; ticket++) this.#tell(ticket, 'refused')
    const call = this.onRefused
    this.onRefused = () => undefined
    queueMicrotask(call)
  }

  #tell(ticket: Ticket, word: string): void {
    this.words.set(ticket, [...(this.words.get(ticket) ?? []), word])
  }
}

async function textsIn(log: SegmentLog): Promise<string[]> {
  const texts: string[] = []
  for await (const entries of log.read({ after: 0 })) {
    for (const { messages, control } of entries) {
      for (const bytes of [...messages, ...control]) {
        texts.push(new TextDecoder().decode(bytes).replace(/\.+$/, ''))
      }
    }
  }
  return texts
}

test('a group that is refused twice: each append is told once, and what became of it (1, 3, 12)', async () => {
  const owner = new Told()
  await simulate(1, async (system, { disk }) => {
    const log = await owner.open(system, SIZE)
    const tickets = new Map<string, Ticket>()
    const message = (name: string, bytes = 0): void => {
      const messages = [encodable(name.padEnd(bytes, '.'))]
      tickets.set(name, log.append({ messages, control: [] }))
    }
    const control = (name: string, bytes = 0): void => {
      const records = [encodable(name.padEnd(bytes, '.'))]
      tickets.set(name, log.append({ messages: [], control: records }))
    }
    message('first')
    await passes(system, 50)
    disk.capacityBytes = disk.usedBytes
    message('filling', 25_000)
    await passes(system, 50)
    // The first does not fit, and takes the last with it.
    message('a', 20_000)
    control('b')
    message('c')
    owner.onRefused = () => {
      // It fits, and is taken; with what comes behind it the group does not fit once more.
      message('d')
      control('e', 15_000)
    }
    await passes(system, 100)
    const texts = await textsIn(log)
    for (const [name, ticket] of tickets) {
      const word = texts.includes(name) ? 'committed' : 'refused'
      expect([name, owner.words.get(ticket)]).toEqual([name, [word]])
    }
    expect(texts).toEqual(expect.arrayContaining(['first', 'filling', 'b', 'e']))
    await log.close()
  })
})
