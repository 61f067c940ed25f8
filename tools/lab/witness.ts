/**
 * An honest client beside the hostile ones: keeps a ledger of the jobs that were acknowledged and of those
 * whose deletion was, and compares the server with it.
 */

import { Wire } from '../beanstalkd/wire.ts'

/** Nobody else uses this tube. */
const TUBE = 'witness'
const BODY_BYTES_MAX = 3_000
/** Jobs that stay; older ones are deleted. */
const JOBS_MAX = 2_000
/** Deleted ones of which it is seen that they stay away. */
const DELETED_MAX = 500

export class Witness {
  readonly #port: number
  readonly #random: () => number
  readonly #jobs = new Map<string, string>()
  readonly #deleted: string[] = []
  #puts = 0

  constructor(port: number, random: () => number) {
    this.#port = port
    this.#random = random
  }

  get jobs(): number {
    return this.#jobs.size
  }

  get puts(): number {
    return this.#puts
  }

  /** Puts until it is told to stop, some at once, and deletes what is too much. */
  async work(isOver: () => boolean): Promise<void> {
    const wire = await Wire.connect(this.#port)
    try {
      await wire.ask(`use ${TUBE}\r\n`)
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
      for (const [id, body] of this.#jobs) {
        const reply = await wire.ask(`peek ${id}\r\n`)
        if (reply === `FOUND ${id} ${body.length}\r\n${body}`) continue
        throw new Error(`job ${id} was acknowledged and is answered with ${reply.slice(0, 200)}`)
      }
      for (const id of this.#deleted) {
        const reply = await wire.ask(`peek ${id}\r\n`)
        if (reply !== 'NOT_FOUND') throw new Error(`job ${id} was deleted and is there again`)
      }
    } finally {
      wire.destroy()
    }
  }

  async #round(wire: Wire): Promise<void> {
    const bodies = Array.from({ length: 1 + this.#below(50) }, () => this.#body())
    wire.send(bodies.map((body) => `put 0 0 100 ${body.length}\r\n${body}\r\n`).join(''))
    for (const body of bodies) {
      const reply = await wire.next()
      const id = /^INSERTED (\d+)$/.exec(reply)?.[1]
      if (id === undefined) throw new Error(`an honest put is answered with ${reply}`)
      this.#jobs.set(id, body)
      this.#puts++
    }
    while (this.#jobs.size > JOBS_MAX) {
      const [id] = this.#jobs.keys()
      if (id === undefined) return
      const reply = await wire.ask(`delete ${id}\r\n`)
      if (reply !== 'DELETED') throw new Error(`delete ${id} is answered with ${reply}`)
      this.#jobs.delete(id)
      this.#deleted.push(id)
      if (this.#deleted.length > DELETED_MAX) this.#deleted.shift()
    }
  }

  #body(): string {
    const bytes = this.#below(BODY_BYTES_MAX)
    return `${this.#puts}:${String.fromCharCode(33 + this.#below(200)).repeat(bytes)}`
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }
}
