/**
 * Truncations and sectors (invariants 4, 6 and 10): each file of a small log cut at every length, and
 * each of its 512-byte sectors zeroed, stale, foreign, or swapped with another.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { decodeSegmentHeader, isReused } from '../../src/format/header.ts'
import { crc32 } from '../../src/system/real/crc.ts'
import { type MakeDamage, sectors, swaps, truncations } from './damages.ts'
import { type Image, makeImages, makeReusedImage } from './images.ts'
import { isFull, Sweep } from './sweep.ts'

/** Lengths that a shorter run leaves out, outside the places where blocks begin and end. */
const LENGTH_STEP = isFull ? 1 : 13

let images: { clean: Image; killed: Image }

beforeAll(async () => {
  images = await makeImages()
})

async function swept(image: Image, damages: readonly MakeDamage[]): Promise<Sweep> {
  const sweep = new Sweep(image)
  for (const make of damages) await sweep.damage(make())
  return sweep
}

describe.each(['clean', 'killed'] as const)('a %s log', (name) => {
  test('every truncation is told, and costs what was cut off', { timeout: 1_800_000 }, async () => {
    const sweep = await swept(images[name], truncations(images[name], LENGTH_STEP))
    console.info(`${name} log: ${sweep.count} truncations`)
    expect(sweep.failures).toEqual([])
    expect(sweep.count).toBeGreaterThan(3_500)
  })

  test('every sector zeroed, stale or foreign costs what it held', async () => {
    const sweep = await swept(images[name], sectors(images[name]))
    console.info(`${name} log: ${sweep.count} sectors zeroed, stale or foreign`)
    expect(sweep.failures).toEqual([])
    expect(sweep.count).toBeGreaterThan(300)
  })

  test('every two sectors of a file swapped cost what they held', async () => {
    const sweep = await swept(images[name], swaps(images[name]))
    console.info(`${name} log: ${sweep.count} pairs of sectors swapped`)
    expect(sweep.failures).toEqual([])
    expect(sweep.count).toBeGreaterThan(1_400)
  })
})

describe('a log whose files were used before', () => {
  let image: Image

  beforeAll(async () => {
    image = await makeReusedImage()
    const header = decodeSegmentHeader(image.files.get(image.newest) ?? new Uint8Array(), crc32)
    expect(header.kind === 'valid' && isReused(header.header)).toBe(true)
  })

  test('every truncation is told, and costs what was cut off', { timeout: 1_800_000 }, async () => {
    const sweep = await swept(image, truncations(image, LENGTH_STEP))
    console.info(`files used again: ${sweep.count} truncations`)
    expect(sweep.failures).toEqual([])
    expect(sweep.count).toBeGreaterThan(1_500)
  })

  test('every sector zeroed, stale or foreign costs what it held', async () => {
    const sweep = await swept(image, sectors(image))
    console.info(`files used again: ${sweep.count} sectors zeroed, stale or foreign`)
    expect(sweep.failures).toEqual([])
    expect(sweep.count).toBeGreaterThan(100)
  })
})
