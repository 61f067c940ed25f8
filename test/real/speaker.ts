/** A child that is talked with line by line, and must answer in time. */
import { kill, type Running } from './children.ts'

/** A child that has not said by then what it is waited for never will. */
const WORD_MS_MAX = 60_000

export class Speaker {
  readonly #running: Running
  readonly #what: string
  readonly #hear: (line: string) => void
  #last = 'nothing'

  /** `hear` is given every line, before whoever waits for it. */
  constructor(running: Running, what: string, hear: (line: string) => void) {
    this.#running = running
    this.#what = what
    this.#hear = hear
  }

  say(line: string): void {
    this.#running.child.stdin.write(`${line}\n`)
  }

  /** Hears lines up to one that satisfies; throws where the child stops talking, or says `error`. */
  async until(isIt: (line: string) => boolean): Promise<string> {
    const endMs = performance.now() + WORD_MS_MAX
    for (;;) {
      const line = await this.#next(endMs - performance.now())
      if (line === undefined) throw new Error(`${this.#what} ended`)
      this.#take(line)
      if (isIt(line)) return line
    }
  }

  /** Lets it end by itself. */
  async close(): Promise<void> {
    this.say('close')
    await this.until((line) => line === 'closed')
    // An input that stays open keeps a process alive.
    this.#running.child.stdin.end()
    for await (const line of this.#running.lines) this.#take(line)
    const code = await this.#running.ended
    if (code !== 0) throw new Error(`${this.#what} ended with ${code}`)
  }

  async kill(): Promise<void> {
    const killed = kill(this.#running.child)
    for await (const line of this.#running.lines) this.#take(line)
    await killed
  }

  #take(line: string): void {
    if (line.startsWith('error')) throw new Error(`${this.#what}: ${line}`)
    this.#last = line
    this.#hear(line)
  }

  async #next(waitMs: number): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<never>((_resolve, reject) => {
      const late = (): void =>
        reject(new Error(`${this.#what} goes on without what it should say; last: ${this.#last}`))
      timer = setTimeout(late, waitMs)
    })
    try {
      const line = await Promise.race([this.#running.lines.next(), silence])
      return line.done === true ? undefined : line.value
    } finally {
      clearTimeout(timer)
    }
  }
}
