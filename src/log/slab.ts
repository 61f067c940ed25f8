/**
 * Memory for small bodies, many in one allocation: one for each would cost more than its bytes do. Pure memory.
 */

/** What one body can keep alive beyond its own bytes. */
const SLAB_BYTES = 16 * 1024
/** Above, an allocation of its own costs little beside the bytes. */
const SHARED_BYTES_MAX = 2 * 1024

export class Slab {
  #bytes = new Uint8Array(0)
  #used = 0

  /** So many zeroed bytes that nobody else has. */
  room(byteLength: number): Uint8Array {
    if (byteLength > SHARED_BYTES_MAX) return new Uint8Array(byteLength)
    if (this.#used + byteLength > this.#bytes.length) {
      this.#bytes = new Uint8Array(SLAB_BYTES)
      this.#used = 0
    }
    const at = this.#used
    this.#used += byteLength
    return this.#bytes.subarray(at, this.#used)
  }

  copy(bytes: Uint8Array): Uint8Array {
    const own = this.room(bytes.length)
    own.set(bytes)
    return own
  }
}
