/**
 * The two streams of a command: data on stdout, words on stderr. Knows whether they are terminals,
 * and therefore whether colour and progress are wanted. Touches nothing but the streams it is given.
 */
import { escapeControl } from './text.ts'

/** Data is gathered up to this size before it is written. */
const CHUNK_BYTES = 64 * 1024

/** What a command needs of a stream. `process.stdout` and `process.stderr` are such. */
export interface OutputStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

/** The reader of stdout went away: nothing more is wanted. */
export class OutputClosedError extends Error {
  constructor() {
    super('the reader of the output went away')
    this.name = 'OutputClosedError'
  }
}

/** Marks words for a terminal; returns them unchanged where there is none. */
export interface Styles {
  bold(words: string): string
  dim(words: string): string
  red(words: string): string
  green(words: string): string
  yellow(words: string): string
}

export class Output {
  readonly #stdout: OutputStream
  readonly #stderr: OutputStream
  readonly #environment: NodeJS.ProcessEnv
  #colourRefused = false
  #parts: (string | Uint8Array)[] = []
  #partsBytes = 0
  #lastWrite: Promise<void> = Promise.resolve()
  #failure: Error | undefined
  #progressShown = false

  constructor(stdout: OutputStream, stderr: OutputStream, environment: NodeJS.ProcessEnv) {
    this.#stdout = stdout
    this.#stderr = stderr
    this.#environment = environment
    // Without listeners a closed pipe would end the process before the log is closed.
    stdout.on('error', (error: Error) => this.#fail(error))
    stderr.on('error', () => {})
  }

  /** `--no-color` was given. */
  refuseColour(): void {
    this.#colourRefused = true
  }

  /** Columns of the terminal that stdout is, 80 where it is none. */
  get columns(): number {
    return this.#stdout.columns ?? 80
  }

  /** stdout where it is a terminal on which a screen can be painted. */
  get terminal(): OutputStream | undefined {
    const paints = this.#stdout.isTTY === true && this.#environment['TERM'] !== 'dumb'
    return paints ? this.#stdout : undefined
  }

  /** True where stderr is a terminal on which progress can be shown. */
  get showsProgress(): boolean {
    return this.#stderr.isTTY === true && this.#environment['TERM'] !== 'dumb'
  }

  get styles(): Styles {
    return this.#stylesOf(this.#stdout)
  }

  get errorStyles(): Styles {
    return this.#stylesOf(this.#stderr)
  }

  /**
   * Gathers data for stdout. True when enough has been gathered: then await {@link flush} before
   * producing more, so that a slow reader slows the command down.
   */
  data(chunk: string | Uint8Array): boolean {
    this.#parts.push(chunk)
    this.#partsBytes += chunk.length
    return this.#partsBytes >= CHUNK_BYTES
  }

  /** One JSON value as a line of its own. */
  json(value: unknown): boolean {
    return this.data(`${JSON.stringify(value)}\n`)
  }

  /** Writes what was gathered; resolves when the stream took all of it. */
  flush(): Promise<void> {
    if (this.#parts.length === 0) return this.#lastWrite
    const bytes = joinParts(this.#parts)
    this.#parts = []
    this.#partsBytes = 0
    this.#lastWrite = this.#lastWrite.then(() => this.#write(bytes))
    // Whoever awaits the promise sees the failure; nobody has to.
    this.#lastWrite.catch(() => {})
    return this.#lastWrite
  }

  /** A line for people, on stderr. */
  words(line: string): void {
    this.#clearProgress()
    this.#stderr.write(`${line}\n`)
  }

  /** Text for people that already has its line ends. */
  wordsRaw(text: string): void {
    this.#clearProgress()
    this.#stderr.write(text)
  }

  /** Replaces the line of progress; undefined removes it. Does nothing off a terminal. */
  progress(line: string | undefined): void {
    if (!this.showsProgress) return
    this.#clearProgress()
    if (line === undefined) return
    // A line that wraps could not be removed again.
    this.#stderr.write(line.slice(0, (this.#stderr.columns ?? 80) - 1))
    this.#progressShown = true
  }

  #clearProgress(): void {
    if (!this.#progressShown) return
    this.#stderr.write('\r\u001b[K')
    this.#progressShown = false
  }

  #write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#stdout.write(bytes, (error) => {
        if (error === null || error === undefined) resolve()
        else reject(this.#fail(error))
      })
    })
  }

  #fail(error: Error): Error {
    const code = 'code' in error ? error.code : undefined
    const gone = code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED'
    this.#failure ??= gone ? new OutputClosedError() : error
    return this.#failure
  }

  #stylesOf(stream: OutputStream): Styles {
    const refused =
      this.#colourRefused ||
      (this.#environment['NO_COLOR'] ?? '') !== '' ||
      this.#environment['TERM'] === 'dumb'
    return stream.isTTY === true && !refused ? TERMINAL_STYLES : PLAIN_STYLES
  }
}

function joinParts(parts: readonly (string | Uint8Array)[]): Uint8Array {
  const buffers: Uint8Array[] = []
  let text = ''
  for (const part of parts) {
    if (typeof part === 'string') {
      text += part
      continue
    }
    if (text !== '') buffers.push(Buffer.from(text))
    text = ''
    buffers.push(part)
  }
  if (text !== '') buffers.push(Buffer.from(text))
  return Buffer.concat(buffers)
}

function mark(code: number, words: string): string {
  return `\u001b[${code}m${words}\u001b[0m`
}

const TERMINAL_STYLES: Styles = {
  bold: (words) => mark(1, words),
  dim: (words) => mark(2, words),
  red: (words) => mark(31, words),
  green: (words) => mark(32, words),
  yellow: (words) => mark(33, words),
}

const PLAIN_STYLES: Styles = {
  bold: (words) => words,
  dim: (words) => words,
  red: (words) => words,
  green: (words) => words,
  yellow: (words) => words,
}

/** One line that cannot move the cursor, whatever a file's name or a message holds. */
export function oneLine(text: string): string {
  return escapeControl(text.replaceAll(/\s*\n\s*/g, ' '))
}
