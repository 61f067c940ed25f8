/**
 * A server of beanstalkd's protocol over a store on a simulated machine, and its clients: every second and
 * every byte is in the hands of the test.
 */
import type { LogOptions, Store, StoreOptions } from '../../../src/index.ts'
import { openSegmentLog } from '../../../src/log/open.ts'
import { checkOptions } from '../../../src/log/options.ts'
import type { OpenLog } from '../../../src/log/seam.ts'
import {
  type BeanstalkdOptions,
  type BeanstalkdProtocol,
  beanstalkd,
} from '../../../src/protocols/beanstalkd/beanstalkd.ts'
import type { SimulatedDisk } from '../../../src/system/simulated/disk.ts'
import type { SimulatedProcess } from '../../../src/system/simulated/process.ts'
import { type FakeClient, fakeClient } from '../../../src/testing/index.ts'
import { SegmentWorld } from '../../testing/store-worlds.ts'

const KIB = 1024

/** Files of 16 to 64 KiB on a simulated disk, which a test may damage, fill and let fail. */
class ServerWorld extends SegmentWorld {
  logOptions: LogOptions = {}

  protected override openLog(process: SimulatedProcess): OpenLog {
    return async (owner, { signal }) => {
      const sizes = { segmentBytesMin: 16 * KIB, segmentBytesMax: 64 * KIB }
      const options = { ...sizes, messageBytesMax: 48 * KIB, ...this.logOptions }
      return openSegmentLog(
        process,
        '/log',
        owner,
        checkOptions({ ...options, ...(signal && { signal }) }),
      )
    }
  }

  get disk(): SimulatedDisk {
    return this.simulation.disk
  }

  /** The machine loses its power, and what was not synced with it. */
  powerCut(): void {
    this.owner?.kill()
    this.simulation.powerCut()
  }

  /** Changes the bytes of the one file that holds this text; `change` is told where it stands. */
  damage(text: string, change: (bytes: Uint8Array, at: number) => void): string {
    for (const [name, bytes] of this.disk.tree()) {
      const at = Buffer.from(bytes).indexOf(text)
      if (at < 0) continue
      const damaged = Uint8Array.from(bytes)
      change(damaged, at)
      this.disk.putFile(name, damaged)
      return name
    }
    throw new Error(`no file holds ${text}`)
  }

  hasFile(name: string): boolean {
    return [...this.disk.tree()].some(([other]) => other === name)
  }
}

export class Served {
  readonly world = new ServerWorld(7)
  readonly errors: Error[] = []
  readonly #options: BeanstalkdOptions
  #store: Store | undefined
  #protocol: BeanstalkdProtocol | undefined
  #peers: Peer[] = []

  constructor(options: BeanstalkdOptions = {}) {
    this.#options = {
      onError: (error) => void this.errors.push(error),
      nowMs: () => this.world.nowMs(),
      after: (delayMs, callback) => void this.world.advance(delayMs).then(callback),
      ...options,
    }
  }

  get store(): Store {
    if (this.#store === undefined) throw new Error('no store is open')
    return this.#store
  }

  get protocol(): BeanstalkdProtocol {
    if (this.#protocol === undefined) throw new Error('nothing is served')
    return this.#protocol
  }

  async open(options: StoreOptions = {}, more: BeanstalkdOptions = {}): Promise<void> {
    this.#store = await this.world.open(options)
    this.#protocol = beanstalkd(this.#store, { ...this.#options, ...more })
  }

  connect(): Peer {
    const peer = new Peer(fakeClient(this.protocol))
    this.#peers.push(peer)
    return peer
  }

  advance(ms: number): Promise<void> {
    return this.world.advance(ms)
  }

  /** The server stops as it should, and begins again. */
  async restart(more: BeanstalkdOptions = {}): Promise<void> {
    for (const peer of this.#peers) peer.client.hangUp()
    this.#peers = []
    await this.world.advance(0)
    await this.store.close()
    await this.open({}, more)
  }

  /** The process ends without a word, with everything that was not synced; then it begins again. */
  async powerCut(): Promise<void> {
    this.#peers = []
    this.world.powerCut()
    await this.open()
  }

  /** The process is killed, and what was not synced may be lost; then it begins again. */
  async crash(): Promise<void> {
    this.#peers = []
    await this.world.crash()
    await this.open()
  }
}

/** One client. */
export class Peer {
  readonly client: FakeClient
  #text = ''

  constructor(client: FakeClient) {
    this.client = client
  }

  send(text: string): void {
    this.client.send(text)
  }

  /** The reply to this command; the line's end is added. */
  ask(command: string): Promise<string> {
    this.send(`${command}\r\n`)
    return this.reply()
  }

  /** Puts a job into the tube that is used; its id. */
  async put(body: string, { pri = 1024, delay = 0, ttr = 60 } = {}): Promise<number> {
    const reply = await this.ask(`put ${pri} ${delay} ${ttr} ${body.length}\r\n${body}`)
    const [, id] = /^INSERTED (\d+)\r\n$/.exec(reply) ?? []
    if (id === undefined) throw new Error(`a put was answered with ${reply}`)
    return Number(id)
  }

  /** Reserves the next job, which has to be there; its id. */
  async reserve(): Promise<number> {
    const reply = await this.ask('reserve-with-timeout 0')
    const [, id] = /^RESERVED (\d+) /.exec(reply) ?? []
    if (id === undefined) throw new Error(`a reserve was answered with ${reply}`)
    return Number(id)
  }

  /** The fields of a reply with statistics. */
  async stats(command: string): Promise<Record<string, string>> {
    const reply = await this.ask(command)
    const lines = reply.split('\r\n')[1]?.trimEnd().split('\n').slice(1) ?? []
    return Object.fromEntries(lines.map((line) => line.split(': ') as [string, string]))
  }

  /** The next reply, whole. */
  async reply(): Promise<string> {
    for (;;) {
      const bytes = replyBytes(this.#text)
      if (bytes > 0) {
        const reply = this.#text.slice(0, bytes)
        this.#text = this.#text.slice(bytes)
        return reply
      }
      const more = await this.client.text()
      if (more === '') return `${this.#text}<end>`
      this.#text += more
    }
  }

  /** What has come and was not asked for. */
  rest(): string {
    const rest = this.#text + this.client.takeText()
    this.#text = ''
    return rest
  }
}

/** Bytes of the first reply; 0 where it is not whole. */
function replyBytes(text: string): number {
  const end = text.indexOf('\r\n')
  if (end < 0) return 0
  const line = text.slice(0, end)
  const [, bytes] = /^(?:RESERVED \d+|FOUND \d+|OK) (\d+)$/.exec(line) ?? []
  if (bytes === undefined) return end + 2
  const whole = end + 2 + Number(bytes) + 2
  return text.length < whole ? 0 : whole
}

/** Runs `body` against a server that is open. */
export async function serving(
  body: (served: Served) => Promise<void>,
  options: BeanstalkdOptions = {},
): Promise<void> {
  const served = new Served(options)
  await served.world.run(async () => {
    await served.open()
    await body(served)
  })
  await served.world.dispose()
}
