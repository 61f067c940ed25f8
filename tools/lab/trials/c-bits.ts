/**
 * Every bit (C): each bit of each file of small logs is flipped, alone, and the log read: right data or an exact
 * report, never wrong data, never more lost than the block that was hit. Of each byte one bit is shown to
 * `verify` as well, which has to name the place.
 */
import { Sweep } from '../../../test/damage/sweep.ts'
import { type Lab, LOG_PARTS, type Stretch, type Trial } from '../trial.ts'
import { logImages } from './damage.ts'

const BYTE_BITS = 8

export const BITS: Trial = {
  letter: 'C',
  name: 'bits',
  promise: '4, 5, 6: no wrong byte is delivered; one bit costs at most one block, and is told',
  restsOn: '32-bit CRC',
  shownBy:
    'each bit of each file of small logs with every kind of block, flipped; `verify` names the place; `test/damage`',
  covers: [...LOG_PARTS, 'inspect'],
  list: bits,
}

/** One unit for each byte. */
async function* bits(lab: Lab): AsyncGenerator<Stretch> {
  for (const { name, image } of await logImages()) {
    const sweep = new Sweep(image)
    for (const [file, bytes] of image.files) {
      yield {
        name: `${file}, ${name}`,
        units: bytes.length,
        run: async (offset) => {
          for (let bit = 0; bit < BYTE_BITS; bit += 1) await sweep.bit(file, offset, bit)
          sweep.expectRight()
          lab.count('bits flipped', BYTE_BITS)
          await sweep.told(file, offset, offset % BYTE_BITS)
          lab.count('verdicts of verify')
        },
      }
    }
  }
}
