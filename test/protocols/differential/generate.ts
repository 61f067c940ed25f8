/**
 * Random scripts: all commands, right and wrong ones, on several connections. Nothing in them depends
 * on the clock: times to run and delays are either none or long. A seed repeats a script. Pure.
 */

import { seededRandom } from '../../../src/cli/prove-random.ts'
import { job, type Script, type Step } from './script.ts'
import { WRONG_LINES } from './wrong-lines.ts'

const STEPS_MAX = 40
const COMMANDS_MAX = 8
const CONNECTIONS_MAX = 4
const JOBS_MAX = 60

const LONG_NAME = 'n'.repeat(200)
const TUBES = ['default', 'a', 'b-1', '+odd/name;with.$_()', LONG_NAME] as const
const PRIORITIES = [0, 0, 1, 10, 1023, 1024, 4_294_967_295] as const
const DELAYS = [0, 0, 0, 0, 0, 1000, 100_000] as const
const TIMES_TO_RUN = [100, 1000, 4_294_967_295] as const
/** Around what beanstalkd reads at once, and around powers of two. */
const BODY_BYTES = [0, 1, 2, 3, 7, 100, 222, 223, 224, 225, 226, 1000, 8191, 8192, 8193] as const
const NO_IDS = ['0', '999999', '18446744073709551615'] as const

type Random = () => number

export function generateScript(seed: number): Script {
  const random = seededRandom(seed)
  const maker = new Maker(random)
  const count = 5 + below(random, STEPS_MAX - 4)
  return Array.from({ length: count }, () => maker.step())
}

class Maker {
  readonly #random: Random
  /** So many connections take part, and so many tubes: few, or they seldom meet. */
  readonly #connections: number
  readonly #tubes: readonly string[]
  #delays = 0

  constructor(random: Random) {
    this.#random = random
    this.#connections = 1 + below(random, CONNECTIONS_MAX)
    const tubes = TUBES.slice(1).filter(() => random() < 0.4)
    this.#tubes = ['default', ...tubes]
  }

  step(): Step {
    const connection = below(this.#random, this.#connections)
    const kind = this.#random()
    if (kind < 0.05) return { kind: 'close', connection }
    if (kind < 0.08) return { kind: 'half-close', connection }
    const count = 1 + below(this.#random, COMMANDS_MAX)
    const commands = Array.from({ length: count }, () => this.#command())
    if (this.#random() < 0.01) commands.push('quit\r\n')
    return { kind: 'send', connection, commands, packetSeed: below(this.#random, 2 ** 31) }
  }

  #command(): string {
    const kind = this.#random()
    if (kind < 0.24) return this.#put()
    if (kind < 0.29) return this.#brokenPut()
    if (kind < 0.32) return 'reserve\r\n'
    if (kind < 0.47) return 'reserve-with-timeout 0\r\n'
    if (kind < 0.75) return this.#withJob()
    if (kind < 0.92) return this.#withTube()
    if (kind < 0.98) return `${this.#pick(WRONG_LINES)}\r\n`
    // Longer than a line may be; not by one byte, see the directed scripts.
    return `${'y'.repeat(225 + below(this.#random, 190))}\r\n`
  }

  #put(): string {
    const gap = (): string => (this.#random() < 0.05 ? '  ' : ' ')
    const body = this.#body()
    const length = `${this.#random() < 0.05 ? '00' : ''}${body.length}`
    const words = [this.#priority(), this.#delay(), this.#pick(TIMES_TO_RUN), length]
    return `put ${words.map(String).reduce((line, word) => line + gap() + word)}\r\n${body}\r\n`
  }

  /** The declared length is not that of the body; what is left over reads as lines that end. */
  #brokenPut(): string {
    const kind = this.#random()
    if (kind < 0.2) {
      const bytes = 65_536 + below(this.#random, 200)
      return `put 0 0 100 ${bytes}${kind < 0.05 ? 'x' : ''}\r\n${'z'.repeat(bytes)}\r\n`
    }
    // Shorter than a line may be: see the known replies for one that is too long by a byte.
    const body = 'w'.repeat(below(this.#random, 220))
    const declared = below(this.#random, body.length + 3)
    return `put ${this.#priority()} 0 100 ${declared}\r\n${body}\r\n\r\nlist-tube-used\r\n`
  }

  #body(): string {
    if (this.#random() < 0.01) return '\xff'.repeat(65_535 - below(this.#random, 2))
    const bytes = this.#pick(BODY_BYTES)
    // Every value a byte can have, line ends too.
    return Array.from({ length: bytes }, () =>
      String.fromCharCode(below(this.#random, this.#random() < 0.1 ? 16 : 256)),
    ).join('')
  }

  #withJob(): string {
    const id = this.#random() < 0.08 ? this.#pick(NO_IDS) : job(below(this.#random, JOBS_MAX))
    const kind = this.#random()
    if (kind < 0.25) return `delete ${id}\r\n`
    if (kind < 0.42) return `release ${id} ${this.#priority()} ${this.#delay()}\r\n`
    if (kind < 0.58) return `bury ${id} ${this.#priority()}\r\n`
    if (kind < 0.66) return `touch ${id}\r\n`
    if (kind < 0.76) return `reserve-job ${id}\r\n`
    if (kind < 0.84) return `peek ${id}\r\n`
    if (kind < 0.92) return `kick-job ${id}\r\n`
    return `stats-job ${id}\r\n`
  }

  #withTube(): string {
    const tube = this.#pick(this.#tubes)
    const other = this.#random() < 0.1 ? this.#pick(TUBES) : tube
    return `${this.#pick([
      `use ${tube}`,
      `use ${other}`,
      `watch ${tube}`,
      `watch ${other}`,
      `ignore ${tube}`,
      `ignore ${other}`,
      `stats-tube ${tube}`,
      `stats-tube ${other}`,
      // A pause of 0 ends at the next turn there, at once here: see the directed scripts.
      `pause-tube ${other} ${this.#pick([5000, 4_294_967_295])}`,
      `kick ${this.#pick([0, 1, 2, 100, 4_294_967_295])}`,
      `kick ${this.#pick([1, 3])}`,
      'peek-ready',
      'peek-delayed',
      'peek-buried',
      'stats',
      'list-tubes',
      'list-tube-used',
      'list-tubes-watched',
    ])}\r\n`
  }

  #priority(): number {
    return this.#pick(PRIORITIES)
  }

  /** No two end in the same millisecond: which job is first then is a named difference. */
  #delay(): number {
    const delay = this.#pick(DELAYS)
    if (delay > 0) this.#delays += 1
    return delay === 0 ? 0 : delay + this.#delays
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[below(this.#random, items.length)]
    if (item === undefined) throw new Error('there is nothing to pick from')
    return item
  }
}

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}
