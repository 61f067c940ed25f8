/** The commands of the text protocol that have no body: what each takes, does and answers. */
import type { Consumer, Found } from './consumer.ts'
import { faultOf, INTERNAL } from './faults.ts'
import { flagsOf } from './flags.ts'
import { type Address, type KeyFault, parseAddress, parseRead, type ReadRequest } from './key.ts'
import { GET_BYTES_MAX, MONITOR_COUNT, OPEN_READS_MAX, WAIT_MS_MAX } from './limits.ts'
import { PROTOCOL_VERSION } from './options.ts'
import type { Lane, Parts, Pipeline, Reply } from './pipeline.ts'
import { flush, flushAll, remove } from './queue-verbs.ts'
import type { Readers } from './readers.ts'
import { type Figure, queueFigures, serverFigures } from './stats.ts'
import { exptimeOf, isQuietLine, wholeOf } from './text-grammar.ts'

const END: Parts = ['END\r\n']
const ERROR: Parts = ['ERROR\r\n']
const OK: Parts = ['OK\r\n']
const SILENCE: Parts = []
const BAD_LINE: Parts = ['CLIENT_ERROR bad command line format\r\n']
const BAD_DELETE: Parts = [
  'CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n',
]
/** What memcached tells under these names is about a cache. */
const EMPTY_STATS: ReadonlySet<string> = new Set(['items', 'slabs', 'sizes', 'settings', 'conns'])
const SECONDS_MAX = WAIT_MS_MAX / 1_000

type Words = readonly string[]

export class TextVerbs {
  readonly #readers: Readers
  readonly #pipeline: Pipeline
  readonly #consumer: Consumer
  readonly #verbs: ReadonlyMap<string, (words: Words) => void>

  constructor(readers: Readers, pipeline: Pipeline, consumer: Consumer) {
    this.#readers = readers
    this.#pipeline = pipeline
    this.#consumer = consumer
    this.#verbs = new Map<string, (words: Words) => void>([
      ['get', (words) => this.#get(words, false)],
      ['gets', (words) => this.#get(words, true)],
      ['delete', (words) => this.#delete(words)],
      ['flush', (words) => this.#flush(words)],
      ['flush_all', (words) => this.#flushAll(words)],
      ['monitor', (words) => this.#monitor(words)],
      ['confirm', (words) => this.#confirm(words)],
      ['stats', (words) => this.#stats(words)],
      ['verbosity', (words) => this.#verbosity(words)],
      ['version', () => this.#version()],
      ['quit', () => this.#pipeline.end()],
      ['incr', (words) => this.#unsupported(words)],
      ['decr', (words) => this.#unsupported(words)],
    ])
  }

  run(verb: string, words: Words): void {
    const run = this.#verbs.get(verb)
    if (run) run(words)
    else this.#pipeline.say(ERROR)
  }

  /** The line that tells of it. */
  faultOf(error: unknown): Parts {
    const fault = faultOf(error)
    if (fault) return [`${fault.line}\r\n`]
    this.#readers.plan.onError(error instanceof Error ? error : new Error(String(error)))
    return [`${INTERNAL.line}\r\n`]
  }

  #get(words: Words, hasCas: boolean): void {
    if (words.length < 2) {
      this.#pipeline.say(ERROR)
      return
    }
    const requests: ReadRequest[] = []
    for (let at = 1; at < words.length; at++) {
      const request = parseRead(words[at] ?? '')
      if (typeof request === 'string') {
        this.#refuse(request)
        return
      }
      requests.push(request)
    }
    const isPlain = requests.length === 1 && isPlainRead(requests[0])
    this.#run(isPlain ? 'get' : 'alone', (reply) => this.#read(requests, hasCas, reply))
  }

  async #read(requests: readonly ReadRequest[], hasCas: boolean, reply: Reply): Promise<Parts> {
    if (this.#consumer.isConflict(requests)) {
      this.#pipeline.end()
      return ERROR
    }
    if (requests.length === 1) {
      const [request] = requests as [ReadRequest]
      const took = isPlainRead(request) ? (bytes: number) => reply.took(bytes) : undefined
      const found = await this.#consumer.read(request, took)
      return found ? [...valueParts(request.asked, found, hasCas), 'END\r\n'] : END
    }
    let bytes = 0
    for (const request of requests) {
      if (bytes >= GET_BYTES_MAX) break
      const found = await this.#consumer.read(request)
      if (!found) continue
      bytes += found.body.length
      // At once: what was taken for good must not be lost to an error of the next key.
      reply.send(valueParts(request.asked, found, hasCas))
      await this.#pipeline.room()
    }
    return END
  }

  /** What is wrong with the options of a read ends the connection, as in Kestrel. */
  #refuse(fault: KeyFault): void {
    this.#pipeline.say(faultOfKey(fault))
    if (fault === 'bad options') this.#pipeline.end()
  }

  #monitor(words: Words): void {
    const seconds = wholeOf(words[2] ?? '', SECONDS_MAX)
    const count = words[3] === undefined ? MONITOR_COUNT : wholeOf(words[3], OPEN_READS_MAX)
    if (words.length < 3 || words.length > 4) this.#pipeline.say(ERROR)
    else if (seconds === undefined || count === undefined) this.#pipeline.say(BAD_LINE)
    else {
      const asked = words[1] ?? ''
      this.#onAddress(asked, (address, reply) => {
        return this.#watch(address, asked, seconds * 1_000, count, reply)
      })
    }
  }

  async #watch(
    address: Address,
    asked: string,
    waitMs: number,
    count: number,
    reply: Reply,
  ): Promise<Parts> {
    const endMs = performance.now() + waitMs
    for (let opened = 0; opened < count; opened++) {
      const leftMs = Math.max(0, Math.ceil(endMs - performance.now()))
      const found = await this.#consumer.openNext(address, leftMs)
      if (!found) break
      reply.send(valueParts(asked, found, false))
      await this.#pipeline.room()
    }
    return END
  }

  #confirm(words: Words): void {
    const count = wholeOf(words[2] ?? '', OPEN_READS_MAX)
    if (words.length !== 3) this.#pipeline.say(ERROR)
    else if (count === undefined) this.#pipeline.say(BAD_LINE)
    else {
      this.#onAddress(words[1] ?? '', async (address) => {
        return (await this.#consumer.confirm(address, count)) ? END : ERROR
      })
    }
  }

  #delete(words: Words): void {
    const isQuiet = isQuietLine(words)
    if (words.length < 2 || words.length > 4) {
      this.#pipeline.say(ERROR)
      return
    }
    // A time that memcached of old took; 0 is still allowed.
    if (words.length > 2 && words[2] !== '0' && !(words.length === 3 && isQuiet)) {
      if (!isQuiet) this.#pipeline.say(BAD_DELETE)
      return
    }
    this.#onAddress(
      words[1] ?? '',
      async (address) => {
        this.#consumer.leave(address)
        const isGone = await remove(this.#readers, address)
        return [isGone ? 'DELETED\r\n' : 'NOT_FOUND\r\n']
      },
      isQuiet,
    )
  }

  #flush(words: Words): void {
    if (words.length !== 2) {
      this.#pipeline.say(ERROR)
      return
    }
    this.#onAddress(words[1] ?? '', async (address) => {
      await flush(this.#readers, address)
      return END
    })
  }

  #flushAll(words: Words): void {
    const isQuiet = isQuietLine(words)
    const numbers = words.length - 1 - (isQuiet ? 1 : 0)
    if (words.length > 3) {
      this.#pipeline.say(ERROR)
      return
    }
    const delay = numbers === 0 ? 0 : exptimeOf(words[1] ?? '')
    if (delay === undefined) {
      if (!isQuiet) this.#pipeline.say(['CLIENT_ERROR invalid exptime argument\r\n'])
      return
    }
    if (delay > 0) {
      if (!isQuiet)
        this.#pipeline.say(['SERVER_ERROR queues are flushed at once or not at all\r\n'])
      return
    }
    this.#run(
      'alone',
      async () => {
        await flushAll(this.#readers)
        return OK
      },
      isQuiet,
    )
  }

  #stats(words: Words): void {
    const [, what] = words
    if (what === undefined) this.#run('alone', (reply) => this.#sendStats(reply))
    else if (what === 'reset') {
      // Behind what was asked before, which counts.
      this.#run('alone', async () => {
        this.#readers.tally.reset()
        return ['RESET\r\n']
      })
    } else this.#pipeline.say(EMPTY_STATS.has(what) ? END : ERROR)
  }

  /** Queue by queue: there may be more of them than a slow peer takes at once. */
  async #sendStats(reply: Reply): Promise<Parts> {
    const stats = this.#readers.store.stats()
    reply.send(statLines(serverFigures(this.#readers, stats)))
    for (const queue of stats.queues) {
      reply.send(statLines(queueFigures(this.#readers, queue)))
      await this.#pipeline.room()
    }
    return END
  }

  #verbosity(words: Words): void {
    const isQuiet = isQuietLine(words)
    if (words.length < 2 || words.length > 3) this.#pipeline.say(ERROR)
    else if (isQuiet) return
    else this.#pipeline.say(wholeOf(words[1] ?? '', 0xffff_ffff) === undefined ? BAD_LINE : OK)
  }

  #version(): void {
    this.#pipeline.say([`VERSION ${PROTOCOL_VERSION}\r\n`])
  }

  #unsupported(words: Words): void {
    if (words.length !== 3 && words.length !== 4) this.#pipeline.say(ERROR)
    else if (!isQuietLine(words)) {
      this.#pipeline.say([`CLIENT_ERROR a queue takes set alone, not ${words[0]}\r\n`])
    }
  }

  #onAddress(
    asked: string,
    run: (address: Address, reply: Reply) => Promise<Parts>,
    isQuiet = false,
  ): void {
    const address = parseAddress(asked)
    if (typeof address !== 'string') this.#run('alone', (reply) => run(address, reply), isQuiet)
    else if (!isQuiet) this.#pipeline.say(faultOfKey(address))
  }

  #run(lane: Lane, run: (reply: Reply) => Promise<Parts>, isQuiet = false): void {
    this.#pipeline.run(lane, (reply) => {
      run(reply).then(
        (parts) => reply.answer(isQuiet ? SILENCE : parts),
        (error: unknown) => reply.answer(isQuiet ? SILENCE : this.faultOf(error)),
      )
    })
  }
}

function isPlainRead(request: ReadRequest | undefined): boolean {
  if (!request) return false
  const { open, close, abort, peek, waitMs } = request
  return !open && !close && !abort && !peek && waitMs === 0
}

function valueParts(asked: string, { id, body, headers }: Found, hasCas: boolean): Parts {
  const head = `VALUE ${asked} ${flagsOf(headers)} ${body.length}`
  return [hasCas ? `${head} ${id}\r\n` : `${head}\r\n`, body, '\r\n']
}

/** Names of queues may hold letters beyond ASCII: they leave as UTF-8, which they came as. */
function statLines(figures: readonly Figure[]): Parts {
  const lines = figures.map(([name, value]) => `STAT ${name} ${value}\r\n`).join('')
  return lines === '' ? [] : [Buffer.from(lines)]
}

function faultOfKey(fault: KeyFault): Parts {
  return fault === 'malformed' ? BAD_LINE : [`CLIENT_ERROR ${fault}\r\n`]
}
