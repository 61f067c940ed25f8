/** Reading past the page cache: the same bytes, whatever the place and length of the read. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RealFileSystem } from '../../src/system/real/files.ts'
import type { FileHandle } from '../../src/system/system.ts'

const FILE_BYTES = 700_001
const files = new RealFileSystem('linux')
let directory = ''
let path = ''
const bytes = new Uint8Array(FILE_BYTES).map((_, at) => (at * 7 + (at >> 9)) & 0xff)

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'qlog-direct-'))
  path = join(directory, 'file')
  writeFileSync(path, bytes)
})

afterAll(() => rmSync(directory, { recursive: true }))

async function withDirect<T>(work: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await files.open(path, { mode: 'read', direct: true })
  try {
    return await work(handle)
  } finally {
    await handle.close()
  }
}

describe('a file that is opened to be read past the page cache', () => {
  it.each([
    [0, 100],
    [0, 4096],
    [5, 4096],
    [4095, 2],
    [1000, 600_000],
    [FILE_BYTES - 10, 100],
    [FILE_BYTES, 5],
    [FILE_BYTES + 50_000, 9],
    [8, FILE_BYTES],
  ])('gives the bytes from %i on, %i of them', async (position, byteLength) => {
    await withDirect(async (handle) => {
      const target = new Uint8Array(byteLength)
      const read = await handle.read(target, position)
      const wanted = bytes.subarray(position, position + byteLength)
      expect(read).toBe(wanted.length)
      expect(Buffer.compare(target.subarray(0, read), wanted)).toBe(0)
    })
  })

  it('says whether it does, and is read by one at a time where it does', async () => {
    await withDirect(async (handle) => {
      if (!handle.isDirect) return
      const first = handle.read(new Uint8Array(8), 0)
      await expect(handle.read(new Uint8Array(8), 0)).rejects.toThrow('one at a time')
      expect(() => handle.readSync(new Uint8Array(8), 0)).toThrow('asynchronously')
      await first
    })
  })

  it('is opened for reading alone', async () => {
    const opening = files.open(path, { mode: 'write', direct: true })
    await expect(opening).rejects.toThrow('only a handle opened for reading')
  })

  it('that is not there cannot be opened', async () => {
    const opening = files.open(join(directory, 'none'), { mode: 'read', direct: true })
    await expect(opening).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it.runIf(process.env['QLOG_DIRECT'] !== undefined)('is direct here', async () => {
    await withDirect(async (handle) => expect(handle.isDirect).toBe(true))
  })
})
