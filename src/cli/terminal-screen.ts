/**
 * A terminal that is taken over as a whole, and given back as it was: the other screen, no cursor, keys
 * one by one. Touches the two streams it is given, and the end of this process.
 */
import process from 'node:process'
import type { OutputStream } from './output.ts'

const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

const ROWS_DEFAULT = 24
const COLUMNS_DEFAULT = 80
const CTRL_C = '\u0003'

/** What `process.stdin` is where it is a terminal. */
interface KeyStream extends NodeJS.ReadableStream {
  readonly isTTY?: boolean
  setRawMode?(isRaw: boolean): unknown
}

export interface ScreenListeners {
  readonly onResize: () => void
  /** The keys of one read; Ctrl-C comes as 'interrupt'. */
  readonly onKeys: (keys: string | 'interrupt') => void
}

export class TerminalScreen {
  readonly #stream: OutputStream
  readonly #keys: KeyStream | undefined
  readonly #listeners: ScreenListeners
  readonly #onData = (chunk: string | Uint8Array): void => {
    const keys = Buffer.from(chunk).toString('latin1')
    this.#listeners.onKeys(keys.includes(CTRL_C) ? 'interrupt' : keys)
  }
  /** Also where a second signal ends the process at once. */
  readonly #onExit = (): void => void this.#stream.write(LEAVE)

  /** Takes the terminal over. Without keys, as where stdin is no terminal, only signals end it. */
  constructor(stream: OutputStream, input: KeyStream, listeners: ScreenListeners) {
    this.#stream = stream
    this.#keys = input.isTTY === true ? input : undefined
    this.#listeners = listeners
    process.once('exit', this.#onExit)
    stream.on('resize', listeners.onResize)
    stream.write(ENTER)
    this.#keys?.setRawMode?.(true)
    this.#keys?.on('data', this.#onData)
    this.#keys?.resume()
  }

  get columns(): number {
    return this.#stream.columns || COLUMNS_DEFAULT
  }

  get rows(): number {
    return this.#stream.rows || ROWS_DEFAULT
  }

  /** The lines have to fit: at most `rows` of them, none wider than `columns`. */
  async paint(lines: readonly string[]): Promise<void> {
    // Cleared first: behind the last column of a full line the cursor still stands on its last character.
    const text = lines.map((line) => CLEAR_LINE + line).join('\r\n')
    await this.#write(HOME + text + (lines.length < this.rows ? `\r\n${CLEAR_BELOW}` : ''))
  }

  /** Gives the terminal back. */
  async leave(): Promise<void> {
    process.off('exit', this.#onExit)
    this.#stream.off('resize', this.#listeners.onResize)
    this.#keys?.off('data', this.#onData)
    this.#keys?.pause()
    this.#keys?.setRawMode?.(false)
    await this.#write(LEAVE)
  }

  #write(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(text, (error) => {
        if (error === null || error === undefined) resolve()
        else reject(error)
      })
    })
  }
}
