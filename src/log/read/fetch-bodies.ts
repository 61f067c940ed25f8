/**
 * The bodies of one call: read in the order of their ids whatever the order asked, so that what one block
 * holds is taken from it at once. Reads only.
 */
import { type Gap, throwIfAborted } from '../../errors.ts'
import { copyOf } from '../../format/bytes.ts'
import type { FetchOptions } from '../seam.ts'
import type { MessageReader } from './message-reader.ts'
import { damageBy } from './passed-ids.ts'

/** A reader, and the gaps that it told of since somebody looked. */
export interface Hand {
  readonly reader: MessageReader
  readonly gaps: Gap[]
}

export interface FetchRules {
  readonly isThere: (id: number) => boolean
  /** What is lost to damage is left out like what was discarded. */
  readonly skipsGaps: boolean
}

/**
 * The bodies in the order of `ids`, as far as they come to no more than `bytesMax`, but for the first;
 * undefined for those that are not there. Rejects on damage to any of them.
 */
export async function fetchBodies(
  hand: Hand,
  rules: FetchRules,
  ids: ArrayLike<number>,
  { bytesMax = Number.POSITIVE_INFINITY, signal }: FetchOptions,
): Promise<readonly (Uint8Array | undefined)[]> {
  const answer = new Answer(ids.length, bytesMax)
  const rows = rowsById(ids)
  for (let at = 0; at < rows.length; ) {
    throwIfAborted(signal)
    const row = rows[at] ?? 0
    const id = ids[row] ?? 0
    const isAsked = row < answer.end && rules.isThere(id)
    const body = isAsked ? (twin(answer, ids, rows, at) ?? hand.reader.bodyInHand(id)) : undefined
    if (body) answer.put(row, body)
    if (body || !isAsked) at++
    else at = await readRun(hand, rules, ids, rows, at, answer)
  }
  return answer.bodies()
}

/** Reads the ids from `rows[at]` on that follow each other; returns where the next ones stand. */
async function readRun(
  { reader, gaps }: Hand,
  { isThere, skipsGaps }: FetchRules,
  ids: ArrayLike<number>,
  rows: ArrayLike<number>,
  at: number,
  answer: Answer,
): Promise<number> {
  const idAt = (place: number): number => ids[rows[place] ?? 0] ?? 0
  const isAsked = (place: number): boolean => (rows[place] ?? 0) < answer.end
  let end = at + 1
  while (end < rows.length && isAsked(end)) {
    const id = idAt(end)
    if (id > idAt(end - 1) + 1 || !isThere(id)) break
    end++
  }
  gaps.length = 0
  reader.seek(idAt(at), idAt(end - 1) + 1)
  for (let next = at; next < end; ) {
    const batch = await reader.nextBatch()
    if (!batch) break
    for (const { id, body } of batch) {
      while (next < end && idAt(next) < id) next++
      for (let isTwin = false; next < end && idAt(next) === id; next++) {
        answer.put(rows[next] ?? 0, isTwin ? copyOf(body) : body)
        isTwin = true
      }
    }
    while (next < end && !isAsked(next)) next++
  }
  for (const gap of skipsGaps ? [] : gaps) {
    for (let place = at; place < end; place++) {
      const id = idAt(place)
      if (gap.firstId <= id && id < gap.endId) answer.lose(rows[place] ?? 0, gap)
    }
  }
  return end
}

/** The body of the row in front, once more, where that asks for the same message and was answered. */
function twin(
  answer: Answer,
  ids: ArrayLike<number>,
  rows: ArrayLike<number>,
  at: number,
): Uint8Array | undefined {
  if (at === 0) return undefined
  const before = rows[at - 1] ?? 0
  if (ids[before] !== ids[rows[at] ?? 0]) return undefined
  const body = answer.bodyAt(before)
  return body && copyOf(body)
}

/** The rows of `ids` in the order of the ids; those of one id in the order asked. */
function rowsById(ids: ArrayLike<number>): Uint32Array {
  const rows = new Uint32Array(ids.length)
  let isSorted = true
  for (let row = 0; row < rows.length; row++) {
    rows[row] = row
    if (row > 0 && (ids[row] ?? 0) < (ids[row - 1] ?? 0)) isSorted = false
  }
  if (isSorted) return rows
  return rows.sort((a, b) => (ids[a] ?? 0) - (ids[b] ?? 0) || a - b)
}

/**
 * The rows of one answer, which come in any order. It ends where it would if they came in the order
 * asked: where those in front come to more than the budget, or where one is lost.
 */
class Answer {
  /** Rows from here on are not part of the answer. */
  end: number
  readonly #bodies: (Uint8Array | undefined)[]
  readonly #bytesMax: number
  #bytes = 0
  #count = 0
  #loss: { readonly row: number; readonly gap: Gap } | undefined

  constructor(length: number, bytesMax: number) {
    this.end = length
    this.#bytesMax = bytesMax
    this.#bodies = new Array<Uint8Array | undefined>(length).fill(undefined)
  }

  /** No more is kept than the budget allows: whatever is over it ends the answer at its last row. */
  put(row: number, body: Uint8Array): void {
    if (row >= this.end) return
    this.#bodies[row] = body
    this.#bytes += body.length
    this.#count++
    while (this.#count > 1 && this.#bytes > this.#bytesMax) this.#cutAt(this.#lastRow())
  }

  bodyAt(row: number): Uint8Array | undefined {
    return this.#bodies[row]
  }

  /** A message that is lost: nothing behind it matters, and what is in front may still end it. */
  lose(row: number, gap: Gap): void {
    if (row >= this.end || this.#bodies[row]) return
    this.#cutAt(row)
    this.#loss = { row, gap }
  }

  /** Throws where the answer ends with a loss. */
  bodies(): readonly (Uint8Array | undefined)[] {
    if (this.#loss?.row === this.end) throw damageBy(this.#loss.gap)
    return this.end < this.#bodies.length ? this.#bodies.slice(0, this.end) : this.#bodies
  }

  #lastRow(): number {
    let row = this.end - 1
    while (!this.#bodies[row]) row--
    return row
  }

  #cutAt(end: number): void {
    for (let row = end; row < this.end; row++) {
      const body = this.#bodies[row]
      if (!body) continue
      this.#bytes -= body.length
      this.#count--
      this.#bodies[row] = undefined
    }
    this.end = end
  }
}
