/**
 * One of the two servers while a script runs on it: its connections, what they answered, and when it
 * has come to rest. Behind each burst goes a command whose reply is known, a peek at a job that only the
 * test has: its reply says that all before it were answered. A connection that does not give it has to
 * be one that waits for a job, which another connection asks the server for.
 */

import { seededRandom } from '../../../src/cli/prove-random.ts'
import type { ServerProcess } from '../../../tools/beanstalkd/server-process.ts'
import { Wire } from '../../../tools/beanstalkd/wire.ts'
import { CLOSED } from './commands.ts'

const LAST_BODY = '-the end of a burst-'
/** A tube that no script uses. */
const LAST_TUBE = 'end-of-bursts'
const REST_MS_MAX = 6_000
const LOOK_EVERY_MS = 1
const PACKETS_MAX = 6

interface Connection {
  readonly wire: Wire
  /** Commands that mark the end of a burst and are not answered yet. */
  marks: number
  readonly replies: string[]
  /** The server has to close it. */
  isEnding: boolean
  /** A reserve waits in it, and behind that commands that may change what others see. */
  hasFreeTail: boolean
}

export class Side {
  readonly server: ServerProcess
  readonly #monitor: Wire
  readonly #mark: string
  readonly #markReply: string
  readonly #connections = new Map<number, Connection>()
  #statsAsked = 0
  #statsAskedBefore = 0
  #lastStats = ''
  /** Connections have ended: the server may not have noticed yet. */
  #hasLost = false
  #changed: () => void = () => undefined

  private constructor(server: ServerProcess, monitor: Wire, markId: string) {
    this.server = server
    this.#monitor = monitor
    this.#mark = `peek ${markId}\r\n`
    this.#markReply = `FOUND ${markId} ${LAST_BODY.length}\r\n${LAST_BODY}`
  }

  static async open(server: ServerProcess): Promise<Side> {
    const monitor = await Wire.connect(server.port)
    await monitor.ask(`use ${LAST_TUBE}\r\n`)
    const reply = await monitor.ask(`put 0 4294967295 10 ${LAST_BODY.length}\r\n${LAST_BODY}\r\n`)
    const id = /^INSERTED (\d+)$/.exec(reply)?.[1]
    if (id === undefined) throw new Error(`the first put was answered with ${reply}`)
    return new Side(server, monitor, id)
  }

  /**
   * How often the test itself had asked for the statistics when the burst was sent; undefined where it has
   * also done so since, so that nobody knows which came first.
   */
  get statsAsked(): number | undefined {
    return this.#statsAsked === this.#statsAskedBefore ? this.#statsAsked : undefined
  }

  /** Connections that wait for a job, in order. */
  get blocked(): number[] {
    const waiting = [...this.#connections].filter(([, { marks }]) => marks > 0)
    return waiting.map(([index]) => index).sort((a, b) => a - b)
  }

  has(index: number): boolean {
    return this.#connections.has(index)
  }

  hasFreeTail(index: number): boolean {
    return this.#connections.get(index)?.hasFreeTail === true
  }

  /** Sends a burst in packets, and the mark behind it unless the server closes after it. */
  async send(index: number, text: string, packetSeed: number, how: SendHow): Promise<void> {
    const connection = this.#connections.get(index) ?? (await this.#connect(index))
    this.#statsAskedBefore = this.#statsAsked
    if (how.isFreeTail) connection.hasFreeTail = true
    const whole = how.isLast ? text : text + this.#mark
    if (how.isLast) connection.isEnding = true
    else connection.marks++
    for (const packet of packetsOf(whole, packetSeed, how.isWhole)) {
      connection.wire.send(packet)
      await new Promise((sent) => setImmediate(sent))
    }
  }

  close(index: number): void {
    this.#connections.get(index)?.wire.destroy()
    this.#connections.delete(index)
    this.#hasLost = true
  }

  halfClose(index: number): void {
    const connection = this.#connections.get(index)
    if (connection === undefined) return
    connection.wire.halfClose()
    connection.isEnding = true
  }

  /** Waits until every connection has either been answered or waits for a job. Throws where it never does. */
  async rest(mustAnswer?: number): Promise<void> {
    const limit = performance.now() + REST_MS_MAX
    for (;;) {
      this.#collect()
      const blocked = this.blocked
      const isEnding = [...this.#connections.values()].some((one) => one.isEnding)
      if (blocked.length === 0 && !isEnding && !this.#hasLost) return
      const isHeldUp = mustAnswer !== undefined && blocked.includes(mustAnswer)
      if (!isEnding && !isHeldUp && (await this.#isAtRest(blocked.length))) {
        this.#hasLost = false
        return
      }
      if (performance.now() > limit) throw new Error(this.#whyNoRest())
      await this.#somethingComes()
    }
  }

  /** How many replies each connection has, and which ones wait: what both sides come to in the end. */
  get outline(): string {
    const all = [...this.#connections].sort(([one], [other]) => one - other)
    return all.map(([index, { marks, replies }]) => `${index}:${marks}:${replies.length}`).join(' ')
  }

  /** What was answered since the last call, by connection. */
  take(): Map<number, string[]> {
    const taken = new Map<number, string[]>()
    for (const [index, { replies }] of this.#connections) taken.set(index, replies.splice(0))
    for (const [index, { wire }] of this.#connections) {
      if (!wire.isOver) continue
      taken.get(index)?.push(CLOSED)
      wire.destroy()
      this.#connections.delete(index)
    }
    return taken
  }

  /** Waits until a signal to drain has arrived. */
  async isDraining(): Promise<void> {
    const limit = performance.now() + REST_MS_MAX
    for (;;) {
      this.#statsAsked++
      if ((await this.#monitor.ask('stats\r\n')).includes('\ndraining: true')) return
      if (performance.now() > limit) throw new Error(`${this.server.kind} does not drain`)
      await this.#somethingComes()
    }
  }

  /** Everything gone that a script left. */
  async clear(ids: readonly string[]): Promise<void> {
    for (const index of this.#connections.keys()) this.close(index)
    await this.rest()
    for (const id of ids) await this.#monitor.ask(`delete ${id}\r\n`)
    await this.#monitor.ask('pause-tube default 0\r\n')
  }

  async #connect(index: number): Promise<Connection> {
    const wire = await Wire.connect(this.server.port)
    wire.onChange(() => this.#changed())
    const made = { wire, marks: 0, replies: [], isEnding: false, hasFreeTail: false }
    this.#connections.set(index, made)
    return made
  }

  #collect(): void {
    for (const connection of this.#connections.values()) {
      for (const reply of connection.wire.take()) {
        if (reply === this.#markReply) connection.marks--
        else connection.replies.push(reply)
      }
      if (connection.marks === 0) connection.hasFreeTail = false
      if (!connection.wire.isOver) continue
      if (connection.isEnding || connection.marks > 0) this.#hasLost = true
      connection.isEnding = false
      connection.marks = 0
    }
  }

  async #isAtRest(marked: number): Promise<boolean> {
    this.#statsAsked++
    const stats = await this.#monitor.ask('stats\r\n')
    this.#lastStats = stats.match(/^current-(waiting|connections): .*$/gm)?.join(', ') ?? stats
    const open = [...this.#connections.values()].filter(({ wire }) => !wire.isOver).length
    // Itself is one of them.
    const isSo =
      numberOf(stats, 'current-waiting') === marked &&
      numberOf(stats, 'current-connections') === open + 1
    // What the server sent before is here, though perhaps not read: two turns read all of it.
    await new Promise((turn) => setImmediate(() => setImmediate(turn)))
    this.#collect()
    return isSo && this.blocked.length === marked
  }

  #somethingComes(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#changed = () => undefined
        resolve()
      }
      const timer = setTimeout(done, LOOK_EVERY_MS)
      this.#changed = done
    })
  }

  #whyNoRest(): string {
    const open = [...this.#connections].map(
      ([index, { marks, isEnding, wire, replies }]) =>
        `connection ${index}: ${marks} bursts unanswered${isEnding ? ', not closed' : ''}, ` +
        `replies ${JSON.stringify(replies.map((one) => one.slice(0, 80)))}, ` +
        `then ${JSON.stringify(wire.rest.slice(0, 80))}`,
    )
    const how = this.server.ending === undefined ? '' : ` (it ended: ${this.server.ending})`
    return `${this.server.kind} does not come to rest${how}: ${open.join('; ')}; last ${this.#lastStats}; ${this.server.output}`
  }
}

export interface SendHow {
  /** The server closes after it. */
  readonly isLast: boolean
  /** Must not be split. */
  readonly isWhole: boolean
  readonly isFreeTail: boolean
}

function numberOf(stats: string, name: string): number {
  return Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(stats)?.[1])
}

/** The text in up to six pieces of random sizes. */
function packetsOf(text: string, seed: number, isWhole: boolean): string[] {
  const random = seededRandom(seed)
  const count = isWhole ? 1 : 1 + Math.floor(random() ** 2 * PACKETS_MAX)
  const cuts = Array.from({ length: count - 1 }, () => Math.floor(random() * text.length))
  const places = [0, ...cuts.sort((a, b) => a - b), text.length]
  return places
    .slice(1)
    .map((end, i) => text.slice(places[i], end))
    .filter((packet) => packet !== '')
}
