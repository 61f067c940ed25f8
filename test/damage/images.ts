/**
 * Small logs with every kind of block that a log writes, made by the log itself on the simulated
 * machine, with what each must give back. Segments have 16 KiB.
 */
import { BlockType, parseSegmentFileName } from '../../src/format/layout.ts'
import { openPublicLog } from '../../src/log/open.ts'
import { scanSegment } from '../../src/log/scan.ts'
import { keyOf, readHead } from '../../src/log/survey.ts'
import type { Log, LogOptions } from '../../src/log/types.ts'
import { withFile } from '../../src/log/with-file.ts'
import type { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import { type Files, memorySystem } from './memory-system.ts'

const DIRECTORY = '/log'
const OPTIONS: LogOptions = { segmentBytesMin: 16_384, segmentBytesMax: 16_384 }
/** Longer than the idle time after which a log confirms its end. */
const IDLE_MS = 200
/** In which of them groups are under way together is up to the scheduler. */
const TOGETHER_SEEDS = 200

export interface PlacedBlock {
  readonly offset: number
  readonly end: number
  readonly group: number
  readonly type: number
  readonly flags: number
  readonly durable: number
  readonly firstId: number
  /** One past the last id that the block holds; equal where it holds no message. */
  readonly endId: number
}

export interface Image {
  readonly name: 'clean' | 'killed' | 'owned'
  readonly files: Files
  /** The same log at an earlier moment, for stale sectors and rolled-back files. */
  readonly earlier: Files
  /** Every message that was ever appended: nothing else may come back. */
  readonly appended: ReadonlyMap<number, Uint8Array>
  /** Every message that an intact reading returns. */
  readonly truth: ReadonlyMap<number, Uint8Array>
  readonly nextId: number
  /** The valid blocks of each segment, by file. */
  readonly blocks: ReadonlyMap<string, readonly PlacedBlock[]>
  /** The newest segment, and the offset up to which it is known durable. */
  readonly newest: string
  readonly durable: number
  /** D in the newest segment by the index; 0 where it names another one. */
  readonly indexed: number
  readonly bootId: string
  /** Segments were rewritten together, so that messages in the middle are gone. */
  readonly hasMerged?: true
}

/** A message that says its id, so that no other can pass for it. */
export function bodyOf(id: number, byteLength: number): string {
  return `${id}:`.padEnd(byteLength, `<${id}>`)
}

class Builder {
  readonly #options: LogOptions
  readonly simulation: Simulation
  readonly written = new Map<number, string>()
  readonly lost = new Set<number>()
  #process: SimulatedProcess

  constructor(options: LogOptions, seed = 7) {
    this.#options = { ...OPTIONS, ...options }
    this.simulation = new Simulation({ seed })
    this.#process = this.simulation.process('first')
  }

  get disk(): SimulatedDisk {
    return this.simulation.disk
  }

  get bootId(): string {
    return this.#process.identity.bootId
  }

  async open(options: LogOptions = {}): Promise<Log> {
    this.#process = this.simulation.process('writer')
    return this.simulation.run(() =>
      openPublicLog(this.#process, DIRECTORY, { ...this.#options, ...options }),
    )
  }

  kill(): void {
    this.simulation.kill(this.#process)
  }

  /** One group of messages with these lengths. */
  async append(log: Log, ...byteLengths: number[]): Promise<void> {
    await this.simulation.run(() =>
      Promise.all(
        byteLengths.map(async (byteLength) => {
          const body = bodyOf(log.nextId, byteLength)
          this.written.set(await log.append(body), body)
        }),
      ),
    )
  }

  /** Messages each of which is on its way before the one in front of it is durable, in groups of their own. */
  async appendTogether(log: Log, ...byteLengths: number[]): Promise<void> {
    const { clock } = this.#process
    await this.simulation.run(async () => {
      const appends: Promise<void>[] = []
      for (const byteLength of byteLengths) {
        const body = bodyOf(log.nextId + appends.length, byteLength)
        appends.push(log.append(body).then((id) => void this.written.set(id, body)))
        await new Promise<void>((resolve) => clock.afterEvents(resolve))
      }
      await Promise.all(appends)
    })
  }

  async appendBatch(log: Log, ...byteLengths: number[]): Promise<void> {
    const first = log.nextId
    const bodies = byteLengths.map((byteLength, row) => bodyOf(first + row, byteLength))
    await this.simulation.run(() => log.appendMany(bodies))
    for (const [row, body] of bodies.entries()) this.written.set(first + row, body)
  }

  /** Appends until this many segments have been begun since. */
  async roll(log: Log, segments: number): Promise<void> {
    const before = log.stats().segments.at(-1)?.file
    let last = before
    for (let rolls = 0; rolls < segments; ) {
      await this.append(log, 900, 40, 700, 300)
      const now = log.stats().segments.at(-1)?.file
      if (now !== last) rolls++
      last = now
    }
  }

  idle(): Promise<void> {
    const { clock } = this.#process
    return this.simulation.run(
      () => new Promise<void>((resolve) => clock.after(IDLE_MS, () => resolve())),
    )
  }

  /** Discards the messages of the oldest segment, and waits until its file is gone. */
  async retireOldest(log: Log): Promise<void> {
    const [oldest] = log.stats().segments
    if (oldest === undefined) throw new Error('there is no segment to retire')
    log.discard(oldest.firstId, oldest.endId)
    await this.idle()
    if (this.disk.exists(`${DIRECTORY}/${oldest.file}`)) throw new Error('it did not retire')
  }

  files(): Files {
    return filesOf(this.disk)
  }
}

export function filesOf(disk: SimulatedDisk): Files {
  const files: Files = new Map()
  for (const [path, bytes] of disk.tree()) {
    const name = path.slice(DIRECTORY.length + 1)
    // What is kept for a full disk is zero, belongs to no log, and would be most of the work here.
    if (!name.includes('/') && !name.startsWith('reserve-')) files.set(name, bytes)
  }
  return files
}

/** A log closed in order, and the same log opened again and killed. */
export async function makeImages(
  options: LogOptions = {},
): Promise<{ clean: Image; killed: Image }> {
  const builder = new Builder(options)
  let log = await builder.open()
  await builder.roll(log, 3)
  await builder.retireOldest(log)
  await builder.append(log, 200, 300)
  await builder.append(log, 400)
  await builder.appendBatch(log, 60, 61, 62)
  const earlier = builder.files()
  builder.kill()

  // A block that is known durable rots, and the owner goes on without it: a GAP, and copies.
  await damageNewest(builder)
  log = await builder.open({ onDamage: 'quarantine' })
  await builder.append(log, 100)
  await builder.roll(log, 1)
  await builder.retireOldest(log)
  await builder.appendBatch(log, 400, 401)
  await builder.idle()
  await builder.append(log, 50)
  await builder.simulation.run(() => log.close())
  const clean = await image('clean', builder, earlier)

  log = await builder.open()
  await builder.append(log, 120, 130)
  await builder.retireOldest(log)
  await builder.append(log, 140)
  await builder.appendBatch(log, 150, 151, 152)
  const middle = builder.files()
  await builder.append(log, 1_000, 600)
  await builder.append(log, 110)
  await builder.append(log, 2_300, 1_800, 70)
  builder.kill()
  return { clean, killed: await image('killed', builder, middle) }
}

/** A log closed in order, whose newest segment stands in a file that was used before. */
export async function makeReusedImage(): Promise<Image> {
  const builder = new Builder({})
  const log = await builder.open()
  await builder.roll(log, 2)
  const earlier = builder.files()
  for (let turn = 0; turn < 3; turn++) {
    await builder.retireOldest(log)
    await builder.roll(log, 1)
  }
  await builder.append(log, 200, 300)
  await builder.append(log, 400)
  await builder.simulation.run(() => log.close())
  return image('clean', builder, earlier)
}

/** A log that was killed when three groups had just resolved that were under way together: none claims another. */
export async function makeTogetherImage(): Promise<Image> {
  for (let seed = 1; seed <= TOGETHER_SEEDS; seed += 1) {
    const builder = new Builder({}, seed)
    const log = await builder.open()
    await builder.append(log, 200, 300)
    const earlier = builder.files()
    // A segment gets a further way for its writes once one of them had to wait.
    for (let turn = 0; turn < 3; turn += 1) await builder.appendTogether(log, 50, 50, 50)
    await builder.appendTogether(log, 700, 90, 1_200)
    builder.kill()
    const made = await image('killed', builder, earlier)
    const [first, ...others] = (made.blocks.get(made.newest) ?? []).slice(-3)
    if (first && others.every((one) => one.durable <= first.offset && one.group === one.offset))
      return made
  }
  throw new Error('in no simulation these groups were under way together')
}

/** Flips a bit in the second DATA block from the end of the newest segment. */
async function damageNewest(builder: Builder): Promise<void> {
  const all = await allBlocks(builder.files(), builder.bootId)
  const file = newestOf(all)
  const blocks = all.get(file) ?? []
  const durable = Math.max(...blocks.map((block) => block.durable))
  const victim = blocks.filter((one) => one.type === BlockType.DATA && one.end <= durable).at(-1)
  if (victim === undefined) throw new Error('the newest segment has no durable DATA')
  builder.disk.flipBit(`${DIRECTORY}/${file}`, victim.offset + 60, 3)
  for (let id = victim.firstId; id < victim.endId; id++) builder.lost.add(id)
}

async function image(name: Image['name'], builder: Builder, earlier: Files): Promise<Image> {
  const files = builder.files()
  const blocks = await allBlocks(files, builder.bootId)
  const newest = newestOf(blocks)
  const firstId = [...blocks.values()][0]?.[0]?.firstId ?? 1
  const truth = new Map<number, Uint8Array>()
  const appended = new Map<number, Uint8Array>()
  for (const [id, body] of builder.written) {
    appended.set(id, Buffer.from(body))
    if (id >= firstId && !builder.lost.has(id)) truth.set(id, Buffer.from(body))
  }
  const tail = blocks.get(newest) ?? []
  return {
    name,
    files,
    earlier,
    appended,
    truth,
    nextId: Math.max(...builder.written.keys()) + 1,
    blocks,
    newest,
    durable: Math.max(...tail.map((block) => block.durable)),
    indexed: name === 'clean' ? Math.max(...tail.map((block) => block.end)) : 0,
    bootId: builder.bootId,
  }
}

/** By file, in order of number. */
export async function allBlocks(files: Files, bootId: string): Promise<Map<string, PlacedBlock[]>> {
  const blocks = new Map<string, PlacedBlock[]>()
  for (const file of [...files.keys()].sort()) {
    if (parseSegmentFileName(file)) blocks.set(file, await blocksOf(files, file, bootId))
  }
  return blocks
}

/** The last segment that has begun: one made ahead may stand behind it. */
export function newestOf(blocks: ReadonlyMap<string, readonly PlacedBlock[]>): string {
  const begun = [...blocks].filter(([, placed]) => placed.length > 0)
  return begun.at(-1)?.[0] ?? ''
}

async function blocksOf(files: Files, file: string, bootId: string): Promise<PlacedBlock[]> {
  const system = memorySystem(files, bootId)
  const found = await readHead(system, DIRECTORY, file)
  const header = found?.head.header
  if (!header) throw new Error(`${file} has no header`)
  const placed: PlacedBlock[] = []
  const { blocks } = await withFile(system, `${DIRECTORY}/${file}`, (handle) =>
    scanSegment(system, handle, keyOf(header), header.fileBytes, {
      visit: (_bytes, _at, block) => {
        const { offset, length, type, flags, durableOffset, groupOffset, firstId } = block
        const end = offset + length
        placed.push({
          offset,
          end,
          type,
          flags,
          durable: durableOffset,
          group: groupOffset,
          firstId,
          endId: firstId,
        })
      },
    }),
  )
  return placed.map((block, row) => ({ ...block, endId: blocks.endId(row) }))
}
