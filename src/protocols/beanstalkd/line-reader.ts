/**
 * Command lines out of the bytes that came. A line ends with CR LF and nothing else; one that is too long
 * is thrown away up to its end, wherever that stands. Holds no bytes.
 */
import type { Intake } from '../../server/index.ts'
import { LINE_BYTES_MAX } from './limits.ts'

const CR = 0x0d
const LF = 0x0a

/** Stands for a line that was too long. */
export const TOO_LONG = 'too long'

export class LineReader {
  /** What comes belongs to a line that is too long. */
  #isDiscarding = false

  /** A line has begun that is too long already, and has no end yet. */
  get isDiscarding(): boolean {
    return this.#isDiscarding
  }

  /** The next line without its end; undefined where it is not whole yet. */
  next(intake: Intake): Uint8Array | typeof TOO_LONG | undefined {
    if (this.#isDiscarding) return this.#discard(intake)
    for (let from = 0; from < LINE_BYTES_MAX - 1; ) {
      const end = intake.indexOf(CR, from, LINE_BYTES_MAX - 1 - from)
      if (end < 0) break
      const next = intake.peek(end + 1)
      if (next === LF) {
        const line = intake.take(end)
        intake.skip(2)
        return line
      }
      if (next < 0) return undefined
      from = end + 1
    }
    if (intake.length < LINE_BYTES_MAX) return undefined
    this.#isDiscarding = true
    return this.#discard(intake)
  }

  #discard(intake: Intake): typeof TOO_LONG | undefined {
    for (;;) {
      const end = intake.indexOf(CR, 0, intake.length)
      if (end < 0) {
        intake.skip(intake.length)
        return undefined
      }
      const next = intake.peek(end + 1)
      // The other half of the line's end may still come.
      if (next < 0) {
        intake.skip(end)
        return undefined
      }
      intake.skip(end + 1)
      if (next !== LF) continue
      intake.skip(1)
      this.#isDiscarding = false
      return TOO_LONG
    }
  }
}
