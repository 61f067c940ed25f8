/**
 * An honest client of the memcache port of a server that is killed: what was STORED comes once and whole, and what
 * was taken or closed does not come again. Its ledger knows what was on its way when the server died.
 */
import { connect, type Socket } from 'node:net'

/** Nobody else uses this queue: what one protocol puts, the other may take. */
const QUEUE = 'kestrel'
const BODY_BYTES_MAX = 2_000
/** Messages that stay; more are taken. */
const STORED_MAX = 30
/** Of what is taken, that which is opened first and then closed. */
const OPEN_SHARE = 0.5
const ANSWER_MS_MAX = 20_000

export class MemcacheWitness {
  readonly #port: number
  readonly #random: () => number
  /** Stored, and not taken. */
  readonly #stored = new Set<string>()
  /** Perhaps there: their server died before it said whether they were stored or closed. */
  readonly #unsure = new Set<string>()
  /** Reads that were not answered: each may have taken one, which nobody saw. */
  #unseen = 0
  #sent = 0
  #puts = 0
  #taken = 0

  constructor(port: number, random: () => number) {
    this.#port = port
    this.#random = random
  }

  get puts(): number {
    return this.#puts
  }

  get taken(): number {
    return this.#taken
  }

  /** Puts until it is told to stop, some at once, and takes what is too much. */
  async work(isOver: () => boolean): Promise<void> {
    const line = await Conversation.connect(this.#port)
    try {
      do {
        await this.#put(line)
        while (this.#stored.size > STORED_MAX) await this.#take(line)
      } while (!isOver())
    } finally {
      line.destroy()
    }
  }

  /** Takes all that is left; throws where anything is missing. */
  async drain(): Promise<void> {
    const line = await Conversation.connect(this.#port)
    try {
      while (await this.#take(line));
    } finally {
      line.destroy()
    }
    if (this.#stored.size > this.#unseen) {
      const [first = ''] = this.#stored
      throw new Error(
        `${this.#stored.size} were stored and do not come, ${this.#unseen} of them perhaps unseen: ${first.slice(0, 40)}`,
      )
    }
  }

  async #put(line: Conversation): Promise<void> {
    const bodies = Array.from({ length: 1 + this.#below(20) }, () => this.#body())
    for (const body of bodies) this.#unsure.add(body)
    line.send(bodies.map((body) => `set ${QUEUE} 0 0 ${body.length}\r\n${body}\r\n`).join(''))
    for (const body of bodies) {
      const reply = await line.nextLine()
      if (reply !== 'STORED') throw new Error(`an honest set is answered with ${reply}`)
      this.#unsure.delete(body)
      this.#stored.add(body)
      this.#puts++
    }
  }

  /** False where there is none. */
  async #take(line: Conversation): Promise<boolean> {
    const opens = this.#random() < OPEN_SHARE
    if (!opens) this.#unseen++
    const body = await line.get(opens ? `${QUEUE}/open` : QUEUE)
    if (!opens) this.#unseen--
    if (body === undefined) return false
    if (!this.#stored.delete(body) && !this.#unsure.delete(body)) {
      throw new Error(`what was never put, or is gone, comes: ${JSON.stringify(body.slice(0, 40))}`)
    }
    this.#taken++
    if (!opens) return true
    this.#unsure.add(body)
    const rest = await line.get(`${QUEUE}/close`)
    if (rest !== undefined) throw new Error('a close is answered with a message')
    this.#unsure.delete(body)
    return true
  }

  #body(): string {
    return `${this.#sent++}:${'m'.repeat(this.#below(BODY_BYTES_MAX))}`
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }
}

/** One connection: bytes out, lines and bodies in. */
class Conversation {
  readonly #socket: Socket
  #text = ''
  #isOver = false
  #changed: () => void = () => undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#changed()
    })
    // What was said before counts; that it ended shows when more is asked for.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#isOver = true
      this.#changed()
    })
  }

  static connect(port: number): Promise<Conversation> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new Conversation(socket))
      })
    })
  }

  send(bytes: string): void {
    this.#socket.write(bytes, 'latin1')
  }

  async nextLine(): Promise<string> {
    let end = this.#text.indexOf('\r\n')
    while (end < 0) {
      await this.#more()
      end = this.#text.indexOf('\r\n')
    }
    return this.#cut(end)
  }

  /** The body of the one message that is answered; undefined where none is. */
  async get(key: string): Promise<string | undefined> {
    this.send(`get ${key}\r\n`)
    const first = await this.nextLine()
    if (first === 'END') return undefined
    const bytes = /^VALUE \S+ 0 (\d+)$/.exec(first)?.[1]
    if (bytes === undefined) throw new Error(`get ${key} is answered with ${first}`)
    while (this.#text.length < Number(bytes) + 2) await this.#more()
    const body = this.#cut(Number(bytes))
    const last = await this.nextLine()
    if (last !== 'END') throw new Error(`a message is followed by ${last}`)
    return body
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** What stands in front of this, with the CRLF taken off behind it. */
  #cut(end: number): string {
    const text = this.#text.slice(0, end)
    this.#text = this.#text.slice(end + 2)
    return text
  }

  #more(): Promise<void> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(
        () => reject(new Error(`no reply within ${ANSWER_MS_MAX} ms`)),
        ANSWER_MS_MAX,
      )
      const had = this.#text.length
      const look = (): void => {
        if (this.#text.length === had && !this.#isOver) return
        clearTimeout(limit)
        this.#changed = () => undefined
        if (this.#text.length === had) reject(new Error('the server closed the connection'))
        else resolve()
      }
      this.#changed = look
      look()
    })
  }
}
