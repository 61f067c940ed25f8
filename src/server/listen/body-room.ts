/**
 * Room for large bodies on their way in, shared by the connections of a listener: whoever finds none waits
 * in a row, and is read no further meanwhile. Pure.
 */

export class BodyRoom {
  readonly #bytesMax: number
  #bytes = 0
  #waiting: { readonly bytes: number; readonly admit: () => void }[] = []

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Bytes that are admitted. */
  get bytes(): number {
    return this.#bytes
  }

  /** `admit` is called once there is room, at once where there is; returns the way to give it back. */
  take(bytes: number, admit: () => void): () => void {
    const place = { bytes, admit }
    this.#waiting.push(place)
    this.#admitFirst()
    return () => {
      const row = this.#waiting.indexOf(place)
      if (row >= 0) this.#waiting.splice(row, 1)
      else this.#bytes -= bytes
      this.#admitFirst()
    }
  }

  #admitFirst(): void {
    for (;;) {
      const first = this.#waiting[0]
      if (first === undefined) return
      // One that is larger than all the room there is comes in alone.
      if (this.#bytes > 0 && this.#bytes + first.bytes > this.#bytesMax) return
      this.#waiting.shift()
      this.#bytes += first.bytes
      first.admit()
    }
  }
}
