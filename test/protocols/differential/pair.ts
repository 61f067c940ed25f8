/**
 * Runs a script on both servers, step by step, and compares what they answer. Stops at the first
 * difference that has no name.
 */

import { wordOf } from '../../../tools/beanstalkd/replies.ts'
import type { ServerProcess } from '../../../tools/beanstalkd/server-process.ts'
import { CLOSED, commandOf } from './commands.ts'
import type { Coverage } from './coverage.ts'
import { levelled } from './differences.ts'
import { type Request, RequestReader } from './requests.ts'
import { type Script, type Step, withIds } from './script.ts'
import { Side } from './side.ts'

/** Commands that neither change anything that others see nor depend on it. */
const NEUTRAL = ['list-tube-used', 'list-tubes-watched']
/** The server reads so many bytes at a time; longer lines have to come in one piece, see `requests.ts`. */
const LINE_BYTES_MAX = 224
const MOMENT_MS = 500
const LOOK_EVERY_MS = 2
/** Of a command that is sent while its connection waits. */
const UNREAD_BYTES_MAX = 300

export interface Mismatch {
  readonly step: number
  readonly why: string
  /** It is one of the named differences that cannot be levelled: only the rest of the script is lost by it. */
  readonly isNamed?: true
}

export type StartServer = () => Promise<ServerProcess>

export class Pair {
  readonly #left: Side
  readonly #right: Side
  readonly #coverage: Coverage
  /** Jobs in the order in which they were put, with the ids that each server gave them. */
  readonly #leftIds: string[] = []
  readonly #rightIds: string[] = []
  /** Connections end in this step, and their jobs go to others. */
  #isEnding = false
  /** Both gave a job to who waited for those of a connection that ended, though not the same one. */
  #isOtherJob = false
  readonly #pending = new Map<number, { reader: RequestReader; requests: Request[] }>()

  private constructor(left: Side, right: Side, coverage: Coverage) {
    this.#left = left
    this.#right = right
    this.#coverage = coverage
  }

  static async start(left: StartServer, right: StartServer, coverage: Coverage): Promise<Pair> {
    const begun = await Promise.allSettled([left(), right()])
    const servers: ServerProcess[] = []
    for (const one of begun) if (one.status === 'fulfilled') servers.push(one.value)
    for (const one of begun) {
      if (one.status === 'fulfilled') continue
      for (const server of servers) await server.kill()
      throw one.reason
    }
    const [one, other] = await Promise.all(servers.map((server) => Side.open(server)))
    if (one === undefined || other === undefined) throw new Error('two servers make a pair')
    return new Pair(one, other, coverage)
  }

  async kill(): Promise<void> {
    await Promise.all([this.#left.server.kill(), this.#right.server.kill()])
  }

  /** The first difference, or undefined. Behind one the pair cannot be used any more. */
  async run(script: Script): Promise<Mismatch | undefined> {
    for (const [index, step] of script.entries()) {
      const why = await this.#step(step).catch((error: unknown) => String(error))
      if (why !== undefined) return this.#mismatch(index, why)
    }
    // One that answers may let others go on.
    for (let index = this.#left.blocked[0]; index !== undefined; index = this.#left.blocked[0]) {
      const why = await this.#step({ kind: 'half-close', connection: index })
      if (why !== undefined) return this.#mismatch(script.length, `behind the last step: ${why}`)
    }
    try {
      await Promise.all([this.#left.clear(this.#leftIds), this.#right.clear(this.#rightIds)])
    } catch (error) {
      return { step: script.length, why: `behind the last step: ${error}` }
    }
    this.#leftIds.length = 0
    this.#rightIds.length = 0
    this.#pending.clear()
    return undefined
  }

  #mismatch(step: number, why: string): Mismatch {
    return this.#isOtherJob ? { step, why, isNamed: true } : { step, why }
  }

  async #step(step: Step): Promise<string | undefined> {
    const sides = [this.#left, this.#right]
    this.#isEnding =
      step.kind === 'close' ||
      step.kind === 'half-close' ||
      (step.kind === 'send' && step.commands.some((one) => commandOf(one) === 'quit'))
    if (step.kind === 'wait') {
      await new Promise((resolve) => setTimeout(resolve, step.seconds * 1000))
      await Promise.all(sides.map((side) => side.rest()))
    } else if (step.kind === 'drain') {
      for (const side of sides) side.server.signal('SIGUSR1')
      await Promise.all(sides.map((side) => side.isDraining()))
    } else if (step.kind === 'send') {
      const mustAnswer = step.answered ? step.connection : undefined
      if (!(await this.#send(step))) return undefined
      await Promise.all(sides.map((side) => side.rest(mustAnswer)))
    } else {
      await this.#end(step.connection, step.kind)
    }
    await this.#agree()
    return this.#compare()
  }

  /**
   * A job goes to who waits for it within the put on one side, and once it is durable on the other: a put may
   * be answered a moment before that. So the two get a moment to come to the same.
   */
  async #agree(): Promise<void> {
    const limit = performance.now() + MOMENT_MS
    while (this.#left.outline !== this.#right.outline && performance.now() < limit) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
      await Promise.all([this.#left.rest(), this.#right.rest()])
    }
  }

  /**
   * A connection that waits is never closed at once: whether the server still reads what stands behind the
   * reserve would be chance.
   */
  async #end(connection: number, kind: 'close' | 'half-close'): Promise<void> {
    const sides = [this.#left, this.#right]
    const isGentle = kind === 'half-close' || this.#left.blocked.includes(connection)
    for (const side of sides) {
      if (isGentle) side.halfClose(connection)
      else side.close(connection)
    }
    if (!isGentle) this.#pending.delete(connection)
    await Promise.all(sides.map((side) => side.rest()))
  }

  async #send(step: Extract<Step, { kind: 'send' }>): Promise<boolean> {
    const { connection, packetSeed } = step
    const commands = this.#admissible(step)
    const last = commands.at(-1)
    if (last === undefined) return false
    const pending = this.#pending.get(connection) ?? { reader: new RequestReader(), requests: [] }
    this.#pending.set(connection, pending)
    const how = {
      isLast: commandOf(last) === 'quit',
      isWhole: commands.some((one) => one.indexOf('\r\n') + 2 > LINE_BYTES_MAX),
      isFreeTail: commands.some((one, i) => i > 0 && !isNeutral(one)) || !isNeutral(last),
    }
    const [left, right] = [this.#leftIds, this.#rightIds].map((ids) =>
      commands.map((command) => withIds(command, ids)).join(''),
    )
    if (left === undefined || right === undefined) throw new Error('two servers make a pair')
    pending.requests.push(...pending.reader.push(left))
    await Promise.all([
      this.#left.send(connection, left, packetSeed, how),
      this.#right.send(connection, right, packetSeed, how),
    ])
    return true
  }

  /**
   * The commands of a step that have but one outcome now. What wakes a connection runs beside the commands
   * that wait there, so those two must not touch the same things: while connections wait, bursts are
   * short, and what is sent behind a waiting reserve is neutral where another waits too.
   */
  #admissible({ connection, commands }: Extract<Step, { kind: 'send' }>): readonly string[] {
    const blocked = this.#left.blocked
    const isBlocked = blocked.includes(connection)
    const others = blocked.filter((index) => index !== connection)
    const short = shortBehindReserve(commands, isBlocked)
    if (others.length === 0) return short
    if (isBlocked) return short.filter(isNeutral)
    const limited = others.some((index) => this.#left.hasFreeTail(index))
      ? short.slice(0, 1)
      : short
    // One waits at a time: which of several is served first is a named difference.
    return limited.filter((one) => !isReserve(one))
  }

  #compare(): string | undefined {
    const [left, right] = [this.#left.take(), this.#right.take()]
    // A job that was put on one connection may have been taken by another.
    for (const [index, { requests }] of this.#pending) {
      this.#noteIds(requests, left.get(index) ?? [], right.get(index) ?? [])
    }
    for (const index of new Set([...left.keys(), ...right.keys()])) {
      const why = this.#compareConnection(index, left.get(index) ?? [], right.get(index) ?? [])
      if (why !== undefined) return `connection ${index}: ${why}`
    }
    const [one, other] = [this.#left.blocked, this.#right.blocked].map((list) => list.join(' '))
    return one === other ? undefined : `connections that wait: ${one} | ${other}`
  }

  #compareConnection(
    index: number,
    left: readonly string[],
    right: readonly string[],
  ): string | undefined {
    const requests = this.#pending.get(index)?.requests ?? []
    for (let i = 0; i < Math.max(left.length, right.length); i++) {
      const [one, other] = [left[i], right[i]]
      const isEnd = one === CLOSED || other === CLOSED
      const request = isEnd && requests[0]?.command !== 'quit' ? undefined : requests.shift()
      const command = request?.command ?? (isEnd ? 'end' : '')
      if (one === undefined || other === undefined || !this.#areSame(command, one, other)) {
        const areJobs = [one, other].every((reply) => reply?.startsWith('RESERVED '))
        this.#isOtherJob = this.#isEnding && areJobs
        return `${command} ${shown(request?.line)} is answered\n${shown(one)}\n${shown(other)}`
      }
      if (command === '') return `${shown(one)} answers nothing that was sent`
      this.#coverage.note(command, one === CLOSED ? CLOSED : wordOf(one))
      if (one === CLOSED) this.#pending.delete(index)
    }
    return undefined
  }

  #noteIds(requests: readonly Request[], left: readonly string[], right: readonly string[]): void {
    for (const [i, { command }] of requests.slice(0, left.length).entries()) {
      if (command !== 'put') continue
      const [one, other] = [left[i], right[i]].map(
        (reply) => /^(?:INSERTED|BURIED) (\d+)$/.exec(reply ?? '')?.[1],
      )
      if (one === undefined || other === undefined) continue
      this.#leftIds.push(one)
      this.#rightIds.push(other)
      this.#coverage.noteIds(one, other)
    }
  }

  #areSame(command: string, left: string, right: string): boolean {
    const [one, other] = levelled(
      command,
      this.#numbered(command, left, this.#leftIds, this.#left),
      this.#numbered(command, right, this.#rightIds, this.#right),
    )
    return one === other
  }

  /** A reply with numbers in place of ids, and without what the test itself has asked. */
  #numbered(command: string, reply: string, ids: readonly string[], side: Side): string {
    const name = (id: string): string => {
      const index = ids.lastIndexOf(id)
      return index === -1 ? `job ${id} that no script has put` : `job ${index}`
    }
    if (command === 'stats') {
      const own = side.statsAsked
      const isKnown = this.#left.statsAsked !== undefined && this.#right.statsAsked !== undefined
      return reply.replace(/^cmd-stats: (\d+)$/m, (_, count) =>
        isKnown && own !== undefined ? `cmd-stats: ${Number(count) - own}` : 'cmd-stats: *',
      )
    }
    if (command === 'stats-job') return reply.replace(/^id: (\d+)$/m, (_, id) => `id: ${name(id)}`)
    return reply.replace(/^(INSERTED|BURIED|RESERVED|FOUND) (\d+)/, (_, word, id) => {
      return `${word} ${name(id)}`
    })
  }
}

/**
 * What waits unread must fit the buffers of the connection, or the server never learns that it ends. Nor
 * may it count what is done meanwhile.
 */
function shortBehindReserve(commands: readonly string[], isBlocked: boolean): readonly string[] {
  const reserve = isBlocked ? 0 : commands.findIndex(isReserve)
  if (reserve === -1) return commands
  return commands.filter(
    (one, i) =>
      i < reserve ||
      (one.length <= UNREAD_BYTES_MAX && !['quit', 'stats'].includes(commandOf(one))),
  )
}

function isReserve(command: string): boolean {
  return command === 'reserve\r\n'
}

function isNeutral(command: string): boolean {
  return NEUTRAL.includes(commandOf(command))
}

function shown(text: string | undefined): string {
  if (text === undefined) return '(nothing)'
  const json = JSON.stringify(text)
  return json.length > 1200 ? `${json.slice(0, 1200)}... (${text.length} bytes)` : json
}
