/** Invariant 6 as `verify` tells it: of bytes all over a log that was closed, and one that was killed. */
import { expect, test } from 'vitest'
import { makeImages } from './images.ts'
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
