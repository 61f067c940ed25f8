/**
 * Looks at a log that its writer has overtaken, told apart from damage: a segment that was filled after the
 * names were listed looks as if the next one were missing, and one that retired as if it were lost. What is
 * damaged is so in one look after the other; what was overtaken looks different each time. Pure.
 */
import { type Gap, QlogError } from '../errors.ts'
import { LOOKS_MAX } from './source.ts'

/** A writer that is faster than every one of so many looks leaves no hope for the next. */
export const OVERTAKEN_LOOKS_MAX = 200

export class DoubtfulLooks {
  /** What every one of the last looks has found. */
  #common: ReadonlySet<string> = new Set()
  #inARow = 0

  /** True once so many looks in a row have found the same that it is damage. */
  confirms(gaps: readonly Gap[]): boolean {
    const found = new Set(gaps.map(nameOf))
    const common = new Set([...found].filter((name) => this.#common.has(name)))
    this.#inARow = common.size > 0 ? this.#inARow + 1 : 1
    this.#common = common.size > 0 ? common : found
    return this.#inARow >= LOOKS_MAX
  }
}

function nameOf({ file, offset, bytes, firstId, why }: Gap): string {
  return `${file} ${offset} ${bytes} ${firstId} ${why}`
}

export function overtakenError(directory: string, cause?: unknown): QlogError {
  return new QlogError(
    'QLOG_OVERTAKEN',
    `the writer of ${directory} filled and retired segments during each of ${OVERTAKEN_LOOKS_MAX} looks at them`,
    cause === undefined ? undefined : { cause },
  )
}
