/**
 * Hostile clients of every protocol on one store, inside this process, beside ordinary ones: whatever they
 * send, in whatever pieces, nothing is thrown, memory stays bounded, the others are served, and the store is
 * whole behind it. Everything runs on the simulated machine.
 */
import type { Store } from '../../src/index.ts'
import { verifyWithQueues } from '../../src/inspect/verify-queues.ts'
import { type BeanstalkdProtocol, beanstalkd } from '../../src/protocols/beanstalkd/beanstalkd.ts'
import { memcache } from '../../src/protocols/memcache/index.ts'
import { Door } from '../../src/server/door/door.ts'
import { FrameReader } from '../../src/server/door/frame.ts'
import { LISTEN_LIMITS, WRITE_BYTES_MAX } from '../../src/server/listen/limits.ts'
import type { Protocol } from '../../src/server/listen/types.ts'
import { type FakeClient, fakeClient } from '../../src/testing/fake-client.ts'
import { filesOf } from '../damage/images.ts'
import { memorySystem } from '../damage/memory-system.ts'
import { connectionPair, type MemoryConnection } from '../server/door/memory.ts'
import { SegmentWorld } from '../testing/store-worlds.ts'
import { watchAllocations } from './allocations.ts'
import type { Counted } from './commands.ts'
import { piecesOf } from './decoders-of-wire.ts'
import { below, pick, type Random } from './mutate.ts'
import { beanstalkdBytes, doorBytes, HELLO, memcacheBytes } from './protocol-bytes.ts'

const MIB = 1024 * 1024
/** Bodies and buffers are far smaller here; what a client merely says is larger. */
const LARGEST_BYTES_MAX = 4 * MIB
const STRETCHES_MAX = 12
const HOSTILES_MAX = 4
const WITNESS_JOBS = 5
const HOUR_SECONDS = 3_600
/** The answers of one connection: what waits, and what may be added before it counts. */
const WAITING_BYTES_MAX = LISTEN_LIMITS.outputBytesMax + WRITE_BYTES_MAX + MIB
const VERSION = '1.6.18'

class World extends SegmentWorld {
  /** Of the process that has the store open. */
  get system() {
    if (this.owner === undefined) throw new Error('no store is open')
    return this.owner
  }

  files() {
    return filesOf(this.simulation.disk)
  }
}

/** One peer that sends bytes. */
interface Hostile {
  readonly name: string
  bytes(random: Random): Uint8Array
  send(piece: Uint8Array): void
  /** Takes no more for now. */
  readonly isPaused: boolean
  readonly isGone: boolean
  /** Half-closes, or breaks off. */
  end(random: Random): void
  /** Answers that wait. */
  readonly waitingBytes: number
  check(): void
}

/** One store, from its first opening to its last. */
export async function tryStreams(random: Random, count: Counted): Promise<void> {
  const world = new World(below(random, 2 ** 31))
  const { allocated, outcome } = await watchAllocations(() =>
    world.run(async () => new Trial(random, count, world).run()),
  )
  await world.dispose()
  if (outcome.status === 'rejected') throw outcome.reason
  if (allocated.largest > LARGEST_BYTES_MAX) {
    throw new Error(`${allocated.largest} bytes are asked for at once`)
  }
}

class Trial {
  readonly #random: Random
  readonly #count: Counted
  readonly #world: World
  readonly #errors: unknown[] = []
  readonly #onError = (error: unknown): void => void this.#errors.push(error)

  constructor(random: Random, count: Counted, world: World) {
    this.#random = random
    this.#count = count
    this.#world = world
  }

  async run(): Promise<void> {
    const store = await this.#world.open()
    const jobs = this.#jobs(store)
    const items = memcache(store, { version: '1', onError: this.#onError })
    const door = new Door(this.#world.system, this.#onError)
    door.serve(store)
    const witness = new Ordinary(this.#world, fakeClient(jobs))
    await witness.begin()
    const hostiles = Array.from({ length: 1 + below(this.#random, HOSTILES_MAX) }, () =>
      pick(this.#random, [
        () => protocolHostile('beanstalkd', jobs, beanstalkdBytes),
        () => protocolHostile('memcache', items, memcacheBytes),
        () => doorHostile(door),
      ])(),
    )
    await this.#feed(hostiles)
    await witness.end()
    await ordinaryItems(this.#world, items)
    await ordinaryCaller(this.#world, door)
    this.#checkErrors()
    await this.#world.advance(1_000)
    await store.close()
    await this.#verify()
    await (await this.#world.open()).close()
  }

  #jobs(store: Store): BeanstalkdProtocol {
    const { system } = this.#world
    return beanstalkd(store, {
      onError: this.#onError,
      nowMs: () => system.clock.nowMs(),
      after: (delayMs, callback) => void system.clock.after(delayMs, callback),
    })
  }

  /** Piece by piece, one connection after the other, until all are gone. */
  async #feed(hostiles: readonly Hostile[]): Promise<void> {
    for (let row = below(this.#random, STRETCHES_MAX); row >= 0; row -= 1) {
      const hostile = pick(this.#random, hostiles)
      if (hostile.isGone) continue
      const bytes = hostile.bytes(this.#random)
      this.#count(`${hostile.name} bytes`, bytes.length)
      for (const piece of piecesOf(this.#random, bytes)) {
        if (hostile.isPaused || hostile.isGone) break
        hostile.send(piece)
        if (this.#random() < 0.5) await this.#world.advance(pick(this.#random, [0, 1, 50]))
      }
      if (hostile.waitingBytes > WAITING_BYTES_MAX) {
        throw new Error(
          `${hostile.waitingBytes} bytes of answers wait for a ${hostile.name} client`,
        )
      }
      if (this.#random() < 0.1) await this.#world.advance(1_000)
    }
    for (const hostile of hostiles) hostile.end(this.#random)
    await this.#world.advance(100)
    for (const hostile of hostiles) hostile.check()
    this.#count('hostile connections', hostiles.length)
  }

  #checkErrors(): void {
    const [error] = this.#errors
    if (error === undefined) return
    throw new Error(`the server is told of ${String(error)}`, { cause: error })
  }

  async #verify(): Promise<void> {
    const system = memorySystem(this.#world.files(), this.#world.system.identity.bootId)
    const { verdict, findings } = await verifyWithQueues(system, '/log', {})
    if (verdict !== 'fine') throw new Error(`the store is ${verdict}: ${JSON.stringify(findings)}`)
  }
}

function protocolHostile(
  name: string,
  protocol: Protocol,
  bytes: (random: Random) => Uint8Array,
): Hostile {
  const client = fakeClient(protocol)
  return {
    name,
    bytes,
    send: (piece) => client.send(piece),
    get isPaused() {
      return client.isPaused
    },
    get isGone() {
      return client.isGone
    },
    get waitingBytes() {
      return client.waitingBytes
    },
    end: (random) => {
      if (random() < 0.5) client.end()
      else client.hangUp()
      // One that half-closes while it waits for a job would never be done.
      client.hangUp()
    },
    check: () => {
      const [error] = client.errors
      if (error !== undefined) throw new Error(`the protocol throws ${error}`, { cause: error })
    },
  }
}

function doorHostile(door: Door): Hostile {
  const { caller, owner } = connectionPair()
  door.accept(owner)
  let isGreeted = false
  return {
    name: 'door',
    bytes: (random) => {
      if (isGreeted || random() < 0.05) return doorBytes(random)
      isGreeted = true
      return HELLO
    },
    send: (piece) => owner.arrive(piece),
    isPaused: false,
    get isGone() {
      return owner.isClosed
    },
    waitingBytes: 0,
    end: () => caller.close(),
    check: () => {
      if (!owner.isClosed) throw new Error('the door keeps a connection whose caller has gone')
    },
  }
}

/** A client of beanstalkd's protocol that does what it should, before and behind the others. */
class Ordinary {
  readonly #world: World
  readonly #client: FakeClient
  #text = ''

  constructor(world: World, client: FakeClient) {
    this.#world = world
    this.#client = client
  }

  /** Holds some jobs, which nobody else can do anything to. */
  async begin(): Promise<void> {
    await this.#say('use witness\r\nwatch witness\r\n', 'USING witness\r\nWATCHING 2\r\n')
    for (let id = 1; id <= WITNESS_JOBS; id += 1) {
      await this.#say(`put 0 0 ${HOUR_SECONDS} 3\r\nj${id}!\r\n`, `INSERTED ${id}\r\n`)
      await this.#say('reserve-with-timeout 0\r\n', `RESERVED ${id} 3\r\nj${id}!\r\n`)
    }
  }

  /** They are as they were, and new ones come and go. */
  async end(): Promise<void> {
    for (let id = 1; id <= WITNESS_JOBS; id += 1) {
      await this.#say(`peek ${id}\r\n`, `FOUND ${id} 3\r\nj${id}!\r\n`)
      await this.#say(`delete ${id}\r\n`, 'DELETED\r\n')
    }
    await this.#say('ignore default\r\n', 'WATCHING 1\r\n')
    await this.#say(`put 0 0 9 2\r\nok\r\n`, /^INSERTED \d+\r\n$/)
    await this.#say('reserve\r\n', /^RESERVED \d+ 2\r\nok\r\n$/)
    this.#client.hangUp()
    await this.#world.advance(0)
  }

  async #say(words: string, reply: string | RegExp): Promise<void> {
    this.#client.send(words)
    for (let turn = 0; turn < TURNS_MAX && !isReply(this.#text, reply); turn += 1) {
      await this.#world.advance(1)
      this.#text += this.#client.takeText()
    }
    if (!isReply(this.#text, reply)) throw unanswered(words, this.#text)
    this.#text = ''
  }
}

const TURNS_MAX = 2_000

function isReply(text: string, reply: string | RegExp): boolean {
  return typeof reply === 'string' ? text === reply : reply.test(text)
}

function unanswered(words: string, text: string): Error {
  const shown = JSON.stringify(text.slice(0, 200))
  return new Error(`an ordinary client is answered ${JSON.stringify(words)} with ${shown}`)
}

async function ordinaryItems(world: World, protocol: Protocol): Promise<void> {
  const client = fakeClient(protocol)
  client.send('set ordinary 7 0 2\r\nhi\r\nget ordinary\r\nversion\r\n')
  const expected = `STORED\r\nVALUE ordinary 7 2\r\nhi\r\nEND\r\nVERSION ${VERSION}\r\n`
  let text = ''
  for (let turn = 0; turn < TURNS_MAX && text.length < expected.length; turn += 1) {
    await world.advance(1)
    text += client.takeText()
  }
  if (text !== expected) throw unanswered('set and get', text)
  client.hangUp()
  await world.advance(0)
}

async function ordinaryCaller(world: World, door: Door): Promise<void> {
  const { caller, owner } = connectionPair()
  door.accept(owner)
  owner.arrive(HELLO)
  await greeted(world, caller)
  caller.close()
  await world.advance(0)
  if (!owner.isClosed) throw new Error('the door keeps a connection whose caller has gone')
}

async function greeted(world: World, caller: MemoryConnection): Promise<void> {
  let header: unknown
  const next = new FrameReader(caller).next().then((frame) => {
    header = frame?.header
  })
  for (let turn = 0; turn < TURNS_MAX && header === undefined; turn += 1) await world.advance(1)
  if (header === undefined) throw unanswered('hello', '')
  await next
}
