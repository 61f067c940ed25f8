/**
 * What a server says while it runs: lines of JSON, one schema, which docs/deploy/README.md describes.
 * Bounded: what comes too often is counted, and told with the next line. Pure but for the clock.
 */
import { systemErrorCode } from '../../errors.ts'
import { messageOf } from '../report-error.ts'
import { UsageError } from '../usage-error.ts'

/** Lines of one event in a second; a storm of bad peers must not fill a disk. */
const LINES_PER_SECOND_MAX = 20
const TEXT_CHARACTERS_MAX = 2_000

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export type LogFields = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>

interface Pace {
  second: number
  lines: number
  suppressed: number
}

export class ServeLog {
  readonly #write: (line: string) => void
  readonly #isVerbose: boolean
  readonly #paces = new Map<string, Pace>()

  constructor(write: (line: string) => void, isVerbose: boolean) {
    this.#write = write
    this.#isVerbose = isVerbose
  }

  /** `event` names what happened for programs, `message` for people. */
  say(level: LogLevel, event: string, message: string, fields: LogFields = {}): void {
    if (level === 'debug' && !this.#isVerbose) return
    const nowMs = Date.now()
    const pace = this.#paceOf(event, Math.floor(nowMs / 1_000))
    if (pace.lines >= LINES_PER_SECOND_MAX) {
      pace.suppressed += 1
      return
    }
    pace.lines += 1
    const suppressed = pace.suppressed === 0 ? undefined : pace.suppressed
    pace.suppressed = 0
    const time = new Date(nowMs).toISOString()
    this.#write(
      JSON.stringify({ time, level, event, message: cut(message), ...fields, suppressed }),
    )
  }

  failed(event: string, what: string, error: unknown, fields: LogFields = {}): void {
    const code = systemErrorCode(error)
    const message = messageOf(error)
    // A mistake of ours has no code: then it is of use to know where it was made.
    const isOurs = code === '' && error instanceof Error && !(error instanceof UsageError)
    const stack = isOurs ? cut(error.stack ?? '') : undefined
    const remedy = error instanceof UsageError ? error.remedy : undefined
    const known = code === '' ? undefined : code
    this.say('error', event, `${what}: ${message}`, { code: known, remedy, stack, ...fields })
  }

  #paceOf(event: string, second: number): Pace {
    let pace = this.#paces.get(event)
    if (pace === undefined) {
      pace = { second, lines: 0, suppressed: 0 }
      this.#paces.set(event, pace)
    } else if (pace.second !== second) {
      pace.second = second
      pace.lines = 0
    }
    return pace
  }
}

function cut(text: string): string {
  return text.length <= TEXT_CHARACTERS_MAX ? text : `${text.slice(0, TEXT_CHARACTERS_MAX)}…`
}
