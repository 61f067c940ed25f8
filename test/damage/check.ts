/**
 * Opens a damaged log, reads all of it, and says whether what came back is right: every message as it
 * was appended, or an exact report of the ones that are lost, and no more lost than was hit.
 */
import { DamagedError, type Gap, QlogError } from '../../src/errors.ts'
import { BlockType } from '../../src/format/layout.ts'
import { openPublicReader } from '../../src/log/open-reader.ts'
import type { LogReader } from '../../src/log/types.ts'
import type { System } from '../../src/system/system.ts'
import { mayBeCutOff } from './cut-off.ts'
import type { Image, PlacedBlock } from './images.ts'
import { type Files, memorySystem } from './memory-system.ts'

/** What was done to the files: bytes [offset, end) of `file` are not what they were. */
export interface Hit {
  readonly file: string
  readonly offset: number
  readonly end: number
  /** One bit of the byte at `offset` was flipped, and nothing else. */
  readonly isOneBit?: boolean
}

export interface Outcome {
  /** Ids that came back with their right bytes. */
  readonly delivered: ReadonlySet<number>
  readonly gaps: readonly Gap[]
  /** The typed error that opening or reading ended with. */
  readonly refusal: QlogError | undefined
}

export class Checker {
  readonly #image: Image
  readonly #system: System
  readonly files: Files
  /** Lost before any of this damage was done: the image has a GAP of its own. */
  readonly #lostBefore: ReadonlySet<number>
  readonly #firstId: number

  constructor(image: Image) {
    this.#image = image
    this.files = new Map([...image.files].map(([name, bytes]) => [name, bytes.slice()]))
    this.#system = memorySystem(this.files, image.bootId)
    const lost = new Set<number>()
    const ids = [...image.truth.keys()]
    this.#firstId = Math.min(...ids)
    // What was merged away stands within the ids of its segment.
    const from = image.hasMerged ? 1 : this.#firstId
    for (let id = from; id < image.nextId; id++) if (!image.truth.has(id)) lost.add(id)
    this.#lostBefore = lost
  }

  /** Reads the files as they are now. Throws where anything came back that was never appended. */
  read(): Promise<Outcome> {
    return this.readAll(() => openPublicReader(this.#system, '/log'))
  }

  /** The same for any log or reader of these files; whoever opened it closes it. */
  async readAll(open: () => Promise<LogReader>): Promise<Outcome> {
    const delivered = new Set<number>()
    const gaps: Gap[] = []
    let refusal: QlogError | undefined
    let last = 0
    try {
      const reader = await open()
      for await (const batch of reader.readBatches({ onGap: (gap) => gaps.push(gap) })) {
        for (const { id, body } of batch) {
          const wanted = this.#image.appended.get(id)
          if (wanted === undefined || Buffer.compare(wanted, body) !== 0) {
            throw new Error(`message ${id} is not what was appended`)
          }
          if (id <= last) throw new Error(`message ${id} came after message ${last}`)
          last = id
          delivered.add(id)
        }
      }
    } catch (error) {
      if (!(error instanceof QlogError)) throw error
      if (error instanceof DamagedError) gaps.push(...error.gaps)
      refusal = error
    }
    return { delivered, gaps, refusal }
  }

  /** Judges a reading after the hits. Throws with what is wrong. */
  judge(outcome: Outcome, hits: readonly Hit[]): void {
    const { delivered, gaps, refusal } = outcome
    if (refusal !== undefined && !(refusal instanceof DamagedError)) {
      throw new Error(`refused with ${refusal.code}: ${refusal.message}`)
    }
    const reported = this.#reported(gaps, delivered)
    const mayBeLost = this.#mayBeLost(hits)
    const mayEnd = Math.min(this.#tornFrom(hits), endOfKnown(gaps, hits))
    for (const id of this.#image.truth.keys()) {
      if (delivered.has(id)) continue
      if (reported.has(id) ? mayBeLost.has(id) : id >= mayEnd) continue
      const how = reported.has(id) ? 'reported as lost, but was not hit' : 'lost without a word'
      throw new Error(`message ${id} is ${how}`)
    }
    const firstId = this.#mapIsHit(hits) ? this.#firstId : 0
    for (const id of reported) {
      // Without the newest map the one before it counts, and names segments that have retired since.
      if (!mayBeLost.has(id) && !this.#lostBefore.has(id) && id >= firstId) {
        throw new Error(`id ${id} is reported as lost, and nothing hit it`)
      }
    }
    // Where the log ends early it ends in front of a whole group, and nothing follows.
    const firstMissing = [...this.#image.truth.keys()].find(
      (id) => !delivered.has(id) && !reported.has(id),
    )
    if (firstMissing === undefined) return
    for (const id of delivered) {
      if (id > firstMissing) throw new Error(`message ${id} came behind the end at ${firstMissing}`)
    }
  }

  #reported(gaps: readonly Gap[], delivered: ReadonlySet<number>): Set<number> {
    const reported = new Set<number>()
    for (const gap of gaps) {
      for (let id = gap.firstId; id < gap.endId; id++) {
        if (delivered.has(id)) throw new Error(`message ${id} came back and is reported as lost`)
        reported.add(id)
      }
    }
    return reported
  }

  /** Both blocks of the newest segment's LINK, or of its MAP, are hit. */
  #mapIsHit(hits: readonly Hit[]): boolean {
    return this.#pairIsHit(hits, BlockType.LINK) || this.#pairIsHit(hits, BlockType.MAP)
  }

  #pairIsHit(hits: readonly Hit[], type: number): boolean {
    const { newest, blocks } = this.#image
    const pair = (blocks.get(newest) ?? []).filter((block) => block.type === type)
    const isHit = (block: PlacedBlock): boolean =>
      hits.some(({ file, offset, end }) => file === newest && touches(block, offset, end))
    return pair.length > 0 && pair.every(isHit)
  }

  /**
   * The ids that were hit. Where the newest map is gone the one before it counts: it names those that have been
   * merged since, whose files are gone too.
   */
  #mayBeLost(hits: readonly Hit[]): ReadonlySet<number> {
    const { hasMerged, truth } = this.#image
    return hasMerged && this.#mapIsHit(hits) ? new Set(truth.keys()) : this.#hitIds(hits)
  }

  /** Ids of the blocks that the hits touch; of all blocks where the newest segment has lost its LINK. */
  #hitIds(hits: readonly Hit[]): Set<number> {
    const ids = new Set<number>()
    const { newest, blocks } = this.#image
    const lostLink = this.#pairIsHit(hits, BlockType.LINK)
    for (const { file, offset, end } of hits) {
      for (const block of blocks.get(file) ?? []) {
        if (!touches(block, offset, end) && !(lostLink && file === newest)) continue
        for (let id = block.firstId; id < block.endId; id++) ids.add(id)
      }
    }
    return ids
  }

  /**
   * The first id of the first group that a hit touches at or above D, as the blocks that are left
   * claim it: from there on the log may end, since nothing proves that this was acknowledged. A single
   * flipped bit is told there as well, but where it leaves what a write does that was cut off.
   */
  #tornFrom(hits: readonly Hit[]): number {
    const { newest, blocks, indexed } = this.#image
    const tail = blocks.get(newest) ?? []
    const bytes = this.files.get(newest) ?? new Uint8Array()
    const [only] = hits
    const isHit = (block: PlacedBlock): boolean =>
      hits.some(({ file, offset, end }) => file === newest && touches(block, offset, end))
    const left = tail.filter((block) => !isHit(block)).map((block) => block.durable)
    const durable = Math.max(indexed, ...left)
    const torn = tail.find((block) => block.offset >= durable && isHit(block))
    if (torn && only?.isOneBit && !mayBeCutOff(bytes, torn, only.offset)) {
      return Number.POSITIVE_INFINITY
    }
    const group = tail.find((block) => block.group === torn?.group)
    return group?.firstId ?? Number.POSITIVE_INFINITY
  }
}

/**
 * The id from which on nobody can know what is lost: a gap without ids says that a hit file, or the
 * one behind it, ended too early.
 */
function endOfKnown(gaps: readonly Gap[], hits: readonly Hit[]): number {
  if (hits.length === 0) return Number.POSITIVE_INFINITY
  const open = gaps.filter((gap) => gap.firstId === gap.endId && gap.bytes === 0)
  const short = gaps.filter((gap) => gap.firstId === gap.endId && gap.why.includes('shorter'))
  return Math.min(...[...open, ...short].map((gap) => gap.firstId), Number.POSITIVE_INFINITY)
}

function touches(block: PlacedBlock, offset: number, end: number): boolean {
  return block.end > offset && block.offset < end
}
