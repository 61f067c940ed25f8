/**
 * Directories as nobody leaves them: a log's or store's files that were mutated, swapped, renamed and cut, with
 * checksums that fit or do not, beside things that are named like its files and are none. Pure.
 */
import type { SegmentKey } from '../../src/format/block.ts'
import { setUint32 } from '../../src/format/bytes.ts'
import { decodeSegmentHeader } from '../../src/format/header.ts'
import {
  SEGMENT_HEADER_BYTES,
  SEGMENT_HEADER_COPY_BYTES,
  segmentFileName,
} from '../../src/format/layout.ts'
import { keyOf } from '../../src/log/survey.ts'
import { crc32 } from '../../src/system/real/crc.ts'
import { allBlocks, makeImages } from '../damage/images.ts'
import type { Files } from '../damage/memory-system.ts'
import { makeOwnedImage } from '../damage/owned-image.ts'
import { mendBlock } from './decoders-of-format.ts'
import type { Thing } from './lay-out.ts'
import { below, mutate, noise, pick, type Random } from './mutate.ts'
import { makeStoreImage } from './store-image.ts'

const CRC_BYTES = 4
const CHANGES_MAX = 4
const NOISE_BYTES_MAX = 40_000
/** A file that claims this has next to nothing of it on the disk. */
const SPARSE_BYTES = 96 * 1024 * 1024

/** What a directory is made of. */
export interface Image {
  readonly name: string
  readonly files: Files
  /** Messages that were written and may come back, though no reader of it gives them. */
  readonly appended: ReadonlyMap<number, Uint8Array>
  /** Where blocks begin, by file. */
  readonly blocks: ReadonlyMap<string, readonly number[]>
}

export interface HostileDirectory {
  readonly image: string
  readonly isStore: boolean
  readonly things: ReadonlyMap<string, Thing>
  /** Checksums were mended behind a change: what is read need not be what was written. */
  readonly isMended: boolean
  /** What was done, for whoever looks at a failure. */
  readonly done: readonly string[]
}

let images: Promise<readonly Image[]> | undefined

/** Small logs and stores, closed in order and killed. */
export function hostileImages(): Promise<readonly Image[]> {
  images ??= makeAll()
  return images
}

async function makeAll(): Promise<readonly Image[]> {
  const plain = await makeImages({ compression: 'lz4' })
  const store = await makeStoreImage()
  const none = new Map<number, Uint8Array>()
  const all: readonly [string, Files, ReadonlyMap<number, Uint8Array>][] = [
    ['a log, closed', plain.clean.files, plain.clean.appended],
    ['a log, killed', plain.killed.files, plain.killed.appended],
    ['an owner, closed', (await makeOwnedImage()).files, none],
    ['a store, closed', store.closed, none],
    ['a store, killed', store.killed, none],
  ]
  return Promise.all(
    all.map(async ([name, files, appended]) => {
      const placed = await allBlocks(files, '0'.repeat(32))
      const blocks = [...placed].map(([file, some]) => [file, some.map(({ offset }) => offset)])
      return { name, files, appended, blocks: new Map(blocks as [string, number[]][]) }
    }),
  )
}

type Change = (random: Random, made: Made) => string

/** A directory in the making. */
interface Made {
  readonly image: Image
  readonly other: Image
  readonly things: Map<string, Thing>
  isMended: boolean
}

export function hostileDirectory(random: Random, all: readonly Image[]): HostileDirectory {
  const image = pick(random, all)
  const things = new Map<string, Thing>()
  for (const [name, bytes] of image.files) things.set(name, { kind: 'file', bytes })
  const made: Made = { image, other: pick(random, all), things, isMended: false }
  const done: string[] = []
  for (let i = below(random, CHANGES_MAX); i >= 0; i -= 1)
    done.push(pick(random, CHANGES)(random, made))
  const isStore = image.name.startsWith('a store')
  return { image: image.name, isStore, things, isMended: made.isMended, done }
}

/** The more frequent ones stand here more often. */
const CHANGES: readonly Change[] = [
  ...[mutateFile, mutateFile, mutateFile],
  ...[mutateBlock, mutateBlock, mutateBlock, mutateBlock],
  ...[mutateHeader, mutateIndex, mutateIndex],
  ...[spliceBlock, cutFile, cutFile, growFile, noiseFile, swapFiles],
  ...[renameFile, doubleFile, removeFile, foreignFile],
  ...[otherKind, otherKind, extraThing],
]

function mutateFile(random: Random, { image, other, things }: Made): string {
  const name = pick(random, [...image.files.keys()])
  const donor = pick(random, [...other.files.values()])
  const bytes = mutate(random, bytesOf(things, name, image), { donor })
  things.set(name, { kind: 'file', bytes })
  return `mutated ${name}`
}

/** Also its checksum, or not. */
function mutateBlock(random: Random, made: Made): string {
  const { image, things } = made
  const [name, offsets] = pick(random, [...image.blocks])
  const file = bytesOf(things, name, image).slice()
  const row = below(random, offsets.length)
  const offset = Math.min(offsets[row] ?? 0, file.length)
  const end = offsets[row + 1] ?? file.length
  const bytes = mutate(random, file.subarray(offset, Math.max(end, offset + 48)), { inPlace: true })
  file.set(bytes.subarray(0, Math.max(0, file.length - offset)), offset)
  const key = keyIn(image, name)
  const isMended = key !== undefined && random() < 0.7
  if (isMended) mendBlock(file, offset, offset, key)
  made.isMended ||= isMended
  things.set(name, { kind: 'file', bytes: file })
  return `${isMended ? 'mended' : 'changed'} the block at ${offset} of ${name}`
}

/** Both copies alike, with checksums that fit. */
function mutateHeader(random: Random, made: Made): string {
  const { image, things } = made
  const name = pick(random, [...image.blocks.keys()])
  const file = bytesOf(things, name, image).slice()
  if (file.length < SEGMENT_HEADER_BYTES) return `left the header of ${name}`
  const fields = mutate(random, file.subarray(0, 88), { inPlace: true })
  for (const at of [0, SEGMENT_HEADER_BYTES - SEGMENT_HEADER_COPY_BYTES]) {
    file.set(fields, at)
    const crcAt = at + SEGMENT_HEADER_COPY_BYTES - CRC_BYTES
    setUint32(file, crcAt, crc32(file.subarray(at, crcAt), 0))
  }
  made.isMended = true
  things.set(name, { kind: 'file', bytes: file })
  return `mended the header of ${name}`
}

function mutateIndex(random: Random, made: Made): string {
  const { image, other, things } = made
  const bytes = image.files.get('index.a') ?? other.files.get('index.a')
  if (bytes === undefined) return mutateFile(random, made)
  const file = mutate(random, bytes)
  const isMended = random() < 0.7 && file.length > 16
  if (isMended) {
    setUint32(file, 12, file.length)
    setUint32(file, file.length - CRC_BYTES, crc32(file.subarray(0, -CRC_BYTES), 0))
  }
  made.isMended ||= isMended
  things.set(pick(random, ['index.a', 'index.b']), { kind: 'file', bytes: file })
  return `${isMended ? 'mended' : 'changed'} an index`
}

/** A block of some segment at the place of another. */
function spliceBlock(random: Random, { image, other, things }: Made): string {
  const [from, fromOffsets] = pick(random, [...other.blocks])
  const [name, offsets] = pick(random, [...image.blocks])
  const source = other.files.get(from) ?? new Uint8Array(0)
  const offset = pick(random, fromOffsets)
  const file = bytesOf(things, name, image).slice()
  const at = Math.min(pick(random, offsets), file.length)
  const piece = source.subarray(offset, offset + 8 * below(random, 600))
  file.set(piece.subarray(0, file.length - at), at)
  things.set(name, { kind: 'file', bytes: file })
  return `put ${piece.length} bytes of ${from} into ${name} at ${at}`
}

function cutFile(random: Random, { image, things }: Made): string {
  const name = pick(random, [...image.files.keys()])
  const bytes = bytesOf(things, name, image)
  const length = random() < 0.2 ? 0 : below(random, bytes.length + 1)
  things.set(name, { kind: 'file', bytes: bytes.slice(0, length) })
  return `cut ${name} to ${length}`
}

/** Larger than it says, or than anything. */
function growFile(random: Random, { image, things }: Made): string {
  const name = pick(random, [...image.files.keys()])
  const bytes = bytesOf(things, name, image)
  things.set(name, { kind: 'file', bytes, sparseBytes: below(random, SPARSE_BYTES) })
  return `grew ${name}`
}

function noiseFile(random: Random, { image, things }: Made): string {
  const name = pick(random, [...image.files.keys(), ...STRANGE_NAMES])
  things.set(name, { kind: 'file', bytes: noise(random, below(random, NOISE_BYTES_MAX)) })
  return `noise in ${name}`
}

function swapFiles(random: Random, { image, things }: Made): string {
  const [one, other] = [
    pick(random, [...image.files.keys()]),
    pick(random, [...image.files.keys()]),
  ]
  const [first, second] = [things.get(one), things.get(other)]
  if (first) things.set(other, first)
  if (second) things.set(one, second)
  return `swapped ${one} and ${other}`
}

function renameFile(random: Random, { image, things }: Made): string {
  const name = pick(random, [...image.files.keys()])
  const target = strangeName(random)
  const thing = things.get(name)
  things.delete(name)
  if (thing) things.set(target, thing)
  return `renamed ${name} to ${target}`
}

function doubleFile(random: Random, { image, things }: Made): string {
  const name = pick(random, [...image.files.keys()])
  const target = strangeName(random)
  const thing = things.get(name)
  if (thing) things.set(target, thing)
  return `doubled ${name} as ${target}`
}

function removeFile(random: Random, { image, things }: Made): string {
  const name = pick(random, [...image.files.keys()])
  things.delete(name)
  return `removed ${name}`
}

/** One that another log has under this name, or would have. */
function foreignFile(random: Random, { image, other, things }: Made): string {
  const [from, bytes] = pick(random, [...other.files])
  const name = random() < 0.5 ? from : pick(random, [...image.files.keys()])
  things.set(name, { kind: 'file', bytes })
  return `${name} of another log`
}

function otherKind(random: Random, { image, things }: Made): string {
  const name = random() < 0.6 ? pick(random, [...image.files.keys()]) : strangeName(random)
  const thing = someThing(random, image)
  things.set(name, thing)
  return `${name} is a ${thing.kind}${thing.kind === 'link' ? ` to ${thing.to}` : ''}`
}

function extraThing(random: Random, { image, things }: Made): string {
  const name = pick(random, STRANGE_NAMES)
  things.set(name, someThing(random, image))
  return `${name} stands beside`
}

function someThing(random: Random, image: Image): Thing {
  const to = pick(random, [...image.files.keys(), '.', '..', 'nowhere', '/dev/zero', '/dev/null'])
  const kinds: readonly Thing[] = [
    { kind: 'directory' },
    { kind: 'fifo' },
    { kind: 'socket' },
    { kind: 'link', to },
    { kind: 'link', to: 'LOCK' },
  ]
  return pick(random, kinds)
}

const STRANGE_NAMES = [
  'index.b',
  'index.a',
  'LOCK',
  `lock-${'a'.repeat(32)}.sock`,
  `LOCK-after-${'b'.repeat(32)}`,
  `spare-${'c'.repeat(16)}`,
  `reserve-${'d'.repeat(16)}`,
  `segment-${'e'.repeat(16)}.tmp`,
  'segments',
  'name\nwith a line',
] as const

function strangeName(random: Random): string {
  if (random() < 0.3) return pick(random, STRANGE_NAMES)
  const number = pick(random, [1, 2, 5, 9, 13, 100, 2 ** 32, Number.MAX_SAFE_INTEGER])
  return segmentFileName(number, pick(random, [0, 0, 1, 99, 0xffff_ffff]))
}

/** What stands under the name by now; where that is no file, what stood there. */
function bytesOf(things: ReadonlyMap<string, Thing>, name: string, image: Image): Uint8Array {
  const thing = things.get(name)
  return thing?.kind === 'file' ? thing.bytes : (image.files.get(name) ?? new Uint8Array(0))
}

function keyIn(image: Image, file: string): SegmentKey | undefined {
  const bytes = image.files.get(file)?.subarray(0, SEGMENT_HEADER_BYTES) ?? new Uint8Array(0)
  const decoded = decodeSegmentHeader(bytes, crc32)
  return decoded.kind === 'valid' ? keyOf(decoded.header) : undefined
}
