/**
 * An honest client beside hostile ones, or of a server that is killed: keeps a ledger of the jobs that were
 * acknowledged and of those whose deletion was, and compares the server with it.
 */

import { Wire } from '../beanstalkd/wire.ts'

/** Nobody else uses this tube. */
const TUBE = 'witness'
const BODY_BYTES_MAX = 3_000
/** Jobs that stay unless told; more are deleted. */
const JOBS_MAX = 2_000
/** Deleted ones of which it is seen that they stay away. */
const DELETED_MAX = 500
/** Of the deletions, those of a job that was reserved first. */
const RESERVE_SHARE = 0.5
/** Asked for at once. */
const PEEKS = 100

export class Witness {
  readonly #port: number
  readonly #random: () => number
  readonly #jobsMax: number
  readonly #jobs = new Map<string, string>()
  readonly #deleted: string[] = []
  /** Whether these were deleted, their server died before it said. */
  readonly #unsure = new Map<string, string>()
  /** Put, and not answered: perhaps these are there. */
  readonly #unanswered = new Set<string>()
  #sent = 0
  #puts = 0
  #deletions = 0

  constructor(port: number, random: () => number, jobsMax = JOBS_MAX) {
    this.#port = port
    this.#random = random
    this.#jobsMax = jobsMax
  }

  get jobs(): number {
    return this.#jobs.size
  }

  get puts(): number {
    return this.#puts
  }

  get deletions(): number {
    return this.#deletions
  }

  /** Puts until it is told to stop, some at once, and deletes what is too much. */
  async work(isOver: () => boolean): Promise<void> {
    const wire = await Wire.connect(this.#port)
    try {
      await wire.ask(`use ${TUBE}\r\n`)
      await wire.ask(`watch ${TUBE}\r\n`)
      await wire.ask('ignore default\r\n')
      do await this.#round(wire)
      while (!isOver())
    } finally {
      wire.destroy()
    }
  }

  /** Throws where the server has lost a job, changed one, or has one that was deleted. */
  async check(): Promise<void> {
    const wire = await Wire.connect(this.#port)
    try {
      await this.#peekAll(wire, [...this.#unsure.keys()], (id, reply) => this.#settle(id, reply))
      await this.#peekAll(wire, [...this.#jobs.keys()], (id, reply) => {
        if (reply === found(id, this.#jobs.get(id) ?? '')) return
        throw new Error(`job ${id} was acknowledged and is answered with ${reply.slice(0, 200)}`)
      })
      await this.#peekAll(wire, this.#deleted, (id, reply) => {
        if (reply !== 'NOT_FOUND') throw new Error(`job ${id} was deleted and is there again`)
      })
    } finally {
      wire.destroy()
    }
  }

  async #peekAll(
    wire: Wire,
    ids: readonly string[],
    take: (id: string, reply: string) => void,
  ): Promise<void> {
    for (let from = 0; from < ids.length; from += PEEKS) {
      const some = ids.slice(from, from + PEEKS)
      wire.send(some.map((id) => `peek ${id}\r\n`).join(''))
      for (const id of some) take(id, await wire.next())
    }
  }

  #settle(id: string, reply: string): void {
    const body = this.#unsure.get(id) ?? ''
    this.#unsure.delete(id)
    if (reply === 'NOT_FOUND') this.#noteDeleted(id)
    else if (reply === found(id, body)) this.#jobs.set(id, body)
    else throw new Error(`job ${id}, perhaps deleted, is answered with ${reply.slice(0, 200)}`)
  }

  async #round(wire: Wire): Promise<void> {
    const bodies = Array.from({ length: 1 + this.#below(50) }, () => this.#body())
    for (const body of bodies) this.#unanswered.add(body)
    wire.send(bodies.map((body) => `put 0 0 100 ${body.length}\r\n${body}\r\n`).join(''))
    for (const body of bodies) {
      const reply = await wire.next()
      const id = /^INSERTED (\d+)$/.exec(reply)?.[1]
      if (id === undefined) throw new Error(`an honest put is answered with ${reply}`)
      this.#unanswered.delete(body)
      if (this.#jobs.has(id)) throw new Error(`id ${id} was given again`)
      this.#jobs.set(id, body)
      this.#puts++
    }
    while (this.#jobs.size > this.#jobsMax) await this.#deleteOne(wire)
  }

  async #deleteOne(wire: Wire): Promise<void> {
    const reserves = this.#random() < RESERVE_SHARE
    const [id] = reserves ? [await this.#reserve(wire)] : this.#jobs.keys()
    if (id === undefined) return
    this.#unsure.set(id, this.#jobs.get(id) ?? '')
    this.#jobs.delete(id)
    const reply = await wire.ask(`delete ${id}\r\n`)
    if (reply !== 'DELETED') throw new Error(`delete ${id} is answered with ${reply}`)
    this.#unsure.delete(id)
    this.#noteDeleted(id)
    this.#deletions++
  }

  async #reserve(wire: Wire): Promise<string> {
    const reply = await wire.ask('reserve-with-timeout 0\r\n')
    const [, id = '', body = ''] = /^RESERVED (\d+) \d+\r\n(.*)$/s.exec(reply) ?? []
    if (this.#deleted.includes(id)) throw new Error(`job ${id} was deleted and comes again`)
    const known = this.#jobs.get(id)
    // One that was put, and whose server died before it said so.
    const isReal = known === undefined ? this.#unanswered.delete(body) : known === body
    if (!isReal) throw new Error(`a reservation is answered with ${reply.slice(0, 200)}`)
    this.#jobs.set(id, body)
    return id
  }

  #noteDeleted(id: string): void {
    this.#deleted.push(id)
    if (this.#deleted.length > DELETED_MAX) this.#deleted.shift()
  }

  #body(): string {
    const bytes = this.#below(BODY_BYTES_MAX)
    return `${this.#sent++}:${String.fromCharCode(33 + this.#below(200)).repeat(bytes)}`
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }
}

function found(id: string, body: string): string {
  return `FOUND ${id} ${body.length}\r\n${body}`
}
