/**
 * What a log owes its users, kept outside of every simulated process: which appends resolved, which
 * may have happened, which were refused, what readers saw, what was discarded. It compares that with
 * what a reopened log returns. The numbers are those of docs/guarantees.md, section 3.
 */
import type { Gap } from '../../src/errors.ts'
import type { Message } from '../../src/log/types.ts'
import { isSameBody } from './bodies.ts'

export type Mode = 'always' | 'interval' | 'never'

/** One opening of the log by one process. */
export interface Writer {
  readonly serial: number
  readonly mode: Mode
  /** Its process may still do something: alive, or stopped and not yet dead. */
  alive: boolean
  /** An append of it failed: nothing may resolve any more. */
  failed: boolean
  /** A later opening has read the log. */
  superseded: boolean
}

export interface Append {
  readonly writer: Writer
  readonly firstId: number
  readonly bodies: readonly Uint8Array[]
  outcome: 'waiting' | 'resolved' | 'indeterminate' | 'rejected'
}

/** A discard that may take effect only behind these appends. */
interface WaitingDiscard {
  readonly firstId: number
  readonly endId: number
  readonly behind: readonly Append[]
}

/** Everything a log returned, and what it said about itself. */
export interface Content {
  readonly messages: readonly Message[]
  readonly gaps: readonly Gap[]
  readonly firstId: number
  readonly nextId: number
}

export type Allowance =
  | 'a writer that ended while another opened may still show'
  | 'a reader could not see that an owner of another boot lives'
  | 'a torn block that looks like rot was set aside'
  | 'the lock file of an opener was cleared away as that of a dead one'

export class Violation extends Error {}

export class Oracle {
  /** Must be returned until discarded, by id. */
  readonly certain = new Map<number, Uint8Array>()
  /** May appear, whole or not at all. */
  candidates: Append[] = []
  /** Resolved in a mode that promises to survive the process and not the power. */
  soft: Append[] = []
  readonly discarded = new Set<number>()
  #waitingDiscards: WaitingDiscard[] = []
  /** What owners had under way that were taken over, once the one behind them had put others in their place. */
  readonly #cutOff: Append[] = []
  /** So many of the newest messages stay, whatever retention takes away; undefined = all stay. */
  retainedMessages: number | undefined
  /** Ids that damage may have cost, as the disk was damaged. */
  readonly damaged = new Set<number>()
  /** Something was damaged, whether it cost an id or not. */
  rotten = false
  /** Ids that went with a torn block which looked like rot; nobody was promised them. */
  readonly alarmed = new Set<number>()
  /** What was let pass, and why; for tests of schedules that are to come upon it. */
  readonly allowances = new Set<Allowance>()
  firstIdSeen = 1
  /** No id below was ever free again: what resolved in `always` or was seen. */
  endSeen = 1
  serial = 0
  /** The first broken promise that was met in a callback, where nobody would see it thrown. */
  violation: Error | undefined
  #writers = 0

  clone(): Oracle {
    const copy = new Oracle()
    for (const [id, body] of this.certain) copy.certain.set(id, body)
    copy.candidates = this.candidates.slice()
    copy.soft = this.soft.slice()
    for (const id of this.discarded) copy.discarded.add(id)
    copy.#waitingDiscards = this.#waitingDiscards.slice()
    copy.#cutOff.push(...this.#cutOff)
    copy.retainedMessages = this.retainedMessages
    for (const id of this.damaged) copy.damaged.add(id)
    copy.rotten = this.rotten
    for (const id of this.alarmed) copy.alarmed.add(id)
    copy.firstIdSeen = this.firstIdSeen
    copy.endSeen = this.endSeen
    copy.serial = this.serial
    copy.#writers = this.#writers
    return copy
  }

  begin(mode: Mode): Writer {
    this.#writers += 1
    return { serial: this.#writers, mode, alive: true, failed: false, superseded: false }
  }

  /** An append was called: from now on it may appear. */
  appended(writer: Writer, firstId: number, bodies: readonly Uint8Array[]): Append {
    const append: Append = { writer, firstId, bodies, outcome: 'waiting' }
    if (firstId < this.endSeen && !writer.superseded) {
      this.#broken(1, `id ${firstId} is given again`)
    }
    this.candidates.push(append)
    return append
  }

  /** `inOrder`: all earlier promises of this writer must have settled by now. */
  resolved(append: Append, firstId: number, inOrder = true): void {
    const { writer } = append
    if (firstId !== append.firstId) {
      this.#broken(3, `append of id ${append.firstId} resolved with id ${firstId}`)
      return
    }
    append.outcome = 'resolved'
    if (writer.failed) this.#broken(13, `id ${firstId} resolved after a failure`)
    const earlier = this.candidates.find(
      (other) =>
        other.writer === writer && other.outcome === 'waiting' && other.firstId < append.firstId,
    )
    if (earlier && inOrder) this.#broken(2, `id ${firstId} resolved before id ${earlier.firstId}`)
    if (writer.superseded && !this.#isCertain(append)) {
      this.#broken(1, `a writer that was taken over resolved id ${firstId}, which was not there`)
    }
    this.#drop(append)
    if (writer.mode === 'always') this.#promote(append)
    // What a writer that was taken over resolves late has been found there, and is owed already.
    else if (!this.#isCertain(append)) this.soft.push(append)
  }

  rejected(append: Append): void {
    append.outcome = 'rejected'
    this.#drop(append)
  }

  indeterminate(append: Append): void {
    append.outcome = 'indeterminate'
  }

  /** What was only written is no longer owed: the power went, or a flush failed. */
  weaken(): void {
    this.candidates.push(...this.soft)
    this.soft = []
  }

  /** Takes effect behind everything that this writer has appended and that has not settled. */
  discard(writer: Writer, firstId: number, endId: number): void {
    const behind = this.candidates.filter(
      (append) => append.writer === writer && append.outcome === 'waiting',
    )
    this.#waitingDiscards.push({ firstId, endId, behind })
  }

  /** Whether a message of this id may have left a log whose next id is this. */
  mayBeGone(id: number, nextId: number): boolean {
    if (this.discarded.has(id)) return true
    if (this.retainedMessages === undefined) return false
    // The writer counts what it resolved, of which a reader without the lock may not know yet.
    const resolved = this.candidates.filter(({ outcome }) => outcome === 'resolved')
    const ends = [...this.soft, ...resolved].map(({ firstId, bodies }) => firstId + bodies.length)
    return Math.max(nextId, this.endSeen, ...ends) - id > this.retainedMessages
  }

  /** Lets discards take effect whose appends are there, or will never be. */
  applyDiscards(content: Content): void {
    const bodies = new Map(content.messages.map(({ id, body }) => [id, body]))
    const isThere = (append: Append): boolean =>
      append.bodies.every((body, index) => {
        const id = append.firstId + index
        const found = bodies.get(id) ?? this.certain.get(id)
        const isLost = id < content.firstId || this.damaged.has(id)
        return isLost || (found !== undefined && isSameBody(found, body))
      })
    const isSettled = (append: Append): boolean =>
      append.outcome === 'rejected' ||
      (append.outcome === 'resolved' && append.writer.mode === 'always') ||
      this.soft.includes(append) ||
      isThere(append)
    this.#waitingDiscards = this.#waitingDiscards.filter(({ firstId, endId, behind }) => {
      if (!behind.every(isSettled)) return true
      for (let id = firstId; id < endId; id += 1) this.discarded.add(id)
      return false
    })
  }

  /** A log said where it begins; it may never begin earlier again. */
  sawFirstId(firstId: number): void {
    if (firstId < this.firstIdSeen) {
      this.#broken(11, `the log began at id ${this.firstIdSeen}, and now at ${firstId}`)
    }
    this.firstIdSeen = Math.max(this.firstIdSeen, firstId)
  }

  /**
   * Compares what an owner's log returned after opening; what is there now has happened. `isOver`: nothing
   * of this writer came behind the reading, so that what is not there never will be.
   */
  verifyOwner(content: Content, isOver: (writer: Writer) => boolean): void {
    this.applyDiscards(content)
    this.#expectDense(content)
    const matched = this.#match(content)
    this.#expectCertain(content, content.nextId)
    for (const append of this.soft) {
      const rotten = append.bodies.every((_, index) => {
        const id = append.firstId + index
        return this.damaged.has(id) || this.mayBeGone(id, content.nextId)
      })
      if (!matched.has(append) && !rotten) {
        throw broken(1, `id ${append.firstId} was written and is gone`)
      }
    }
    this.sawFirstId(content.firstId)
    const end = this.#endOf(content)
    if (content.nextId !== end) throw broken(1, `next id is ${content.nextId}, not ${end}`)
    for (const append of matched) {
      this.#drop(append)
      this.#promote(append)
    }
    this.soft = []
    this.candidates = this.candidates.filter(({ writer }) => !isOver(writer))
    if (this.candidates.some(({ writer }) => !writer.alive)) {
      this.allowances.add('a writer that ended while another opened may still show')
    }
    if (this.violation) throw this.violation
  }

  /** Compares what a log returned to its owner in the middle of its life. */
  verifyRunning(content: Content): void {
    this.applyDiscards(content)
    this.#expectDense(content)
    this.#match(content)
    this.#expectCertain(content, content.nextId)
  }

  /** Compares what a reader without the lock saw. `everything`: no owner may hold anything back. */
  verifyReader(content: Content, mode: Mode, everything: boolean): void {
    this.applyDiscards(content)
    this.#expectDense(content)
    const confirmed = content.messages.filter((message) => message.unconfirmed !== true)
    const firstMarked = content.messages.findIndex((message) => message.unconfirmed === true)
    if (firstMarked >= 0 && firstMarked !== confirmed.length) {
      throw broken(2, 'a confirmed message stands behind an unconfirmed one')
    }
    this.#match(content)
    this.#expectCertain(content, everything ? Number.POSITIVE_INFINITY : content.nextId)
    if (mode !== 'always') return
    const seen = new Set<Append>()
    for (const { id, body } of confirmed) {
      const append = this.#candidateAt(id, body)
      if (append && !this.certain.has(id)) seen.add(append)
    }
    for (const append of seen) this.#promote(append)
  }

  /** What a reader saw that could not know which owner lives: no byte may be invented. */
  verifyForeign(content: Content): void {
    this.allowances.add('a reader could not see that an owner of another boot lives')
    this.applyDiscards(content)
    // The living owner may have cut them off since they were read.
    const isCutOff = ({ id, body }: Message): boolean => this.#cutOff.some(holds(id, body))
    this.#match({ ...content, messages: content.messages.filter((one) => !isCutOff(one)) })
  }

  /**
   * A follower in the owner's process was given a message, the one before it having ended at `from`.
   * Its promise may be heard of later, but what was seen has happened.
   */
  followed(writer: Writer, from: number, message: Message, gaps: readonly Gap[]): void {
    const { id, body } = message
    if (id < from) this.#broken(2, `a follower was given id ${id} behind id ${from - 1}`)
    const gap = gaps.find((one) => !isFalseAlarm(one))
    if (gap && !this.rotten) this.#broken(6, `a follower was told of a gap: ${gap.why}`)
    this.followedTo(from, id, gaps)
    const known = this.certain.get(id)
    if (known && !isSameBody(known, body))
      this.#broken(4, `a follower got other bytes for id ${id}`)
    if (known || this.discarded.has(id)) return
    const append = this.#candidateAt(id, body)
    if (!append) this.#broken(3, `a follower was given id ${id}, which nobody appended so`)
    else if (writer.mode === 'always') this.#promote(append)
  }

  /** A follower has passed over the ids from `from` up to `to`: each must be gone for a reason. */
  followedTo(from: number, to: number, gaps: readonly Gap[]): void {
    this.applyDiscards({ messages: [], gaps: [], firstId: 0, nextId: to })
    for (let id = from; id < to; id += 1) {
      const told = gaps.some((gap) => gap.firstId <= id && id < gap.endId)
      if (this.mayBeGone(id, to) || (told && this.#wentWithDamage(id))) continue
      this.#broken(2, `a follower was not given id ${id}`)
      return
    }
  }

  /**
   * An opening set these aside. A torn block that only looks like rot takes ids with it as rot does, but none
   * that was promised, and none that nobody appended.
   */
  setAside(gaps: readonly Gap[]): void {
    for (const { firstId, endId } of gaps.filter(isFalseAlarm)) {
      for (let id = firstId; id < endId; id += 1) {
        const holds = ({ bodies, firstId }: Append): boolean => bodies[id - firstId] !== undefined
        if (this.certain.has(id) || this.soft.some(holds) || !this.candidates.some(holds)) continue
        this.alarmed.add(id)
        this.endSeen = Math.max(this.endSeen, id + 1)
        this.allowances.add('a torn block that looks like rot was set aside')
      }
    }
  }

  /** Damage took these ids and was told of: they are not owed any more. */
  lost(ids: Iterable<number>): void {
    for (const id of ids) {
      if (!this.certain.delete(id)) continue
      this.discarded.add(id)
    }
  }

  #promote(append: Append): void {
    // A group in force cuts off what earlier owners had under way from its id on.
    const isInForce = ({ writer, firstId }: Append): boolean =>
      writer === append.writer || !writer.superseded || firstId < append.firstId
    this.#cutOff.push(...this.candidates.filter((one) => !isInForce(one)))
    this.candidates = this.candidates.filter(isInForce)
    append.bodies.forEach((body, index) => {
      const id = append.firstId + index
      const known = this.certain.get(id)
      if (known && !isSameBody(known, body)) this.#broken(1, `id ${id} was given twice`)
      this.certain.set(id, body)
      this.endSeen = Math.max(this.endSeen, id + 1)
    })
  }

  #isCertain(append: Append): boolean {
    return append.bodies.every((body, index) => {
      const id = append.firstId + index
      if (this.discarded.has(id)) return true
      const known = this.certain.get(id)
      return known !== undefined && isSameBody(known, body)
    })
  }

  #drop(append: Append): void {
    const at = this.candidates.indexOf(append)
    if (at >= 0) this.candidates.splice(at, 1)
  }

  #expectDense(content: Content): void {
    const { messages, firstId, nextId } = content
    const gap = content.gaps.find((one) => !isFalseAlarm(one))
    if (gap && !this.rotten)
      throw broken(6, `nothing is damaged, and ${gap.file} is told of: ${gap.why}`)
    let last = firstId - 1
    for (const { id } of messages) {
      if (id <= last) throw broken(2, `id ${id} stands behind id ${last}`)
      for (let between = last + 1; between < id; between += 1) this.#expectAbsence(content, between)
      last = id
    }
    if (last >= nextId) throw broken(2, `id ${last} was returned, but the next id is ${nextId}`)
    for (let between = last + 1; between < nextId; between += 1) {
      this.#expectAbsence(content, between)
    }
  }

  #wentWithDamage(id: number): boolean {
    return this.damaged.has(id) || this.alarmed.has(id)
  }

  #expectAbsence(content: Content, id: number): void {
    if (this.mayBeGone(id, content.nextId)) return
    const told = content.gaps.some((gap) => gap.firstId <= id && id < gap.endId)
    if (told && this.#wentWithDamage(id)) return
    throw broken(told ? 6 : 1, `id ${id} is missing${told ? ' and told of as a gap' : ''}`)
  }

  /** Finds for each message what it is; returns the candidates that are there, each whole. */
  #match(content: Content): Set<Append> {
    const matched = new Set<Append>()
    for (const { id, body } of content.messages) {
      const known = this.certain.get(id)
      if (known) {
        if (!isSameBody(known, body)) throw broken(1, `id ${id} has another body than was resolved`)
        continue
      }
      if (this.discarded.has(id)) continue
      const append = this.#candidateAt(id, body)
      if (!append) throw broken(3, `id ${id} was never appended, was rejected, or was gone`)
      matched.add(append)
    }
    const there = new Set(content.messages.map((message) => message.id))
    for (const append of matched) {
      for (let index = 0; index < append.bodies.length; index += 1) {
        const id = append.firstId + index
        if (there.has(id) || this.mayBeGone(id, content.nextId) || this.damaged.has(id)) continue
        throw broken(3, `of a batch from id ${append.firstId} the id ${id} is missing`)
      }
    }
    return matched
  }

  #candidateAt(id: number, body: Uint8Array): Append | undefined {
    const isIt = holds(id, body)
    return this.soft.find(isIt) ?? this.candidates.findLast(isIt)
  }

  /** Every certain id below `endId` is there, or was discarded, or the damage is told of. */
  #expectCertain(content: Content, endId: number): void {
    const there = new Set(content.messages.map((message) => message.id))
    for (const id of this.certain.keys()) {
      if (there.has(id) || id >= endId || this.mayBeGone(id, content.nextId)) continue
      const told = content.gaps.some((gap) => gap.firstId <= id && id < gap.endId)
      if (told && this.damaged.has(id)) continue
      throw broken(told ? 6 : 1, `id ${id} was resolved or seen, and is missing`)
    }
  }

  #endOf(content: Content): number {
    let end = this.endSeen
    for (const { id } of content.messages) end = Math.max(end, id + 1)
    for (const { endId } of content.gaps)
      if (this.#wentWithDamage(endId - 1)) end = Math.max(end, endId)
    return end
  }

  #broken(invariant: number, what: string): void {
    this.violation ??= broken(invariant, what)
  }
}

/** A torn block may be one bit away from a valid one by chance: the page of guarantees allows it. */
export function isFalseAlarm(gap: Gap): boolean {
  return gap.why.includes('one bit away')
}

function broken(invariant: number, what: string): Violation {
  return new Violation(`invariant ${invariant}: ${what}`)
}

/** Whether an append gave this id these bytes. */
function holds(id: number, body: Uint8Array): (append: Append) => boolean {
  return ({ firstId, bodies }) => {
    const own = bodies[id - firstId]
    return own !== undefined && isSameBody(own, body)
  }
}
