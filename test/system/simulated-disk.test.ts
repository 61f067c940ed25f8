import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import { FileContent } from '../../src/system/simulated/file-content.ts'
import { PAGE_BYTES, PagedBytes } from '../../src/system/simulated/paged-bytes.ts'
import { Random } from '../../src/system/simulated/random.ts'
import { exportDirectory, importDirectory } from './real-directory.ts'

const SEEDS = Array.from({ length: 300 }, (_, index) => index + 1)

function filled(byteCount: number, value: number): Uint8Array {
  return new Uint8Array(byteCount).fill(value)
}

/** Much faster than toEqual, and this is asked often. */
function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0)
}

/** A disk whose file /d/f durably holds `bytes`. */
function diskWith(bytes: Uint8Array): SimulatedDisk {
  const disk = new SimulatedDisk()
  disk.putFile('/d/f', bytes)
  return disk
}

/** What `/d/f` holds after a power cut under each seed, as a set of hex strings. */
function afterCuts(prepare: (content: FileContent, random: Random) => void): Uint8Array[] {
  return SEEDS.map((seed) => {
    const disk = diskWith(filled(2048, 1))
    const random = new Random(seed)
    prepare(disk.get('/d/f', 'open').content, random)
    disk.powerCut(random)
    return disk.readFile('/d/f')
  })
}

describe('pages', () => {
  test('random writes, resizes and clones read back like a plain array', () => {
    for (const seed of SEEDS.slice(0, 40)) {
      const random = new Random(seed)
      const pages = new PagedBytes()
      let model = new Uint8Array(0)
      const clones: { pages: PagedBytes; model: Uint8Array }[] = []
      for (let step = 0; step < 40; step += 1) {
        const position = random.below(4 * PAGE_BYTES)
        const source = filled(random.below(2 * PAGE_BYTES), random.below(3))
        if (random.chance(0.1)) {
          pages.resize(position)
          const resized = new Uint8Array(position)
          resized.set(model.subarray(0, position))
          model = resized
        } else if (source.byteLength > 0) {
          pages.write(source, position)
          const grown = new Uint8Array(Math.max(model.byteLength, position + source.byteLength))
          grown.set(model)
          grown.set(source, position)
          model = grown
        }
        if (random.chance(0.1)) clones.push({ pages: pages.clone(), model: model.slice() })
      }
      for (const copy of [{ pages, model }, ...clones]) {
        expect(Buffer.compare(copy.pages.toBytes(), copy.model), `seed ${seed}`).toBe(0)
      }
    }
  })
})

describe('file data and power cuts', () => {
  test('without a flush any mixture of old and new may be left; with one nothing is lost', () => {
    const torn = afterCuts((content) => content.write(filled(1024, 2), 512))
    const middles = new Set(
      torn.map((bytes) => Buffer.from(bytes.subarray(512, 1536)).toString('hex')),
    )
    expect(middles.size).toBeGreaterThan(40)
    expect(middles).toContain('01'.repeat(1024))
    expect(middles).toContain('02'.repeat(1024))
    expect(middles).toContain('00'.repeat(512) + '01'.repeat(512))
    const flushed = afterCuts((content) => {
      content.write(filled(1024, 2), 512)
      content.flush()
    })
    for (const bytes of flushed) expectBytes(bytes.subarray(512, 1536), filled(1024, 2))
  })

  test('no byte outside the written range ever changes, not even in its boundary sectors', () => {
    const torn = afterCuts((content) => {
      content.write(filled(700, 2), 300)
      content.write(filled(10, 3), 1100)
    })
    for (const bytes of torn) {
      expectBytes(bytes.subarray(0, 300), filled(300, 1))
      expectBytes(bytes.subarray(1000, 1100), filled(100, 1))
      expectBytes(bytes.subarray(1110), filled(938, 1))
    }
    expect(torn.some((bytes) => bytes[299] === 1 && bytes[300] !== 1)).toBe(true)
  })

  test('sectors are those of the disk, not counted from where the write begins', () => {
    let zeroedSectors = 0
    for (const bytes of afterCuts((content) => content.write(filled(1024, 2), 256))) {
      for (const run of Buffer.from(bytes)
        .toString('latin1')
        .matchAll(/\0{8,}/g)) {
        expect([256, 512, 1024]).toContain(run.index)
        zeroedSectors += 1
      }
    }
    expect(zeroedSectors).toBeGreaterThan(20)
  })

  test('a buffer that is used again after its write returned changes nothing on the disk', () => {
    const buffer = Buffer.alloc(512, 2)
    const found = afterCuts((content) => {
      content.write(buffer.fill(2), 0)
      buffer.fill(9)
      content.flush()
    })
    for (const bytes of found) expectBytes(bytes.subarray(0, 512), filled(512, 2))
  })

  test('unsynced writes are lost or kept independently of their order', () => {
    const torn = afterCuts((content) => {
      content.write(filled(512, 2), 0)
      content.write(filled(512, 3), 512)
    })
    const kept = (bytes: Uint8Array): string => `${bytes[0] === 2}${bytes[512] === 3}`
    expect(new Set(torn.map(kept)).size).toBe(4)
  })

  test('the size is old or new whatever happens to the data', () => {
    const torn = afterCuts((content) => content.write(filled(1024, 2), 2048))
    expect(new Set(torn.map((bytes) => bytes.byteLength))).toEqual(new Set([2048, 3072]))
    expect(torn.some((bytes) => bytes.byteLength === 3072 && bytes[2048] === 0)).toBe(true)
    expect(torn.some((bytes) => bytes.byteLength === 3072 && bytes[2048] === 2)).toBe(true)
  })

  test('a durable write covers its own range and no earlier write', () => {
    const torn = afterCuts((content) => {
      content.write(filled(1024, 2), 0)
      content.makeDurable(content.write(filled(512, 3), 256))
    })
    for (const bytes of torn) expectBytes(bytes.subarray(256, 768), filled(512, 3))
    expect(torn.some((bytes) => bytes[0] !== 2)).toBe(true)
    expect(torn.some((bytes) => bytes[900] !== 2)).toBe(true)
  })

  test('writing the stored bytes again tears nothing', () => {
    for (const bytes of afterCuts((content) => content.write(filled(1024, 1), 512))) {
      expectBytes(bytes, filled(2048, 1))
    }
  })
})

describe('failed flushes', () => {
  test('keep-latest-clean: readers see the bytes, the next flush succeeds and saves nothing', () => {
    const lost = SEEDS.filter((seed) => {
      const disk = diskWith(filled(2048, 1))
      const { content } = disk.get('/d/f', 'open')
      const random = new Random(seed)
      content.write(filled(512, 2), 0)
      content.failFlush('keep-latest-clean', random)
      expectBytes(disk.readFile('/d/f').subarray(0, 512), filled(512, 2))
      content.flush()
      disk.powerCut(random)
      return disk.readFile('/d/f')[0] === 1
    })
    expect(lost.length).toBeGreaterThan(20)
  })

  test('revert-old: readers see what reached the disk, also after the next flush', () => {
    let old = 0
    for (const seed of SEEDS) {
      const disk = diskWith(filled(2048, 1))
      const { content } = disk.get('/d/f', 'open')
      const random = new Random(seed)
      content.write(filled(512, 2), 0)
      content.failFlush('revert-old', random)
      const seen = disk.readFile('/d/f')
      content.flush()
      disk.powerCut(random)
      expectBytes(disk.readFile('/d/f'), seen)
      if (seen[0] === 1) old += 1
    }
    expect(old).toBeGreaterThan(20)
  })

  test('revert-old after a failed durable write leaves other writes to the page visible', () => {
    for (const seed of SEEDS.slice(0, 30)) {
      const content = new FileContent()
      content.write(filled(10, 1), 0)
      const failing = content.write(filled(10, 2), 10)
      content.failDurableWrite(failing, 'revert-old', new Random(seed))
      expectBytes(content.cache.toBytes().subarray(0, 10), filled(10, 1))
      content.flush()
      expectBytes(content.durable.toBytes().subarray(0, 10), filled(10, 1))
    }
  })

  test('report-late: the newest write is on the disk, older ones may be lost', () => {
    let olderLost = 0
    for (const seed of SEEDS) {
      const disk = diskWith(filled(2048, 1))
      const { content } = disk.get('/d/f', 'open')
      const random = new Random(seed)
      content.write(filled(512, 2), 0)
      content.write(filled(512, 3), 1024)
      content.failFlush('report-late', random)
      expectBytes(disk.readFile('/d/f').subarray(0, 512), filled(512, 2))
      disk.powerCut(random)
      expectBytes(disk.readFile('/d/f').subarray(1024, 1536), filled(512, 3))
      if (disk.readFile('/d/f')[0] === 1) olderLost += 1
    }
    expect(olderLost).toBeGreaterThan(20)
  })
})

describe('names and power cuts', () => {
  /** Which files exist after a power cut, under each seed. */
  function namesAfterCuts(act: (disk: SimulatedDisk) => void): Set<string> {
    return new Set(
      SEEDS.map((seed) => {
        const disk = diskWith(filled(1, 1))
        disk.putFile('/d/g', filled(1, 2))
        disk.putFile('/e/h', filled(1, 3))
        act(disk)
        disk.powerCut(new Random(seed))
        return [...disk.tree()].map(([path, bytes]) => `${path}=${bytes[0] ?? ''}`).join(' ')
      }),
    )
  }
  const UNTOUCHED = '/d/f=1 /d/g=2 /e/h=3'

  test('a new name may vanish although its data were flushed, until its directory is', () => {
    const create = (disk: SimulatedDisk): void => {
      const { content } = disk.create('/d/new', 'file', 'open')
      content.write(filled(1, 9), 0)
      content.flush()
    }
    expect(namesAfterCuts(create)).toEqual(new Set([UNTOUCHED, '/d/f=1 /d/g=2 /d/new=9 /e/h=3']))
    const synced = namesAfterCuts((disk) => {
      create(disk)
      disk.flushDirectory('/e')
      disk.flushDirectory('/d')
    })
    expect(synced).toEqual(new Set(['/d/f=1 /d/g=2 /d/new=9 /e/h=3']))
  })

  test('a rename over a file leaves the old or the new one, never neither', () => {
    expect(namesAfterCuts((disk) => disk.rename('/d/f', '/d/g'))).toEqual(
      new Set([UNTOUCHED, '/d/g=1 /e/h=3']),
    )
  })

  test('a rename between directories stays atomic when one of them is flushed', () => {
    const outcomes = namesAfterCuts((disk) => {
      disk.create('/e/f', 'file', 'open')
      disk.rename('/d/f', '/e/f')
      disk.flushDirectory('/d')
    })
    expect(outcomes).toEqual(new Set(['/d/g=2 /e/f=1 /e/h=3']))
  })

  test('changes of names are lost independently of each other', () => {
    const outcomes = namesAfterCuts((disk) => {
      disk.link('/d/f', '/d/l')
      disk.unlink('/d/g')
    })
    expect(outcomes.size).toBe(4)
  })

  test('a failed directory flush keeps some names; the next one succeeds without the others', () => {
    const outcomes = new Set(
      SEEDS.map((seed) => {
        const disk = diskWith(filled(1, 1))
        const random = new Random(seed)
        disk.create('/d/new', 'file', 'open')
        disk.failFlushDirectory('/d', random)
        expect(disk.exists('/d/new')).toBe(true)
        disk.flushDirectory('/d')
        disk.powerCut(random)
        return disk.exists('/d/new')
      }),
    )
    expect(outcomes).toEqual(new Set([true, false]))
  })

  test('renaming one name of a file over another does nothing, as POSIX says', () => {
    const disk = diskWith(filled(1, 1))
    disk.link('/d/f', '/d/l')
    disk.rename('/d/f', '/d/l')
    expect(disk.list('/d').sort()).toEqual(['f', 'l'])
    expect(disk.get('/d/f', 'stat').linkCount).toBe(2)
    expect(() => disk.link('/d/f', '/d/l')).toThrow(expect.objectContaining({ code: 'EEXIST' }))
  })

  test('two files that are both back after a power cut have two numbers', () => {
    let bothBack = 0
    for (const seed of SEEDS.slice(0, 50)) {
      const disk = diskWith(filled(1, 1))
      disk.unlink('/d/f')
      disk.create('/d/other', 'file', 'open')
      disk.powerCut(new Random(seed))
      if (!disk.exists('/d/f') || !disk.exists('/d/other')) continue
      bothBack += 1
      expect(disk.get('/d/f', 'stat').number).not.toBe(disk.get('/d/other', 'stat').number)
    }
    expect(bothBack).toBeGreaterThan(1)
  })

  test('the number of a deleted file is given to the next one', () => {
    const disk = diskWith(filled(1, 1))
    const { number } = disk.get('/d/f', 'stat')
    disk.unlink('/d/f')
    expect(disk.create('/d/other', 'file', 'open').number).toBe(number)
  })
})

describe('snapshots and planted damage', () => {
  test('disks made from one snapshot go separate ways, unsynced state included', () => {
    const original = diskWith(filled(5000, 1))
    original.get('/d/f', 'open').content.write(filled(5000, 2), 0)
    original.create('/d/new', 'file', 'open')
    const snapshot = original.snapshot()
    original.putFile('/d/f', filled(3, 7))
    const outcomes = SEEDS.slice(0, 60).map((seed) => {
      const copy = new SimulatedDisk(snapshot)
      expectBytes(copy.readFile('/d/f'), filled(5000, 2))
      copy.powerCut(new Random(seed))
      return `${copy.exists('/d/new')} ${copy.readFile('/d/f')[0]}`
    })
    expect(new Set(outcomes).size).toBeGreaterThan(3)
    expect(original.readFile('/d/f')).toEqual(filled(3, 7))
  })

  test('damage changes what is cached and what is stored, and nothing else', () => {
    const disk = diskWith(filled(1100, 1))
    disk.flipBit('/d/f', 5, 3)
    disk.zeroSector('/d/f', 600)
    disk.copySector('/d/f', 0, '/d/f', 1030)
    const expected = filled(1100, 1)
    expected[5] = 9
    expected.fill(0, 512, 1024)
    expected.set(expected.subarray(0, 76), 1024)
    expectBytes(disk.readFile('/d/f'), expected)
    disk.powerCut(new Random(1))
    expectBytes(disk.readFile('/d/f'), expected)
    disk.removeFile('/d/f')
    disk.powerCut(new Random(2))
    expect(disk.tree().size).toBe(0)
  })

  test('what files held stays what it was, and one changed byte is a difference', () => {
    const disk = diskWith(filled(3 * PAGE_BYTES, 1))
    const contentOf = () => disk.contents().get('/d/f') ?? new PagedBytes()
    const before = contentOf()
    expect(contentOf().equals(before)).toBe(true)
    const inode = disk.get('/d/f', 'open')
    disk.changeContent(inode, (serial) => {
      inode.content.write(filled(1, 2), 2 * PAGE_BYTES + 7, serial)
    })
    expect(contentOf().equals(before)).toBe(false)
    expectBytes(before.toBytes(), filled(3 * PAGE_BYTES, 1))
  })

  test('files of zeros and of holes read the same, those of other lengths do not', () => {
    const zeros = new PagedBytes()
    zeros.write(filled(PAGE_BYTES, 0), 0)
    const hole = new PagedBytes()
    hole.resize(PAGE_BYTES)
    expect(zeros.equals(hole)).toBe(true)
    hole.resize(PAGE_BYTES + 1)
    expect(zeros.equals(hole)).toBe(false)
  })

  test('a directory goes out to a real one and comes back the same', () => {
    const realDirectory = fs.mkdtempSync(path.join(os.tmpdir(), 'qlog-export-'))
    try {
      const disk = diskWith(filled(5000, 1))
      disk.putFile('/d/sub/g', filled(3, 2))
      disk.putFile('/elsewhere', filled(1, 3))
      exportDirectory(disk, '/d', realDirectory)
      const copy = new SimulatedDisk()
      importDirectory(copy, realDirectory, '/d')
      disk.removeFile('/elsewhere')
      expect(copy.tree()).toEqual(disk.tree())
    } finally {
      fs.rmSync(realDirectory, { recursive: true })
    }
  })

  test('space is counted in pages and comes back with the last name and handle', () => {
    const disk = diskWith(filled(5000, 1))
    expect(disk.usedBytes).toBe(2 * PAGE_BYTES)
    const inode = disk.get('/d/f', 'open')
    inode.openCount += 1
    disk.unlink('/d/f')
    expect(disk.usedBytes).toBe(2 * PAGE_BYTES)
    // A copy has nobody who holds it open, though a power cut there may bring it back.
    expect(new SimulatedDisk(disk.snapshot()).usedBytes).toBe(0)
    inode.openCount -= 1
    disk.releaseUnused(inode)
    expect(disk.usedBytes).toBe(0)
  })
})
