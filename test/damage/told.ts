/**
 * Whether `verify` says of a flipped bit what it is: damage, in this file and place, where what was hit is a
 * header, an index, or a block that counts and is known durable. Of the last groups, up to three, which nothing
 * claims durable, it is told as well, but where the bytes are those of a write that was cut off.
 */
import { BlockType, SEGMENT_HEADER_BYTES } from '../../src/format/layout.ts'
import { verifyLog } from '../../src/inspect/verify.ts'
import { mayBeCutOff } from './cut-off.ts'
import type { Image, PlacedBlock } from './images.ts'
import { type Files, memorySystem } from './memory-system.ts'

const COPY_BYTES = 512

/** `files`: the image's, with one bit of the byte at `offset` of `file` flipped. */
export async function expectTold(
  image: Image,
  files: Files,
  file: string,
  offset: number,
): Promise<void> {
  if (wantedOf(image, files, file, offset) === 'anything') return
  const { verdict, findings } = await verifyLog(memorySystem(files, image.bootId), '/log')
  const rotten = findings.filter(({ level }) => level === 'rot')
  const isHere = rotten.some(
    (one) =>
      one.file === file &&
      (one.bytes === 0 || (one.offset <= offset && offset < one.offset + one.bytes)),
  )
  const rows = findings.map((one) => `${one.row} of ${one.file} at ${one.offset}`).join(', ')
  if (verdict !== 'rot' || !isHere) {
    throw new Error(`byte ${offset} of ${file} is damaged, and verify says ${verdict} (${rows})`)
  }
}

function wantedOf(image: Image, files: Files, file: string, offset: number): 'rot' | 'anything' {
  const blocks = image.blocks.get(file)
  if (blocks === undefined) return file.startsWith('index.') ? 'rot' : 'anything'
  // A file that was made ahead, or lost its place, holds nothing that counts.
  if (blocks.length === 0) return 'anything'
  if (isHeaderCopy(offset)) return 'rot'
  const block = blocks.find((one) => one.offset <= offset && offset < one.end)
  if (block === undefined) return 'anything'
  if (file === image.newest && !isKnownDurable(image, blocks, block)) {
    return mayBeCutOff(files.get(file) ?? new Uint8Array(), block, offset) ? 'anything' : 'rot'
  }
  // Behind the cut stands what a successor has copied, and SEAL, which is a cache.
  const counts = block.type !== BlockType.SEAL && block.firstId < beginOfNext(image, file)
  return counts ? 'rot' : 'anything'
}

function beginOfNext(image: Image, file: string): number {
  const files = [...image.blocks.keys()].sort()
  const behind = files.slice(files.indexOf(file) + 1)
  const firstIds = behind.flatMap((name) => image.blocks.get(name)?.[0]?.firstId ?? [])
  return firstIds[0] ?? Number.POSITIVE_INFINITY
}

/** By the claims of the other blocks, or of the index: its own may go with it. */
function isKnownDurable(image: Image, blocks: readonly PlacedBlock[], block: PlacedBlock): boolean {
  const claims = blocks.filter((one) => one !== block).map(({ durable }) => durable)
  return block.end <= Math.max(image.indexed, ...claims)
}

function isHeaderCopy(offset: number): boolean {
  const isLast = offset >= SEGMENT_HEADER_BYTES - COPY_BYTES && offset < SEGMENT_HEADER_BYTES
  return offset < COPY_BYTES || isLast
}
