/** Which simulated calls fail, and how: at the nth matching one, or by chance. Pure. */
import type { CallKind } from './calls.ts'
import type { FlushFailure } from './file-content.ts'
import type { Random } from './random.ts'

export interface FaultRule {
  readonly call: CallKind | readonly CallKind[]
  /** An errno name such as 'EIO'; or 'short', by which a write takes only a part of its bytes. */
  readonly error: string
  /** The nth matching call fails, counted from 1 since the rule was added. */
  readonly nth?: number
  /** Each matching call fails with this probability; 1 where neither this nor `nth` is given. */
  readonly probability?: number
  /** At most this often; 1 with `nth`, otherwise without limit. */
  readonly times?: number
  /** Only calls whose path satisfies this; of link and rename it reads 'from -> to'. */
  readonly path?: (path: string) => boolean
  /** Only calls of the process with this name. */
  readonly process?: string
  /** What a failing flush leaves; drawn by the seed where it is not given. */
  readonly flavour?: FlushFailure
}

/** A rule in force. Its counts tell a test whether it ever applied. */
export class Fault {
  readonly rule: FaultRule
  readonly #calls: ReadonlySet<CallKind>
  readonly #timesMax: number
  matchingCalls = 0
  hits = 0

  constructor(rule: FaultRule) {
    this.rule = rule
    this.#calls = new Set(typeof rule.call === 'string' ? [rule.call] : rule.call)
    this.#timesMax = rule.times ?? (rule.nth === undefined ? Number.POSITIVE_INFINITY : 1)
  }

  strikes(kind: CallKind, processName: string, path: string, random: Random): boolean {
    const { rule } = this
    if (!this.#calls.has(kind)) return false
    if (rule.process !== undefined && rule.process !== processName) return false
    if (rule.path !== undefined && !rule.path(path)) return false
    this.matchingCalls += 1
    if (this.hits >= this.#timesMax) return false
    if (rule.nth !== undefined && this.matchingCalls < rule.nth) return false
    if (rule.probability !== undefined && !random.chance(rule.probability)) return false
    this.hits += 1
    return true
  }
}
