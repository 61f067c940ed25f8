/**
 * The log against an array: random appends of every kind, readings, discards, closing, killing and
 * opening again in all three modes, on small segments so that many rolls happen. On the simulated
 * machine, so that a failure repeats; fast-check prints the seed and the shortest history.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openPublicLog } from '../../src/log/open.ts'
import type { Compression, Log, LogOptions, Message, SyncMode } from '../../src/log/types.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'

const RUNS = Number(process.env['QLOG_MODEL_RUNS'] ?? 150)
const PINNED_BYTES_MAX = 64 * 1024

type Step =
  | { readonly kind: 'append'; readonly lengths: readonly number[] }
  | { readonly kind: 'batch'; readonly lengths: readonly number[] }
  | { readonly kind: 'sync'; readonly length: number }
  | { readonly kind: 'read'; readonly from: number; readonly count: number }
  | { readonly kind: 'get'; readonly at: number }
  | { readonly kind: 'discard'; readonly from: number; readonly count: number }
  | { readonly kind: 'follow' }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'reopen'; readonly killed: boolean; readonly mode: SyncMode }

const modes: SyncMode[] = ['always', { intervalMs: 20 }, { intervalMs: 5, bytes: 2_000 }, 'never']
const lengthOf = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 900 }), weight: 8 },
  { arbitrary: fc.integer({ min: 3_000, max: 9_000 }), weight: 1 },
)
const lengthsOf = fc.array(lengthOf, { minLength: 1, maxLength: 12 })
/** Places in the log as parts of a thousand, so that they mean something at any length. */
const part = fc.integer({ min: 0, max: 1_000 })

const stepOf: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('append'), lengths: lengthsOf }), weight: 6 },
  { arbitrary: fc.record({ kind: fc.constant('batch'), lengths: lengthsOf }), weight: 3 },
  { arbitrary: fc.record({ kind: fc.constant('sync'), length: lengthOf }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('read'), from: part, count: part }), weight: 3 },
  { arbitrary: fc.record({ kind: fc.constant('get'), at: part }), weight: 3 },
  { arbitrary: fc.record({ kind: fc.constant('discard'), from: part, count: part }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('follow') }), weight: 1 },
  {
    arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.integer({ min: 1, max: 90 }) }),
    weight: 1,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant('reopen'),
      killed: fc.boolean(),
      mode: fc.constantFrom(...modes),
    }),
    weight: 2,
  },
)

class Model {
  readonly bodies: Buffer[] = []
  readonly discarded = new Set<number>()
  rolls = 0
  retired = 0
  readonly #simulation: Simulation
  #process: SimulatedProcess
  #log: Log | undefined
  #followers: Follower[] = []
  #openings = 0
  readonly #packsAt: number

  constructor(seed: number) {
    this.#packsAt = seed % 2
    this.#simulation = new Simulation({ seed })
    this.#process = this.#simulation.process('owner')
  }

  run(steps: readonly Step[], mode: SyncMode): Promise<void> {
    return this.#simulation.run(async () => {
      await this.#open(mode)
      for (const step of steps) await this.#take(step)
      await this.#endFollowers()
      this.#count()
      await this.#open('always')
      await this.#check(1, this.bodies.length + 1)
      await this.#open('never')
      await this.#check(1, this.bodies.length + 1)
      await this.#owned.close()
    })
  }

  get #owned(): Log {
    if (this.#log === undefined) throw new Error('the log is not open')
    return this.#log
  }

  async #open(mode: SyncMode, killed = false): Promise<void> {
    if (this.#log && !killed) await this.#log.close()
    // Every second opening packs its blocks, so that packed and plain ones stand side by side.
    const compression: Compression = this.#openings++ % 2 === this.#packsAt ? 'lz4' : 'none'
    const segments = { segmentBytesMin: 16_384, segmentBytesMax: 32_768 }
    const options: LogOptions = { sync: mode, compression, ...segments }
    this.#log = await openPublicLog(this.#process, '/log', options)
    expect(this.#log.nextId).toBe(this.bodies.length + 1)
  }

  async #take(step: Step): Promise<void> {
    const log = this.#owned
    switch (step.kind) {
      case 'append': {
        const first = this.bodies.length + 1
        const ids = await Promise.all(step.lengths.map((length) => log.append(this.#body(length))))
        expect(ids).toEqual(step.lengths.map((_length, row) => first + row))
        return
      }
      case 'batch': {
        const firstId = this.bodies.length + 1
        const range = await log.appendMany(step.lengths.map((length) => this.#body(length)))
        expect(range).toEqual({ firstId, endId: firstId + step.lengths.length })
        return
      }
      case 'sync':
        expect(log.appendSync(this.#body(step.length))).toBe(this.bodies.length)
        return
      case 'read': {
        const from = this.#place(step.from)
        return this.#check(from, Math.min(this.bodies.length + 1, from + this.#place(step.count)))
      }
      case 'get':
        return this.#get(this.#place(step.at))
      case 'discard':
        return this.#discard(this.#place(step.from), this.#place(step.count))
      case 'follow':
        this.#followers.push(new Follower(log, this.bodies.length + 1))
        return
      case 'wait':
        await new Promise<void>((resolve) => this.#process.clock.after(step.ms, resolve))
        return
      case 'reopen':
        return this.#reopen(step.killed, step.mode)
    }
  }

  #body(length: number): Buffer {
    const body = Buffer.from(`${this.bodies.length + 1}.`.repeat(length).slice(0, length))
    this.bodies.push(body)
    return body
  }

  #place(thousandths: number): number {
    return 1 + Math.floor((this.bodies.length * thousandths) / 1_000)
  }

  async #reopen(killed: boolean, mode: SyncMode): Promise<void> {
    this.#count()
    await this.#endFollowers()
    if (killed) {
      // Everything resolved was written at least, and a process that dies takes no page with it.
      this.#simulation.kill(this.#process)
      this.#process = this.#simulation.process('owner')
    }
    await this.#open(mode, killed)
  }

  /** Reads [from, to): all that was not discarded, in order, as appended; of the rest some. */
  async #check(from: number, to: number): Promise<void> {
    const ids: number[] = []
    const onGap = (): never => expect.unreachable('nothing was lost')
    for await (const message of this.#owned.read({ from, to, onGap })) {
      this.compare(message)
      ids.push(message.id)
    }
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
    const read = new Set(ids)
    for (const id of ids) expect(id >= from && id < to).toBe(true)
    for (let id = from; id < to; id++) {
      if (!read.has(id)) expect(this.discarded).toContain(id)
    }
  }

  compare({ id, body }: Message): void {
    const wanted = this.bodies[id - 1]
    if (!wanted || Buffer.compare(wanted, body) !== 0) expect.unreachable(`message ${id} is wrong`)
  }

  async #get(id: number): Promise<void> {
    const message = await this.#owned.get(id)
    if (message) this.compare(message)
    else if (id <= this.bodies.length) expect(this.discarded).toContain(id)
    if (message) expect(message.id).toBe(id)
  }

  #discard(from: number, count: number): void {
    const end = Math.min(this.bodies.length + 1, from + count)
    this.#owned.discard(from, end)
    for (let id = from; id < end; id++) this.discarded.add(id)
  }

  async #endFollowers(): Promise<void> {
    for (const follower of this.#followers) await follower.end(this)
    this.#followers = []
  }

  #count(): void {
    const { segments } = this.#owned.stats()
    this.rolls += Math.max(0, segments.length - 1)
    this.retired = Math.max(this.retired, this.#owned.firstId - 1)
  }
}

/** Follows the log from the next message on, and at the end must have seen every one of them. */
class Follower {
  readonly #from: number
  readonly #abort = new AbortController()
  readonly #messages: Message[] = []
  readonly #log: Log
  readonly #ended: Promise<unknown>

  constructor(log: Log, from: number) {
    this.#log = log
    this.#from = from
    this.#ended = this.#follow().catch((error: unknown) => error)
  }

  async end(model: Model): Promise<void> {
    const last = model.bodies.length
    // A message that a follower was late for may be discarded and gone.
    while (this.#next <= last && !model.discarded.has(last)) await new Promise(setImmediate)
    this.#abort.abort()
    expect(await this.#ended).toMatchObject({ code: 'QLOG_ABORTED' })
    const seen = new Set(this.#messages.map(({ id }) => id))
    for (const message of this.#messages) model.compare(message)
    if (model.discarded.has(last)) return
    for (let id = this.#from; id <= last; id++) {
      if (!seen.has(id)) expect(model.discarded).toContain(id)
    }
  }

  get #next(): number {
    return (this.#messages.at(-1)?.id ?? this.#from - 1) + 1
  }

  async #follow(): Promise<void> {
    const { signal } = this.#abort
    for await (const message of this.#log.read({ from: this.#from, follow: true, signal })) {
      this.#messages.push(message)
    }
  }
}

test('the log is an array that survives closing and killing', async () => {
  const seen = { rolls: 0, retired: 0 }
  await fc.assert(
    fc.asyncProperty(
      fc.array(stepOf, { minLength: 5, maxLength: 40 }),
      fc.constantFrom(...modes),
      fc.integer({ min: 0, max: 2 ** 31 }),
      async (steps, mode, seed) => {
        const model = new Model(seed)
        await model.run(steps, mode)
        seen.rolls += model.rolls
        seen.retired += model.retired
      },
    ),
    { numRuns: RUNS },
  )
  console.info(`${RUNS} histories: ${seen.rolls} rolls, ${seen.retired} messages retired`)
  expect(seen.rolls).toBeGreaterThan(RUNS / 2)
  expect(seen.retired).toBeGreaterThan(0)
})

test.each<Compression>(['none', 'lz4'])(
  'a body that is kept stays what it was, and pins at most 64 KiB beside itself: %s',
  async (compression) => {
    const simulation = new Simulation({ seed: 5 })
    await simulation.run(async () => {
      const log = await openPublicLog(simulation.process('owner'), '/log', { compression })
      const kept: { body: Uint8Array; copy: Buffer }[] = []
      for (let round = 0; round < 20; round++) {
        const lengths = [0, 1, 17, 4_000, 70, 5_000, round === 7 ? 200_000 : 300]
        await log.appendMany(lengths.map((length) => Buffer.alloc(length, round + length)))
        for await (const { id, body } of log.read()) {
          kept.push({ body, copy: Buffer.from(body) })
          expect(body.buffer.byteLength - body.byteLength).toBeLessThanOrEqual(PINNED_BYTES_MAX)
          const again = await log.get(id)
          if (again) kept.push({ body: again.body, copy: Buffer.from(again.body) })
        }
      }
      await log.close()
      for (const { body, copy } of kept) expect(Buffer.compare(copy, body)).toBe(0)
      expect(kept.length).toBeGreaterThan(2_000)
    })
  },
)

test.each<Compression>(['none', 'lz4'])(
  'a batch holds what one read brought in: about 64 KiB, or one larger message: %s',
  async (compression) => {
    const simulation = new Simulation({ seed: 6 })
    await simulation.run(async () => {
      const log = await openPublicLog(simulation.process('owner'), '/log', { compression })
      const lengths = Array.from({ length: 1_500 }, (_, row) => (row % 500 === 77 ? 300_000 : row))
      await log.appendMany(lengths.map((length) => new Uint8Array(length)))
      let count = 0
      for await (const batch of log.readBatches()) {
        const lengthsRead = batch.map(({ body }) => body.byteLength)
        const bytes = lengthsRead.reduce((sum, length) => sum + length, 0)
        expect(bytes).toBeLessThanOrEqual(PINNED_BYTES_MAX + Math.max(...lengthsRead))
        count += batch.length
      }
      expect(count).toBe(lengths.length)
      await log.close()
    })
  },
)
