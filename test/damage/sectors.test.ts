/**
 * Truncations and sectors (invariants 4, 6 and 10): each file of a small log cut at every length, and
 * each of its 512-byte sectors zeroed, stale, foreign, or swapped with another.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { SEGMENT_HEADER_BYTES } from '../../src/format/layout.ts'
import type { Hit } from './check.ts'
import { type Image, makeImages } from './images.ts'
import { isFull, Sweep } from './sweep.ts'

const SECTOR_BYTES = 512
/** Lengths that a shorter run leaves out, outside the places where blocks begin and end. */
const LENGTH_STEP = isFull ? 1 : 7

let images: { clean: Image; killed: Image }

beforeAll(async () => {
  images = await makeImages()
})

describe.each(['clean', 'killed'] as const)('a %s log', (name) => {
  test('every truncation is told, and costs what was cut off', { timeout: 1_800_000 }, async () => {
    const sweep = new Sweep(images[name])
    for (const [file, bytes] of sweep.image.files) {
      for (let length = 0; length < bytes.length; length++) {
        if (length % LENGTH_STEP > 0 && !isEdge(sweep.image, file, length)) continue
        await sweep.replaced(`cut to ${length} bytes:`, file, bytes.slice(0, length), [
          { file, offset: length < SECTOR_BYTES ? 0 : length, end: bytes.length },
        ])
      }
    }
    console.info(`${name} log: ${sweep.count} truncations`)
    expect(sweep.failures).toEqual([])
    expect(sweep.count).toBeGreaterThan(7_000)
  })

  test('every sector zeroed, stale or foreign costs what it held', async () => {
    const sweep = new Sweep(images[name])
    for (const [file, bytes] of sweep.image.files) {
      for (let at = 0; at < bytes.length; at += SECTOR_BYTES) {
        const hits = [sectorHit(file, at, bytes)]
        await sweep.replaced(`sector at ${at} zeroed:`, file, filled(bytes, at, undefined), hits)
        const earlier = sweep.image.earlier.get(file)
        if (earlier) {
          await sweep.replaced(`sector at ${at} stale:`, file, filled(bytes, at, earlier), hits)
        }
        for (const [other, theirs] of sweep.image.files) {
          if (other === file || !other.endsWith('.qls')) continue
          const what = `sector at ${at} from ${other}:`
          await sweep.replaced(what, file, filled(bytes, at, theirs), foreignHits(file, at, bytes))
        }
      }
    }
    console.info(`${name} log: ${sweep.count} sectors zeroed, stale or foreign`)
    expect(sweep.failures).toEqual([])
    expect(sweep.count).toBeGreaterThan(300)
  })

  test('every two sectors of a file swapped cost what they held', async () => {
    const sweep = new Sweep(images[name])
    for (const [file, bytes] of sweep.image.files) {
      for (let left = 0; left < bytes.length; left += SECTOR_BYTES) {
        for (let right = left + SECTOR_BYTES; right < bytes.length; right += SECTOR_BYTES) {
          const swapped = filled(
            filled(bytes, left, shifted(bytes, right - left)),
            right,
            shifted(bytes, left - right),
          )
          const hits = [sectorHit(file, left, bytes), sectorHit(file, right, bytes)]
          await sweep.replaced(`sectors at ${left} and ${right} swapped:`, file, swapped, hits)
        }
      }
    }
    console.info(`${name} log: ${sweep.count} pairs of sectors swapped`)
    expect(sweep.failures).toEqual([])
    expect(sweep.count).toBeGreaterThan(1_400)
  })
})

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
