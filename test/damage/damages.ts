/**
 * Lists of damages to the files of a small log: every truncation, sectors that are zero, stale, foreign,
 * swapped or misdirected, whole files that are gone, doubled or of an earlier day. Each is made when its
 * turn comes. Pure.
 */
import {
  parseSegmentFileName,
  SEGMENT_HEADER_BYTES,
  segmentFileName,
} from '../../src/format/layout.ts'
import type { Hit } from './check.ts'
import type { Image } from './images.ts'

const SECTOR_BYTES = 512
const SEGMENT_BYTES = 16_384
/** Copies of a file are put under these numbers: some are taken, some are not. */
const NUMBERS_TO = 12

export interface Damage {
  readonly what: string
  readonly file: string
  /** What the file holds then; undefined where it is gone. */
  readonly bytes: Uint8Array | undefined
  readonly hits: readonly Hit[]
}

/** So that a list of a hundred thousand of them is a list of small functions. */
export type MakeDamage = () => Damage

/** Every `step`th length, and those around the places where blocks begin and end. */
export function truncations(image: Image, step = 1): MakeDamage[] {
  const damages: MakeDamage[] = []
  for (const [file, bytes] of image.files) {
    for (let length = 0; length < bytes.length; length++) {
      if (length % step > 0 && !isEdge(image, file, length)) continue
      damages.push(() => ({
        what: `cut to ${length} bytes:`,
        file,
        bytes: bytes.slice(0, length),
        hits: [{ file, offset: length < SECTOR_BYTES ? 0 : length, end: bytes.length }],
      }))
    }
  }
  return damages
}

/** Every sector: zero, as it was earlier, and as the same one of each other segment is. */
export function sectors(image: Image): MakeDamage[] {
  const damages: MakeDamage[] = []
  for (const [file, bytes] of image.files) {
    const earlier = image.earlier.get(file)
    for (let at = 0; at < bytes.length; at += SECTOR_BYTES) {
      const place = (what: string, source: Uint8Array | undefined, hits: Hit[]): void => {
        const from = { what: `sector at ${at} ${what}:`, file, hits }
        damages.push(() => ({ ...from, bytes: filled(bytes, at, source) }))
      }
      place('zeroed', undefined, [sectorHit(file, at, bytes)])
      if (earlier) place('stale', earlier, [sectorHit(file, at, bytes)])
      for (const [other, theirs] of image.files) {
        if (other === file || !other.endsWith('.qls')) continue
        place(`from ${other}`, theirs, foreignHits(file, at, bytes))
      }
    }
  }
  return damages
}

/** Every two sectors of a file, each with the bytes of the other. */
export function swaps(image: Image): MakeDamage[] {
  const damages: MakeDamage[] = []
  for (const [file, bytes] of image.files) {
    for (let left = 0; left < bytes.length; left += SECTOR_BYTES) {
      for (let right = left + SECTOR_BYTES; right < bytes.length; right += SECTOR_BYTES) {
        damages.push(() => ({
          what: `sectors at ${left} and ${right} swapped:`,
          file,
          bytes: filled(
            filled(bytes, left, shifted(bytes, right - left)),
            right,
            shifted(bytes, left - right),
          ),
          hits: [sectorHit(file, left, bytes), sectorHit(file, right, bytes)],
        }))
      }
    }
  }
  return damages
}

/** Every sector over every other one of its file: a write that went to the wrong place. */
export function misdirections(image: Image): MakeDamage[] {
  const damages: MakeDamage[] = []
  for (const [file, bytes] of image.files) {
    for (let from = 0; from < bytes.length; from += SECTOR_BYTES) {
      for (let to = 0; to < bytes.length; to += SECTOR_BYTES) {
        if (from === to) continue
        damages.push(() => ({
          what: `sector at ${from} written to ${to}:`,
          file,
          bytes: filled(bytes, to, shifted(bytes, from - to)),
          hits: foreignHits(file, to, bytes),
        }))
      }
    }
  }
  return damages
}

/** Every file gone, as it was earlier, and a segment under every other number. */
export function wholeFiles(image: Image): MakeDamage[] {
  const damages: MakeDamage[] = []
  const whole = (file: string): Hit[] => [{ file, offset: 0, end: SEGMENT_BYTES }]
  for (const [file, bytes] of image.files) {
    damages.push(() => ({ what: 'without', file, bytes: undefined, hits: whole(file) }))
    const earlier = image.earlier.get(file)
    if (earlier) {
      damages.push(() => ({ what: 'rolled back:', file, bytes: earlier, hits: whole(file) }))
    }
    if (!parseSegmentFileName(file)) continue
    for (let number = 1; number <= NUMBERS_TO; number++) {
      const target = segmentFileName(number, 0)
      if (target === file) continue
      const what = `a copy of ${file} as`
      damages.push(() => ({ what, file: target, bytes, hits: whole(target) }))
    }
  }
  return damages
}

/** Around the beginning and the end of a block. */
function isEdge(image: Image, file: string, length: number): boolean {
  return (image.blocks.get(file) ?? []).some(
    ({ offset, end }) => Math.abs(offset - length) <= 9 || Math.abs(end - length) <= 9,
  )
}

function sectorHit(file: string, at: number, bytes: Uint8Array): Hit {
  return { file, offset: at, end: Math.min(bytes.length, at + SECTOR_BYTES) }
}

/** Two valid copies of a header that differ leave none: the file is lost as a whole. */
function foreignHits(file: string, at: number, bytes: Uint8Array): Hit[] {
  const isHeader = at === 0 || at === SEGMENT_HEADER_BYTES - SECTOR_BYTES
  return [isHeader ? { file, offset: 0, end: bytes.length } : sectorHit(file, at, bytes)]
}

/** A copy with the sector at `at` taken from the same place of `source`, zero where that has none. */
function filled(bytes: Uint8Array, at: number, source: Uint8Array | undefined): Uint8Array {
  const copy = bytes.slice()
  const end = Math.min(bytes.length, at + SECTOR_BYTES)
  copy.fill(0, at, end)
  if (source) copy.set(source.subarray(at, end), at)
  return copy
}

/** The bytes as seen through an offset: index i shows byte i + by. */
function shifted(bytes: Uint8Array, by: number): Uint8Array {
  const view = new Uint8Array(bytes.length)
  if (by > 0) view.set(bytes.subarray(by))
  else view.set(bytes.subarray(0, bytes.length + by), -by)
  return view
}
