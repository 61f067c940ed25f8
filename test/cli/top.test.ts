/** `qlog top` as it runs: on a terminal and off one, beside the process that holds the store, and alone. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openStore, type Store } from '../../src/index.ts'
import { MemoryStream, runInProcess } from './in-process.ts'
import { freshDirectory } from './support.ts'

const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const FAST = ['--interval', '0.1']

/** A terminal of a size that can change, and what waits for a text that it shows. */
class Terminal extends MemoryStream {
  rows = 24
  #waiting: { readonly words: string; readonly shown: () => void } | undefined
  /** What was shown until the last wait. */
  #seen = 0

  constructor() {
    super(true)
  }

  override _write(chunk: Uint8Array, encoding: string, done: (error?: Error) => void): void {
    super._write(chunk as Buffer, encoding as BufferEncoding, done)
    this.#look()
  }

  /** Resolves with what is new once it shows the words. */
  shows(words: string): Promise<string> {
    return new Promise((resolve) => {
      const shown = (): void => {
        const text = this.text.slice(this.#seen)
        this.#seen = this.text.length
        resolve(text)
      }
      this.#waiting = { words, shown }
      this.#look()
    })
  }

  #look(): void {
    const waiting = this.#waiting
    if (waiting === undefined || !this.text.includes(waiting.words, this.#seen)) return
    this.#waiting = undefined
    waiting.shown()
  }
}

/** Keys, as they come from a terminal. */
class Keyboard extends PassThrough {
  readonly isTTY = true
  readonly modes: boolean[] = []

  setRawMode(isRaw: boolean): void {
    this.modes.push(isRaw)
  }
}

async function holding(directory: string): Promise<Store> {
  const store = await openStore(directory)
  onTestFinished(() => store.close())
  await store.queue('orders').putMany(['one', 'two', 'three'])
  return store
}

describe('on a terminal', () => {
  it('takes the screen, shows rates, follows its size, and gives it back at q', async () => {
    const directory = join(freshDirectory(), 'data')
    const store = await holding(directory)
    const stdout = new Terminal()
    const input = new Keyboard()
    const running = runInProcess(['top', directory, ...FAST], { stdout, input })
    const first = await stdout.shows('orders')
    expect(first.startsWith(ENTER)).toBe(true)
    expect(first).toContain(`process ${process.pid}`)
    expect(await stdout.shows('put 0/s')).toContain('acked 0/s')
    await store.queue('invoices').put('four')
    await stdout.shows('invoices')
    stdout.columns = 40
    stdout.emit('resize')
    await stdout.shows('depth/lag')
    input.write('x')
    input.write('q')
    expect((await running).exitCode).toBe(0)
    expect(stdout.text.endsWith(LEAVE)).toBe(true)
    expect(stdout.text.split(LEAVE).length).toBe(2)
    expect(input.modes).toEqual([true, false])
    expect(input.listenerCount('data')).toBe(0)
    expect(stdout.listenerCount('resize')).toBe(0)
  })

  it.each(['the key', 'the signal'])('ends with 130 by Ctrl-C, %s', async (by) => {
    const directory = join(freshDirectory(), 'data')
    await holding(directory)
    const stdout = new Terminal()
    const input = new Keyboard()
    const abort = new AbortController()
    const running = runInProcess(['top', directory], { stdout, input, abort })
    await stdout.shows('orders')
    if (by === 'the key') input.write('\u0003')
    else abort.abort()
    expect(await running).toMatchObject({ exitCode: 130, stderr: '' })
    expect(stdout.text.endsWith(LEAVE)).toBe(true)
    expect(input.modes).toEqual([true, false])
  })

  it('waits for an owner that went away, and leaves the store free meanwhile', async () => {
    const directory = join(freshDirectory(), 'data')
    const store = await holding(directory)
    const stdout = new Terminal()
    const input = new Keyboard()
    const running = runInProcess(['top', directory, ...FAST], { stdout, input })
    await stdout.shows('put 0/s')
    await store.close()
    await stdout.shows('no process holds the store')
    const next = await holding(directory)
    await next.queue('more').put('four')
    await stdout.shows('more')
    input.write('q')
    expect((await running).exitCode).toBe(0)
  })

  it('has no colour with NO_COLOR', async () => {
    const directory = join(freshDirectory(), 'data')
    await holding(directory)
    const shown: string[] = []
    for (const environment of [{}, { NO_COLOR: '1' }]) {
      const stdout = new Terminal()
      const input = new Keyboard()
      const running = runInProcess(['top', directory], { stdout, input, environment })
      shown.push(await stdout.shows('orders'))
      input.write('q')
      await running
    }
    expect(shown.map((text) => text.includes('\u001b[1m'))).toEqual([true, false])
  })
})

describe('off a terminal', () => {
  it('--once is one block of text with rates', async () => {
    const directory = join(freshDirectory(), 'data')
    await holding(directory)
    const { exitCode, stdout } = await runInProcess(['top', directory, '--once', ...FAST])
    expect(exitCode).toBe(0)
    expect(stdout.toString()).toMatch(/^rates +put 0\/s/m)
    expect(stdout.toString()).toMatch(/^orders +3 /m)
    expect(stdout.toString()).not.toContain('\u001b')
  })

  it('is a block every interval, until it is ended', async () => {
    const directory = join(freshDirectory(), 'data')
    await holding(directory)
    const abort = new AbortController()
    const stdout = new (class extends MemoryStream {
      override _write(chunk: Uint8Array, encoding: string, done: () => void): void {
        super._write(chunk as Buffer, encoding as BufferEncoding, done)
        if (this.text.split('rates ').length > 3) abort.abort()
      }
    })()
    const { exitCode } = await runInProcess(['top', directory, ...FAST], { stdout, abort })
    expect(exitCode).toBe(130)
    expect(stdout.text.split('\n\n').length).toBeGreaterThan(3)
    expect(stdout.text).not.toContain('\u001b')
  })

  it('opens the store for one look where no process holds it', async () => {
    const directory = join(freshDirectory(), 'data')
    const store = await openStore(directory)
    await store.queue('orders').put('one')
    await store.close()
    const { exitCode, stdout } = await runInProcess(['top', directory, '--once'])
    expect(exitCode).toBe(0)
    expect(stdout.toString()).toContain('held by no process')
    await (await openStore(directory)).close()
  })

  it('makes no store, and says what is wrong with an interval', async () => {
    const directory = join(freshDirectory(), 'data')
    const missing = await runInProcess(['top', directory, '--once'])
    expect(missing.exitCode).toBe(6)
    expect(existsSync(directory)).toBe(false)
    const { exitCode, stderr } = await runInProcess(['top', directory, '--interval', '0.01'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('at least 0.1 seconds')
  })
})
