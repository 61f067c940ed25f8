/** Damaged images of logs, as trials go through them: which there are, and how a list of damages is worked off. */
import type { MakeDamage } from '../../../test/damage/damages.ts'
import {
  type Image,
  makeImages,
  makeReusedImage,
  makeTogetherImage,
} from '../../../test/damage/images.ts'
import { makeOwnedImage } from '../../../test/damage/owned-image.ts'
import { Sweep } from '../../../test/damage/sweep.ts'
import type { Lab, Stretch } from '../trial.ts'

export interface NamedImage {
  readonly name: string
  readonly image: Image
}

export async function logImages(): Promise<NamedImage[]> {
  const images: NamedImage[] = []
  for (const compression of ['none', 'lz4'] as const) {
    const { clean, killed } = await makeImages({ compression })
    const packed = compression === 'lz4' ? ', packed' : ''
    images.push({ name: `closed in order${packed}`, image: clean })
    images.push({ name: `killed${packed}`, image: killed })
  }
  images.push({ name: 'files used again', image: await makeReusedImage() })
  images.push({ name: 'killed with groups under way', image: await makeTogetherImage() })
  images.push({ name: 'saved state, merged segments', image: await makeOwnedImage() })
  return images
}

/** One unit for each damage. */
export function damagesOf(
  lab: Lab,
  { name, image }: NamedImage,
  what: string,
  damages: readonly MakeDamage[],
): Stretch {
  const sweep = new Sweep(image)
  return {
    name: `${what}, ${name}`,
    units: damages.length,
    run: async (unit) => {
      const make = damages[unit]
      if (make === undefined) throw new Error(`there is no damage ${unit}`)
      await sweep.damage(make())
      sweep.expectRight()
      lab.count(what)
    },
  }
}
