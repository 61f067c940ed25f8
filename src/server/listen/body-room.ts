/**
 * Room for large bodies on their way in, shared by the connections of a listener. Pure.
 *
 * What a body takes is counted as its bytes really come: a length that is only declared takes nothing. Half
 * of the room is given in small steps, to whoever asks; it may fill up with bodies of which none is whole.
 * So the other half is given in the order of a row, and whoever gets it gets all that is left of its body.
 *
 * Nobody waits for ever: of those who have their rest, each finishes without asking again, or is ended by
 * the time-outs of `patience.ts`, which are short while others wait; and once nobody has it, the first of
 * the row gets its own, however long it is. Nobody passes the first of the row.
 */

/** One step: what one read of a socket brings at most. */
const STEP_BYTES = 64 * 1024

export class BodyRoom {
  readonly #stepsBytesMax: number
  readonly #restsBytesMax: number
  /** Given in steps, and as the rest of a body. */
  #stepsBytes = 0
  #restsBytes = 0
  readonly #row = new Set<BodyPlace>()

  constructor(bytesMax: number) {
    this.#stepsBytesMax = bytesMax / 2
    this.#restsBytesMax = bytesMax / 2
  }

  /** Bytes that are given. */
  get bytes(): number {
    return this.#stepsBytes + this.#restsBytes
  }

  /** Somebody waits. */
  get isCrowded(): boolean {
    return this.#row.size > 0
  }

  /** Takes the place out of the row, or gives it what it asks for; false where that has to wait. */
  ask(place: BodyPlace): boolean {
    if (place.isSatisfied) {
      if (this.#row.delete(place)) this.#serve()
      return true
    }
    if (this.#row.size === 0 && this.#give(place)) return true
    this.#row.add(place)
    return false
  }

  isWaiting(place: BodyPlace): boolean {
    return this.#row.has(place)
  }

  /** What came without being asked for is counted, too. */
  came(bytes: number): void {
    this.#stepsBytes += bytes
  }

  leave(place: BodyPlace): void {
    this.#row.delete(place)
    this.#stepsBytes -= place.stepsBytes
    this.#restsBytes -= place.restBytes
    this.#serve()
  }

  #serve(): void {
    for (const place of this.#row) {
      if (!this.#give(place)) return
      this.#row.delete(place)
      place.admit()
    }
  }

  #give(place: BodyPlace): boolean {
    const { missingStep, missingRest } = place
    if (this.#stepsBytes + missingStep <= this.#stepsBytesMax) {
      this.#stepsBytes += missingStep
      place.stepsBytes += missingStep
      return true
    }
    // One that is larger than all the room there is comes in alone.
    if (this.#restsBytes > 0 && this.#restsBytes + missingRest > this.#restsBytesMax) return false
    this.#restsBytes += missingRest
    place.restBytes += missingRest
    return true
  }
}

/** The room of one body. */
export class BodyPlace {
  readonly #room: BodyRoom
  /** Called when it has got what it waited for. */
  readonly admit: () => void
  /** What the room gave. */
  stepsBytes = 0
  restBytes = 0
  #wantedBytes = 0
  #allBytes = 0

  constructor(room: BodyRoom, admit: () => void) {
    this.#room = room
    this.admit = admit
  }

  get isWaiting(): boolean {
    return this.#room.isWaiting(this)
  }

  get isSatisfied(): boolean {
    return this.#givenBytes >= this.#wantedBytes
  }

  get missingStep(): number {
    return this.#wantedBytes - this.#givenBytes
  }

  get missingRest(): number {
    return this.#allBytes - this.#givenBytes
  }

  /** So many bytes are there, of `all`; false where no more may be read before `admit` is called. */
  reach(bytes: number, all: number): boolean {
    const unasked = bytes - this.#givenBytes
    if (unasked > 0) {
      this.stepsBytes += unasked
      this.#room.came(unasked)
    }
    this.#allBytes = all
    this.#wantedBytes = Math.min(all, bytes + STEP_BYTES)
    return this.#room.ask(this)
  }

  leave(): void {
    this.#room.leave(this)
  }

  get #givenBytes(): number {
    return this.stepsBytes + this.restBytes
  }
}

/** Whether so many bytes of a body that are there come near its end without any room. */
export function needsRoom(bytes: number, freeBytes: number): boolean {
  return bytes + STEP_BYTES > freeBytes
}
