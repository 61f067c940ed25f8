/**
 * How many ready messages of a group stand below a priority. Plain waiting messages count by runs; what is
 * none, or may be none, is looked at one by one. Changes nothing.
 */
import type { Clock } from '../../system/system.ts'
import { PostingsCursor } from '../containers/postings-cursor.ts'
import { heldBehind } from '../dispatch/behind.ts'
import type { GroupDispatch } from '../dispatch/group-dispatch.ts'
import type { Lane } from '../state/lane.ts'
import { turn } from '../turn.ts'
import { stateOf } from './looking.ts'

/** Entries and runs looked at in one turn of the event loop. */
const LOOKED_A_TURN = 16_384

/** As of now; where it takes several turns, what changes meanwhile may or may not count. */
export async function countReady(
  clock: Clock,
  group: GroupDispatch,
  belowPriority: number,
): Promise<number> {
  const special = specialOf(group)
  let count = 0
  for (const offset of special) {
    if (isReadyBelow(group, offset, belowPriority)) count++
  }
  for (const lane of group.queue.state.lanes.all) {
    if (lane.priority === undefined || lane.priority < belowPriority) {
      count += await countLane(clock, group, lane, belowPriority, special)
    }
  }
  return count
}

/** Offsets of what is no plain message that waits in its lane, or is out of it; in order. */
function specialOf(group: GroupDispatch): Float64Array {
  const offsets = new Set(heldBehind(group))
  for (const { offset } of group.state.exceptions()) offsets.add(offset)
  group.out.forEach((_taken, offset) => {
    if (!group.state.finished.has(offset)) offsets.add(offset)
  })
  return Float64Array.from(offsets).sort()
}

async function countLane(
  clock: Clock,
  group: GroupDispatch,
  lane: Lane,
  belowPriority: number,
  special: Float64Array,
): Promise<number> {
  const cursor = new PostingsCursor(lane.postings)
  cursor.moveTo(group.state.finished.floor)
  let count = 0
  let looked = 0
  while (cursor.next()) {
    const { offset, runLength } = cursor
    const isTimed = cursor.hasExtras
    if (!isTimed || (lane.priority ?? cursor.priority) < belowPriority) {
      const isDelayed = isTimed && isWaiting(group, offset)
      if (!isDelayed) count += countRun(group, offset, offset + 1 + runLength, special)
    }
    cursor.skip(runLength)
    if (++looked % LOOKED_A_TURN === 0) await turn(clock)
  }
  return count
}

/** Of offsets that are all messages of one lane, those that are neither finished nor special. */
function countRun(
  { state }: GroupDispatch,
  first: number,
  end: number,
  special: Float64Array,
): number {
  let count = end - first - (rowOf(special, end) - rowOf(special, first))
  state.finished.forEachRange(first, end, (from, to) => {
    count -= to - from
  })
  return count
}

/** How many of these numbers, which rise, are lower than `value`. */
function rowOf(numbers: Float64Array, value: number): number {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((numbers[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}

/** A plain message waits for its time. */
function isWaiting({ queue, state }: GroupDispatch, offset: number): boolean {
  return queue.isScheduled(offset) && !state.leased.has(offset)
}

function isReadyBelow(group: GroupDispatch, offset: number, belowPriority: number): boolean {
  const found = group.queue.find(offset)
  if (!found || stateOf(group, found) !== 'ready') return false
  return (group.state.exception(offset)?.priority ?? found.priority) < belowPriority
}
