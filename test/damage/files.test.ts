/**
 * Whole files (invariant 10): each file of a small log deleted, put under another number, or replaced
 * by an older version. And the owner's way (invariants 3, 4, 6 and 11): a sample of all damages, opened
 * for writing, with what is lost set aside, and opened again.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { QlogError } from '../../src/errors.ts'
import { openPublicLog } from '../../src/log/open.ts'
import type { Log, LogOptions } from '../../src/log/types.ts'
import { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import { Random } from '../../src/system/simulated/random.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import type { Checker, Hit, Outcome } from './check.ts'
import { wholeFiles } from './damages.ts'
import { type Image, makeImages } from './images.ts'
import { Sweep } from './sweep.ts'

const SAMPLES = 300

let images: { clean: Image; killed: Image }

beforeAll(async () => {
  images = await makeImages()
})

describe.each(['clean', 'killed'] as const)('a %s log', (name) => {
  test('invariant 10: deleted, doubled, misplaced and rolled-back files are found', async () => {
    const sweep = new Sweep(images[name])
    for (const make of wholeFiles(images[name])) await sweep.damage(make())
    console.info(`${name} log: ${sweep.count} whole files`)
    expect(sweep.failures).toEqual([])
    expect(sweep.count).toBeGreaterThan(35)
  })

  test('invariants 4, 6, 11: an owner that goes on keeps all that was not hit', async () => {
    const image = images[name]
    const sweep = new Sweep(image)
    const random = new Random(name === 'clean' ? 11 : 12)
    const failures: string[] = []
    const refused = new Map<string, number>()
    for (let sample = 0; sample < SAMPLES; sample++) {
      const damage = randomDamage(image, random)
      try {
        const code = await ownAndReopen(image, sweep.checker, damage)
        refused.set(code, (refused.get(code) ?? 0) + 1)
      } catch (error) {
        failures.push(`${damage.what}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    console.info(`${name} log: ${SAMPLES} openings,`, Object.fromEntries(refused))
    expect(failures.slice(0, 10)).toEqual([])
    expect([...refused.keys()].sort()).toEqual(['QLOG_DAMAGED', 'QLOG_LOCK_UNCLEAR', 'opened'])
  })
})

interface Damage {
  readonly what: string
  readonly hits: readonly Hit[]
  readonly file: string
  readonly bytes: Uint8Array
}

function randomDamage(image: Image, random: Random): Damage {
  const names = [...image.files.keys()]
  const file = names[random.between(0, names.length - 1)] ?? ''
  const bytes = (image.files.get(file) ?? new Uint8Array(0)).slice()
  const at = random.between(0, bytes.length - 1)
  if (random.chance(0.6)) {
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.between(0, 7))
    return {
      what: `bit in byte ${at} of ${file}`,
      hits: [{ file, offset: at, end: at + 1 }],
      file,
      bytes,
    }
  }
  const start = at - (at % 512)
  bytes.fill(0, start, start + 512)
  return {
    what: `sector at ${start} of ${file} zeroed`,
    hits: [{ file, offset: start, end: start + 512 }],
    file,
    bytes,
  }
}

/** Opens as an owner does by default, then with what is damaged set aside; appends; opens again. */
async function ownAndReopen(image: Image, checker: Checker, damage: Damage): Promise<string> {
  const disk = new SimulatedDisk()
  for (const [file, bytes] of image.files) disk.putFile(`/log/${file}`, bytes)
  disk.putFile(`/log/${damage.file}`, damage.bytes)
  const simulation = new Simulation({ seed: 3, disk })
  const open = (options: LogOptions = {}): Promise<Log> =>
    openPublicLog(simulation.process('owner'), '/log', {
      segmentBytesMin: 16_384,
      segmentBytesMax: 16_384,
      ...options,
    })
  return simulation.run(async () => {
    const byDefault = await open().catch((error: unknown) => error)
    if (!(byDefault instanceof QlogError) && byDefault instanceof Error) throw byDefault
    const code = byDefault instanceof QlogError ? byDefault.code : 'opened'
    if (code === 'opened') await (byDefault as Log).close()

    const log = await open({ onDamage: 'quarantine', breakLock: true })
    const first = await checker.readAll(async () => log)
    checker.judge(first, damage.hits)
    const id = await log.append('one more')
    if (first.delivered.has(id)) throw new Error(`id ${id} was given again`)
    await log.close()

    const again = await open({ onDamage: 'quarantine' })
    const second = await checker.readAll(async () => ({
      ...again,
      readBatches: (options) => again.readBatches({ ...options, to: id }),
    }))
    assertSame(first, second)
    if (Buffer.from((await again.get(id))?.body ?? []).toString() !== 'one more') {
      throw new Error(`message ${id} is gone`)
    }
    await again.close()
    return code
  })
}

function assertSame(first: Outcome, second: Outcome): void {
  const before = [...first.delivered].join()
  const after = [...second.delivered].join()
  if (before !== after) throw new Error(`first came ${before}, then ${after}`)
}
