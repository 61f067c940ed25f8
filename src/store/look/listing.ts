/**
 * Finds the messages of a queue that are in some state, in order of offset and piece by piece: what is
 * rare is looked for where it is kept, not in the whole queue. Changes nothing.
 */
import type { Clock } from '../../system/system.ts'
import type { GroupDispatch } from '../dispatch/group-dispatch.ts'
import type { FoundMessage, QueueDispatch } from '../dispatch/queue-dispatch.ts'
import { smallChunkOf } from '../state/offset-chunks.ts'
import { turn } from '../turn.ts'
import type { MessageState } from '../types/messages.ts'
import { QueueWalk, stateOf } from './looking.ts'

/** Messages looked at in one turn of the event loop. */
const LOOKED_A_TURN = 2_048

export interface Wanted {
  /** The lowest offset. */
  readonly from: number
  readonly limit: number
}

/** Messages of the queue that are not gone, and of those the ones for which `isWanted` is true. */
export async function findInQueue(
  clock: Clock,
  queue: QueueDispatch,
  { from, limit }: Wanted,
  isWanted: (one: FoundMessage) => boolean,
): Promise<FoundMessage[]> {
  const found: FoundMessage[] = []
  const walk = new QueueWalk(queue.state, from)
  let looked = 0
  for (let one = walk.next(); one && found.length < limit; one = walk.next()) {
    if (!queue.state.isGone(one.offset) && isWanted(one)) found.push(one)
    if (++looked % LOOKED_A_TURN === 0) await turn(clock)
  }
  return found
}

/** Messages that are in this state for the group; all that it has not finished where none is given. */
export async function findInState(
  clock: Clock,
  group: GroupDispatch,
  state: MessageState | undefined,
  wanted: Wanted,
): Promise<FoundMessage[]> {
  // What comes after another of its key is delayed, and stands nowhere but in its lane.
  const isAnywhere = state === 'delayed' && group.queue.state.trailing.size > 0
  if (state === undefined || state === 'ready' || state === 'finished' || isAnywhere) {
    // What it has finished stands in front, perhaps for ever.
    const from =
      state === 'finished' ? wanted.from : Math.max(wanted.from, group.state.finished.floor)
    return findInQueue(clock, group.queue, { ...wanted, from }, (one) => {
      const is = stateOf(group, one)
      return state === undefined ? is !== 'finished' : is === state
    })
  }
  const found: FoundMessage[] = []
  let looked = 0
  for (const offsets of offsetsIn(group, state, wanted.from)) {
    for (const offset of offsets) {
      if (found.length >= wanted.limit) return found
      const one = group.queue.find(offset)
      const isIn = one && !group.queue.state.isGone(offset) && stateOf(group, one) === state
      if (isIn) found.push(one)
      if (++looked % LOOKED_A_TURN === 0) await turn(clock)
    }
  }
  return found
}

/** Offsets among which all are that are in this state, in order and in pieces. */
function* offsetsIn(
  group: GroupDispatch,
  state: 'buried' | 'delayed' | 'leased',
  from: number,
): Iterable<Iterable<number>> {
  if (state === 'leased') {
    const offsets: number[] = []
    group.out.forEach((_taken, offset) => {
      if (offset >= from) offsets.push(offset)
    })
    yield offsets.sort((a, b) => a - b)
    return
  }
  const chunks = group.state.chunksFrom(from)
  let plain = state === 'delayed' ? group.queue.nextScheduled(from) : -1
  while (chunks.length > 0 || plain >= 0) {
    const number = Math.min(chunks[0] ?? Number.POSITIVE_INFINITY, plainChunk(plain))
    const offsets = new Set<number>()
    if (chunks[0] === number) {
      chunks.shift()
      for (const offset of group.state.chunks.get(number)?.byOffset.keys() ?? []) {
        if (offset >= from) offsets.add(offset)
      }
    }
    for (; plainChunk(plain) === number; plain = group.queue.nextScheduled(plain + 1)) {
      offsets.add(plain)
    }
    yield [...offsets].sort((a, b) => a - b)
  }
}

function plainChunk(offset: number): number {
  return offset < 0 ? Number.POSITIVE_INFINITY : smallChunkOf(offset)
}
