/**
 * Golden files and features that nobody knows yet (L): each golden file is written to the byte as it is
 * committed; each feature bit of a header, and each other format number, leads to what invariant 17 says, and
 * never to a write.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { QlogError } from '../../../src/errors.ts'
import { encodeSegmentHeader, type SegmentHeader } from '../../../src/format/header.ts'
import { openSegmentLog } from '../../../src/log/open.ts'
import { openPublicReader } from '../../../src/log/open-reader.ts'
import { checkOptions } from '../../../src/log/options.ts'
import { readHead } from '../../../src/log/survey.ts'
import { AppendPromises } from '../../../src/log/waiting/append-promises.ts'
import { crc32 } from '../../../src/system/real/crc.ts'
import { SimulatedDisk } from '../../../src/system/simulated/disk.ts'
import { Simulation } from '../../../src/system/simulated/simulation.ts'
import { Checker } from '../../../test/damage/check.ts'
import type { Image } from '../../../test/damage/images.ts'
import { memorySystem } from '../../../test/damage/memory-system.ts'
import { goldenFiles } from '../../../test/format/golden-files.ts'
import { type Lab, LOG_PARTS, type Stretch, type Trial } from '../trial.ts'
import { logImages } from './damage.ts'

const FIELDS = ['compatible', 'readOnlyCompatible', 'incompatible'] as const
const BITS = 32
/** Another format number has one bit more. */
const CHANGES = FIELDS.length * BITS + BITS
const GOLDEN = 'test/fixtures/format'

export const VERSIONS: Trial = {
  letter: 'L',
  name: 'versions',
  promise:
    '17: old files are read; what a newer version wrote is read or refused, and never written',
  restsOn: '',
  shownBy:
    'every golden file; every feature bit and format bit in the header of every segment, read and opened; `test/format`',
  covers: LOG_PARTS,
  list: versions,
}

async function* versions(lab: Lab): AsyncGenerator<Stretch> {
  const golden = [...goldenFiles(crc32)]
  yield {
    name: 'golden files',
    units: golden.length,
    run: async (unit) => {
      const [name, bytes] = golden[unit] ?? ['', new Uint8Array(0)]
      const isSame = Buffer.compare(readFileSync(join(GOLDEN, name)), bytes) === 0
      if (!isSame) throw new Error(`${name} is not written as it is committed`)
      lab.count('golden files')
    },
  }
  for (const { name, image } of await logImages()) {
    const files = [...image.blocks.keys()]
    yield {
      name: `features, ${name}`,
      units: files.length * CHANGES,
      run: async (unit) => {
        await tryFeature(image, files[Math.floor(unit / CHANGES)] ?? '', unit % CHANGES)
        lab.count('bits of features and formats')
      },
    }
  }
}

async function tryFeature(image: Image, file: string, change: number): Promise<void> {
  const system = memorySystem(image.files, image.bootId)
  const header = (await readHead(system, '/log', file))?.head.header
  if (header === undefined) throw new Error(`${file} has no header`)
  const bytes = (image.files.get(file) ?? new Uint8Array(0)).slice()
  bytes.set(encodeSegmentHeader(changed(header, change), crc32))

  const checker = new Checker(image)
  checker.files.set(file, bytes)
  const read = await codeOf(() =>
    openPublicReader(memorySystem(checker.files, image.bootId), '/log'),
  )
  const wanted = change < 2 * BITS ? 'opened' : 'QLOG_NEWER_FORMAT'
  const what = `${file} with change ${change}`
  if (read !== wanted) throw new Error(`${what}: a reader is ${read}, not ${wanted}`)
  if (wanted === 'opened') checker.judge(await checker.read(), [])

  const disk = new SimulatedDisk()
  for (const [name, content] of checker.files) disk.putFile(`/log/${name}`, content)
  const owned = await ownedCode(disk)
  const isKnown = change < BITS
  const refusal = change < 2 * BITS ? 'QLOG_READ_ONLY' : 'QLOG_NEWER_FORMAT'
  if (isKnown !== (owned === 'opened') || (!isKnown && owned !== refusal)) {
    throw new Error(`${what}: an owner is ${owned}`)
  }
  if (isKnown) return
  for (const [name, content] of checker.files) {
    if (name === 'LOCK') continue
    const left = disk.readFile(`/log/${name}`)
    if (Buffer.compare(left, content) !== 0) throw new Error(`${what}: ${name} was written to`)
  }
}

function changed(header: SegmentHeader, change: number): SegmentHeader {
  const flag = 2 ** (change % BITS)
  const field = FIELDS[Math.floor(change / BITS)]
  if (field === undefined) return { ...header, formatNumber: toggled(header.formatNumber, flag) }
  const features = { ...header.features, [field]: toggled(header.features[field], flag) }
  return { ...header, features }
}

function toggled(value: number, flag: number): number {
  return Math.floor(value / flag) % 2 === 0 ? value + flag : value - flag
}

function ownedCode(disk: SimulatedDisk): Promise<string> {
  const simulation = new Simulation({ seed: 3, disk })
  const sizes = { segmentBytesMin: 16_384, segmentBytesMax: 16_384 }
  const options = checkOptions({ ...sizes, breakLock: true })
  const owner = simulation.process('owner')
  // Not as a plain log: some of them hold control records and saved state.
  return simulation.run(() =>
    codeOf(() => openSegmentLog(owner, '/log', new AppendPromises(), options)),
  )
}

async function codeOf(open: () => Promise<{ close(): Promise<void> }>): Promise<string> {
  try {
    await (await open()).close()
    return 'opened'
  } catch (error) {
    if (error instanceof QlogError) return error.code
    throw error
  }
}
