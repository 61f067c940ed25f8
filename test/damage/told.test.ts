/** Invariant 6 as `verify` tells it: of bytes all over a log that was closed, and one that was killed. */
import { expect, test } from 'vitest'
import { makeImages, makeTogetherImage } from './images.ts'
import { makeOwnedImage } from './owned-image.ts'
import { Sweep } from './sweep.ts'

/** The lab takes every byte. */
const STEP = 97

test.each(['clean', 'killed', 'owned'] as const)(
  // Museum: rocksdb #6288, #6963, which cannot tell what was synced.
  '%s log: a flipped bit below D is called rot, with its file and place',
  async (name) => {
    const image = name === 'owned' ? await makeOwnedImage() : (await makeImages())[name]
    const sweep = new Sweep(image)
    const failures: string[] = []
    let count = 0
    for (const [file, bytes] of image.files) {
      for (let offset = 0; offset < bytes.length; offset += STEP) {
        count += 1
        await sweep.bit(file, offset, offset % 8)
        await sweep.told(file, offset, offset % 8).catch((error: unknown) => {
          failures.push(`${error instanceof Error ? error.message : String(error)}`)
        })
      }
    }
    expect(failures).toEqual([])
    expect(sweep.failures).toEqual([])
    expect(count).toBeGreaterThan(500)
  },
  300_000,
)

test('a flipped bit in any of three groups that were under way together, and resolved, is told', async () => {
  const image = await makeTogetherImage()
  const tail = (image.blocks.get(image.newest) ?? []).filter((one) => one.offset >= image.durable)
  const sweep = new Sweep(image)
  for (const { offset: from, end } of tail) {
    for (let offset = from; offset < end; offset += 1) {
      await sweep.bit(image.newest, offset, offset % 8)
      await sweep.told(image.newest, offset, offset % 8)
    }
  }
  sweep.expectRight()
  expect(tail).toHaveLength(3)
}, 300_000)
