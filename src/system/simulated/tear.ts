/**
 * What a power cut leaves of one write: any mixture of old, new, zero and garbage, decided for each
 * sector, inside the written range only. Pure.
 */
import type { PendingWrite } from './file-content.ts'
import type { PagedBytes } from './paged-bytes.ts'
import type { Random } from './random.ts'

export const SECTOR_BYTES = 512

type SectorFate = 'old' | 'new' | 'zero' | 'random' | 'stale' | 'split'

const FATES: readonly SectorFate[] = [
  'old',
  'new',
  'old',
  'new',
  'zero',
  'random',
  'stale',
  'split',
]

/**
 * Besides sector by sector, whole writes and prefixes get a share of their own: among independent
 * sectors they would hardly ever occur, and they are the commonest outcome in life.
 *
 * A sector whose new bytes equal the stored ones stays as it is: writing the same bytes to the same
 * place again is taken to be harmless, which is an assumption of the engine.
 */
export function tearWrite(stored: PagedBytes, write: PendingWrite, random: Random): void {
  const shape = random.below(8)
  if (shape < 2) return
  if (shape < 4) {
    stored.write(write.bytes, write.position)
    return
  }
  const end = write.position + write.bytes.byteLength
  const sectorCount = Math.ceil(end / SECTOR_BYTES) - Math.floor(write.position / SECTOR_BYTES)
  const keptSectors = shape === 4 ? random.below(sectorCount + 1) : sectorCount
  let cursor = write.position
  for (let sector = 0; sector < sectorCount; sector += 1) {
    const next = Math.min(end, (Math.floor(cursor / SECTOR_BYTES) + 1) * SECTOR_BYTES)
    const part = write.bytes.subarray(cursor - write.position, next - write.position)
    const fate = shape !== 4 ? random.pick(FATES) : sector < keptSectors ? 'new' : 'old'
    tearSector(stored, part, cursor, fate, random)
    cursor = next
  }
}

function tearSector(
  stored: PagedBytes,
  part: Uint8Array,
  position: number,
  fate: SectorFate,
  random: Random,
): void {
  if (fate === 'old') return
  if (fate === 'new') {
    stored.write(part, position)
    return
  }
  const old = new Uint8Array(part.byteLength)
  stored.read(old, position)
  if (Buffer.compare(old, part) === 0) return
  stored.write(tornBytes(stored, part, old, fate, random), position)
}

function tornBytes(
  stored: PagedBytes,
  part: Uint8Array,
  old: Uint8Array,
  fate: 'zero' | 'random' | 'stale' | 'split',
  random: Random,
): Uint8Array {
  const torn = new Uint8Array(part.byteLength)
  if (fate === 'random') {
    random.fill(torn)
  } else if (fate === 'stale') {
    const sectorCount = Math.max(1, Math.floor(stored.size / SECTOR_BYTES))
    stored.read(torn, random.below(sectorCount) * SECTOR_BYTES)
  } else if (fate === 'split') {
    const cut = random.below(part.byteLength + 1)
    const [head, tail] = random.chance(0.5) ? [part, old] : [old, part]
    torn.set(head.subarray(0, cut))
    torn.set(tail.subarray(cut), cut)
  }
  return torn
}
