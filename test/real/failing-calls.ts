/**
 * The nth system call of a kind fails, for each n, kind and error, in a real process (1, 3, 12, 13): a log and a
 * store are opened, used and closed while it does, and opened once more when nothing disturbs them. The process has one
 * thread for its files, so that what comes nth is the same each time; it lives on from unit to unit, and must
 * be left as it was. See `fixtures/failing-lives.mjs` for the lives and `failing-judges.ts` for what must hold.
 */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { openReader } from '../../src/index.ts'
import { fixturePath, kill, lineOf, type Running, start } from './children.ts'
import { LogJudge, ReaderJudge, StoreJudge } from './failing-judges.ts'
import { type Injection, type Traced, Tracer } from './tracer.ts'

export type Life = 'log' | 'store' | 'fresh' | 'reader'
export type Thread = 'main' | 'pool'

export const LIVES: readonly Life[] = ['log', 'store', 'fresh', 'reader']
export const THREADS: readonly Thread[] = ['main', 'pool']

const NAMES = ['EIO', 'ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EINTR']
const WRITES = ['EIO', 'ENOSPC', 'EDQUOT', 'EINTR', 'short']
const FLUSHES = ['EIO', 'ENOSPC', 'EDQUOT', 'EROFS', 'EINTR']
const LOOKS = ['EIO', 'EACCES', 'EINTR']
/** What each may be answered with. A write that took nothing is the only short one that is none in truth. */
export const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  openat: [...NAMES, 'EMFILE'],
  pwrite64: WRITES,
  pwritev: WRITES,
  fdatasync: FLUSHES,
  fsync: FLUSHES,
  link: NAMES,
  rename: NAMES,
  unlink: NAMES,
  mkdir: NAMES,
  close: ['EIO', 'ENOSPC', 'EDQUOT', 'EINTR'],
  pread64: ['EIO', 'EINTR'],
  getdents64: ['EIO', 'EINTR'],
  statx: LOOKS,
  newfstatat: LOOKS,
  statfs: LOOKS,
  chmod: ['EIO', 'EROFS', 'EACCES'],
  socket: ['EMFILE', 'EACCES'],
  bind: ['EIO', 'ENOSPC', 'EROFS', 'EACCES'],
  listen: ['EIO'],
}
const CALLS = Object.keys(ANSWERS)
/** Those that give bytes back: where the disk is to blame these are as good as damaged. */
const READS = ['openat', 'pread64', 'statx']

/** Rounds tell the messages of one life from those of another. */
const IMAGE_ROUND = 1
const ROUND = 2
const CHECK_ROUND = 3
/** Whoever has not ended by then hangs. */
const LIFE_MS_MAX = 30_000
/** In memory flushes cost nothing, and these fail in front of the file system. */
const MEMORY = '/dev/shm'

export interface Unit extends Injection {
  readonly life: Life
  readonly thread: Thread
}

export interface Survived {
  /** The call that failed, as strace writes it; undefined where the life made fewer of them. */
  readonly hit: string | undefined
  /** What was refused, each with its code. */
  readonly failures: readonly string[]
  /** What the process told of it beside that. */
  readonly complaints: string
  readonly acknowledged: number
}

/** A log or store as a crash left it, and what was said until then. */
interface Image {
  readonly directory: string
  readonly told: readonly string[]
}

export class Sweep {
  readonly #room: string
  readonly #images = new Map<string, Image>()
  readonly #counts = new Map<string, ReadonlyMap<string, number>>()
  #messages = 0
  #process: Running | undefined
  #threads: Readonly<Record<Thread, number>> = { main: 0, pool: 0 }
  #units = 0

  constructor() {
    const parent = fs.existsSync(MEMORY) ? MEMORY : os.tmpdir()
    this.#room = fs.mkdtempSync(path.join(parent, 'qlog-calls-'))
  }

  async dispose(): Promise<void> {
    if (this.#process !== undefined) await kill(this.#process.child)
    fs.rmSync(this.#room, { recursive: true, force: true })
  }

  /** How often this thread makes each call where nothing fails. */
  async count(life: Life, thread: Thread): Promise<ReadonlyMap<string, number>> {
    const key = `${life} ${thread}`
    const known = this.#counts.get(key)
    if (known !== undefined) return known
    const { traced, failures } = await this.#live(life, thread, undefined)
    if (failures.length > 0) throw new Error(`nothing failed, and it said ${failures[0]}`)
    this.#counts.set(key, traced.calls)
    return traced.calls
  }

  /** One life, and the opening behind it. Throws where a promise is broken. */
  async run(unit: Unit): Promise<Survived> {
    const { life, thread, ...injection } = unit
    try {
      const { traced, ...survived } = await this.#live(life, thread, injection)
      return { hit: traced.hit, ...survived }
    } catch (error) {
      const { call, answer, nth } = unit
      const what = `${life}, ${thread} thread: ${answer} for ${call} ${nth}`
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(`${what}: ${why}\n${this.#process?.complaints() ?? ''}`, { cause: error })
    }
  }

  async #live(
    life: Life,
    thread: Thread,
    injection: Injection | undefined,
  ): Promise<Omit<Survived, 'hit'> & { traced: Traced }> {
    const judge = await this.#judgeOf(life)
    judge.mayBeDamage = injection?.answer === 'EIO' && READS.includes(injection.call)
    const directory = await this.#directoryOf(life)
    const running = await this.#running()
    const said = running.complaints().length
    try {
      const before = await this.#descriptors()
      const output = path.join(this.#room, 'trace')
      const calls = injection === undefined ? CALLS : [injection.call]
      const tracer = await Tracer.attach(this.#threads[thread], output, calls, injection)
      let traced: Traced
      try {
        await this.#command(`life ${life} ${directory} ${ROUND}`, (line) => judge.hear(line))
      } finally {
        traced = await tracer.detach()
      }
      // A close that is not made leaves its descriptor behind.
      if (injection?.call !== 'close') await this.#expectDescriptors(before)
      if (life === 'log' || life === 'reader' || fs.existsSync(directory))
        await judge.look(directory)
      judge.begin()
      await this.#command(`check ${life} ${directory} ${CHECK_ROUND}`, (line) => {
        if (line.startsWith('failed ')) throw new Error(`nothing failed any more: ${line}`)
        if (judge instanceof StoreJudge) judge.hear(line)
        else judge.hearNext(line)
      })
      await judge.finish(directory)
      const { failures, acknowledged } = judge
      return { traced, failures, acknowledged, complaints: running.complaints().slice(said) }
    } catch (error) {
      await this.#end()
      throw error
    } finally {
      fs.rmSync(directory, { recursive: true, force: true })
      fs.rmSync(`${directory}.backup`, { recursive: true, force: true })
    }
  }

  async #judgeOf(life: Life): Promise<LogJudge | StoreJudge | ReaderJudge> {
    if (life === 'fresh') return new StoreJudge([])
    const { told } = await this.#image(life === 'store' ? 'store' : 'log')
    if (life === 'store') return new StoreJudge(told)
    if (life === 'log') return new LogJudge(ROUND, told)
    return new ReaderJudge(ROUND, told, this.#messages)
  }

  /** Where the life finds what it begins with. */
  async #directoryOf(life: Life): Promise<string> {
    this.#units += 1
    const directory = path.join(this.#room, `unit-${this.#units}`)
    if (life === 'fresh') return directory
    const image = await this.#image(life === 'store' ? 'store' : 'log')
    fs.cpSync(image.directory, directory, { recursive: true })
    return directory
  }

  async #image(life: 'log' | 'store'): Promise<Image> {
    const known = this.#images.get(life)
    if (known !== undefined) return known
    const directory = path.join(this.#room, life)
    const told: string[] = []
    await this.#running()
    await this.#command(`image ${life} ${directory} ${IMAGE_ROUND}`, (line) => told.push(line))
    const image = { directory: `${directory}.image`, told }
    this.#images.set(life, image)
    if (life === 'log') this.#messages = await messagesOf(image.directory)
    return image
  }

  async #running(): Promise<Running> {
    if (this.#process !== undefined) return this.#process
    const environment = { UV_THREADPOOL_SIZE: '1', UV_USE_IO_URING: '0' }
    const fixture = [fixturePath('failing-lives.mjs')]
    const running = start(process.execPath, fixture, environment, true)
    this.#process = running
    const [, main, pool] = (await lineOf(running)).split(' ').map(Number)
    if (!(main && pool)) throw new Error(`it does not begin: ${running.complaints()}`)
    this.#threads = { main, pool }
    return running
  }

  async #end(): Promise<void> {
    const running = this.#process
    this.#process = undefined
    if (running !== undefined) await kill(running.child)
  }

  /** Everything it says to this command. Throws where it ends or hangs instead. */
  async #command(command: string, hear: (line: string) => void): Promise<void> {
    const running = await this.#running()
    const { child } = running
    let last = 'nothing'
    let isLate = false
    const limit = setTimeout(() => {
      isLate = true
      child.kill('SIGKILL')
    }, LIFE_MS_MAX)
    try {
      child.stdin.write(`${command}\n`)
      for (;;) {
        const next = await running.lines.next()
        if (isLate) throw new Error(`it hangs at "${command}", and said last "${last}"`)
        if (next.done === true) throw new Error(`it died at "${command}": ${running.complaints()}`)
        if (next.value === 'end') return
        last = next.value
        hear(last)
      }
    } finally {
      clearTimeout(limit)
    }
  }

  async #descriptors(): Promise<number> {
    let count = 0
    await this.#command('descriptors', (line) => {
      count = Number(line.split(' ')[1])
    })
    return count
  }

  async #expectDescriptors(before: number): Promise<void> {
    const after = await this.#descriptors()
    if (after !== before) throw new Error(`${before} descriptors were open before, ${after} behind`)
  }
}

async function messagesOf(directory: string): Promise<number> {
  const reader = await openReader(directory)
  let count = 0
  for await (const batch of reader.readBatches()) count += batch.length
  await reader.close()
  return count
}
