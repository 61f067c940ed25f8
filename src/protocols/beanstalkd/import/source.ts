/**
 * A beanstalkd that is drained, as a client sees it: commands that are sent many at a time, and what their
 * replies say. Speaks through the wire that it is given.
 */
import { QlogError } from '../../../errors.ts'
import { isTubeName } from '../names.ts'
import { fieldsOf, namesOf, type SourceReply } from './reply-reader.ts'

/** The longest time that the protocol can say, in seconds. */
export const U32_MAX = 0xffff_ffff

/** A connection to it. */
export interface SourceWire {
  send(text: string): void
  /** The next reply. Rejects with QLOG_SOURCE where there is none in time, or the connection has ended. */
  next(): Promise<SourceReply>
}

export type PeekedState = 'ready' | 'delayed' | 'buried'

export interface SourceJob {
  readonly id: number
  readonly bytes: number
  /** Undefined where no store takes one of this length. */
  readonly body: Uint8Array | undefined
}

export interface SourceJobStats {
  readonly state: string
  readonly priority: number
  readonly ttrSeconds: number
  readonly leftSeconds: number
}

export interface SourceTubeStats {
  readonly ready: number
  readonly reserved: number
  readonly delayed: number
  readonly buried: number
  readonly pauseLeftSeconds: number
}

export class Source {
  readonly #wire: SourceWire
  /** Names the process, and so its ids: it counts them and gives none twice. Undefined where it has no name. */
  readonly identity: string | undefined
  readonly version: string
  /** It knows `reserve-job`: since 1.12. */
  readonly reservesById: boolean
  readonly jobBytesMax: number
  #watched = 'default'

  private constructor(
    wire: SourceWire,
    fields: ReadonlyMap<string, string>,
    reservesById: boolean,
  ) {
    this.#wire = wire
    this.version = fields.get('version') ?? ''
    const id = fields.get('id') ?? ''
    this.identity = /^[0-9a-f]{8,32}$/i.test(id) ? id : undefined
    this.reservesById = reservesById
    this.jobBytesMax = Number(fields.get('max-job-size') ?? Number.NaN)
  }

  /** Finds out what it can. Rejects with QLOG_SOURCE where it is no beanstalkd. */
  static async meet(wire: SourceWire): Promise<Source> {
    wire.send('stats\r\n')
    const fields = fieldsOf(bodyOf(await wire.next(), 'stats'))
    if (!fields.has('current-jobs-ready')) throw noBeanstalkd('stats', '')
    // No job has this id. Who does not know the command says so in one way or another.
    wire.send('reserve-job 0\r\n')
    return new Source(wire, fields, (await wire.next()).line === 'NOT_FOUND')
  }

  async tubes(): Promise<readonly string[]> {
    this.#wire.send('list-tubes\r\n')
    const names = namesOf(bodyOf(await this.#wire.next(), 'list-tubes'))
    const wrong = names.find((name) => !isTubeName(name))
    if (wrong !== undefined) throw noBeanstalkd('list-tubes', wrong)
    return names
  }

  /** Undefined where it is gone. */
  async tubeStats(tube: string): Promise<SourceTubeStats | undefined> {
    this.#wire.send(`stats-tube ${tube}\r\n`)
    const reply = await this.#wire.next()
    if (reply.line === 'NOT_FOUND') return undefined
    const fields = fieldsOf(bodyOf(reply, 'stats-tube'))
    const of = (name: string): number => numberOf(fields, name)
    // Absent before 1.5, which knew no pause.
    const left = fields.has('pause-time-left') ? leftOf(fields, 'pause-time-left', 'pause') : 0
    const isPaused = left > 0 || (left === 0 && fields.has('pause') && of('pause') > 0)
    return {
      ready: of('current-jobs-ready'),
      reserved: of('current-jobs-reserved'),
      delayed: of('current-jobs-delayed'),
      buried: of('current-jobs-buried'),
      // It is told in whole seconds, without the fraction: never too early, and in its last second it goes on.
      pauseLeftSeconds: isPaused ? Math.min(U32_MAX, left + 1) : 0,
    }
  }

  /** Looks at this tube from now on, and takes jobs of no other. */
  async turnTo(tube: string): Promise<void> {
    const before = this.#watched
    const commands = [`use ${tube}`, `watch ${tube}`]
    if (before !== tube) commands.push(`ignore ${before}`)
    for (const { line } of await this.#askAll(commands)) {
      if (!line.startsWith('USING ') && !line.startsWith('WATCHING '))
        throw noBeanstalkd('use', line)
    }
    this.#watched = tube
  }

  /**
   * As many ready jobs as there are, up to `count`; they are reserved. Of those beyond `bytesMax` nothing is
   * kept but the ids; the first one is kept whatever its length. None comes twice.
   */
  async reserve(count: number, bytesMax: number): Promise<Reserved> {
    const jobs: SourceJob[] = []
    const beyond: number[] = []
    const met = new Set<number>()
    let bytes = 0
    this.#wire.send('reserve-with-timeout 0\r\n'.repeat(count))
    for (let replies = 0; replies < count; replies += 1) {
      const reply = await this.#wire.next()
      if (reply.line === 'TIMED_OUT' || reply.line === 'DEADLINE_SOON') continue
      const job = jobOf(reply, 'RESERVED')
      // A short time to run may be over before the last of these reserves, which then gets the job again.
      if (met.has(job.id)) continue
      met.add(job.id)
      bytes += job.body?.length ?? 0
      if (bytes <= bytesMax || jobs.length === 0) jobs.push(job)
      else beyond.push(job.id)
    }
    return { jobs, beyond }
  }

  /** The first job of this state in the tube. */
  async peek(state: PeekedState): Promise<SourceJob | undefined> {
    this.#wire.send(`peek-${state}\r\n`)
    return foundOf(await this.#wire.next())
  }

  /**
   * What is known of a job, the job itself if it could be reserved, and the one that is the first of the state
   * then.
   */
  async claim(id: number, state: PeekedState): Promise<Claim> {
    const commands = [`stats-job ${id}`, `reserve-job ${id}`, `peek-${state}`]
    const [told, reserved, next] = await this.#askAll(commands)
    if (told === undefined || reserved === undefined || next === undefined) throw new Error('three')
    const job = reserved.line === 'NOT_FOUND' ? undefined : jobOf(reserved, 'RESERVED')
    return { stats: jobStatsOf(told), job, next: foundOf(next) }
  }

  /** Of each job; undefined where it is gone. */
  async jobStats(ids: readonly number[]): Promise<readonly (SourceJobStats | undefined)[]> {
    return (await this.#askAll(ids.map((id) => `stats-job ${id}`))).map(jobStatsOf)
  }

  /** Of each job: false where it is gone, or somebody has reserved it. */
  async delete(ids: readonly number[]): Promise<readonly boolean[]> {
    const replies = await this.#askAll(ids.map((id) => `delete ${id}`))
    return replies.map(({ line }) => {
      if (line !== 'DELETED' && line !== 'NOT_FOUND') throw noBeanstalkd('delete', line)
      return line === 'DELETED'
    })
  }

  /** Their times to run begin anew, but for those that ran out already: giving those back tells. */
  async touch(ids: readonly number[]): Promise<void> {
    for (const { line } of await this.#askAll(ids.map((id) => `touch ${id}`))) {
      if (line !== 'TOUCHED' && line !== 'NOT_FOUND') throw noBeanstalkd('touch', line)
    }
  }

  /**
   * Gives jobs back that were reserved: as they were, as far as it lets. Resolves with the ids of those that
   * were not reserved any more.
   */
  async giveBack(
    jobs: readonly (SourceJobStats & { readonly id: number })[],
  ): Promise<readonly number[]> {
    const replies = await this.#askAll(
      jobs.map(({ id, state, priority, leftSeconds }) => {
        if (state === 'buried') return `bury ${id} ${priority}`
        return `release ${id} ${priority} ${state === 'delayed' ? leftSeconds : 0}`
      }),
    )
    return jobs.flatMap(({ id }, row) => {
      const line = replies[row]?.line ?? ''
      if (!/^(?:RELEASED|BURIED|NOT_FOUND)$/.test(line)) throw noBeanstalkd('release', line)
      return line === 'NOT_FOUND' ? [id] : []
    })
  }

  async #askAll(commands: readonly string[]): Promise<SourceReply[]> {
    const replies: SourceReply[] = []
    if (commands.length === 0) return replies
    this.#wire.send(`${commands.join('\r\n')}\r\n`)
    while (replies.length < commands.length) replies.push(await this.#wire.next())
    return replies
  }
}

interface Reserved {
  readonly jobs: readonly SourceJob[]
  readonly beyond: readonly number[]
}

interface Claim {
  readonly stats: SourceJobStats | undefined
  readonly job: SourceJob | undefined
  readonly next: SourceJob | undefined
}

function foundOf(reply: SourceReply): SourceJob | undefined {
  return reply.line === 'NOT_FOUND' ? undefined : jobOf(reply, 'FOUND')
}

function jobOf({ line, bytes, body }: SourceReply, word: string): SourceJob {
  const [, found, id] = /^([A-Z]+) (\d+) \d+$/.exec(line) ?? []
  const number = Number(id)
  if (found !== word || !Number.isSafeInteger(number)) throw noBeanstalkd(word, line)
  return { id: number, bytes, body }
}

function jobStatsOf(reply: SourceReply): SourceJobStats | undefined {
  if (reply.line === 'NOT_FOUND') return undefined
  const fields = fieldsOf(bodyOf(reply, 'stats-job'))
  return {
    state: fields.get('state') ?? '',
    priority: numberOf(fields, 'pri'),
    ttrSeconds: numberOf(fields, 'ttr'),
    leftSeconds: Math.max(0, leftOf(fields, 'time-left', 'delay')),
  }
}

function bodyOf({ line, body }: SourceReply, command: string): Uint8Array {
  if (!line.startsWith('OK ') || body === undefined) throw noBeanstalkd(command, line)
  return body
}

function numberOf(fields: ReadonlyMap<string, string>, name: string): number {
  const word = fields.get(name) ?? ''
  if (!/^\d{1,20}$/.test(word)) throw noBeanstalkd('statistics', `${name}: ${word}`)
  return Math.min(U32_MAX, Number(word))
}

/** From here on a number of 32 bits may be one below 0. */
const I32_END = 0x8000_0000

/**
 * What is left of a time; below 0 where it is over, which a server notices a little later. 1.4 tells that as a
 * huge number without a sign. A time may be as long, but what is left of it is no longer than the `whole`.
 */
function leftOf(fields: ReadonlyMap<string, string>, name: string, whole: string): number {
  const word = fields.get(name) ?? ''
  if (/^-\d{1,20}$/.test(word)) return -1
  const left = numberOf(fields, name)
  if (left < I32_END) return left
  const wholeSeconds = fields.has(whole) ? numberOf(fields, whole) : 0
  return Number(word) > wholeSeconds ? -1 : left
}

function noBeanstalkd(command: string, line: string): QlogError {
  return new QlogError(
    'QLOG_SOURCE',
    `what answers ${command} is no beanstalkd: ${JSON.stringify(line.slice(0, 60))}`,
  )
}
