/**
 * A file that is read from the disk itself: O_DIRECT, which wants memory, places and lengths in whole
 * sectors. Touches nothing but its descriptor.
 */
import * as fs from 'node:fs'
import { systemErrorCode } from '../../errors.ts'
import { openDescriptor, READ_FLAGS, RealFileHandle } from './file-handle.ts'

/** Sectors are no larger: every place, length and address is a multiple of it. */
const SECTOR_BYTES_MAX = 4096
/** A read of 256 KiB that begins within a sector fits. */
const BUFFER_BYTES = 264 * 1024
/** What `malloc` gives is aligned to this at least. */
const MALLOC_ALIGN_BYTES = 16

/**
 * Opens a file for reading past the page cache; undefined where the platform or the file system has no
 * such thing. Rejects where the file cannot be opened at all.
 */
export async function openDirect(path: string): Promise<RealFileHandle | undefined> {
  const flag: number | undefined = fs.constants.O_DIRECT
  if (flag === undefined || flag === 0) return undefined
  let descriptor: number
  try {
    descriptor = await openDescriptor(path, READ_FLAGS | flag)
  } catch (error) {
    if (isUnsupported(error)) return undefined
    throw error
  }
  const plain = new RealFileHandle(descriptor, true)
  try {
    const buffer = await alignedBuffer(plain)
    if (buffer !== undefined) return new DirectFileHandle(descriptor, buffer)
  } catch (error) {
    await plain.close()
    throw error
  }
  await plain.close()
  return undefined
}

class DirectFileHandle extends RealFileHandle {
  override readonly isDirect = true
  readonly #buffer: Uint8Array
  #isReading = false

  constructor(descriptor: number, buffer: Uint8Array) {
    super(descriptor, true)
    this.#buffer = buffer
  }

  override async read(target: Uint8Array, position: number): Promise<number> {
    if (this.#isReading) throw new Error('a direct handle is read one at a time')
    this.#isReading = true
    try {
      return await this.#fill(target, position)
    } finally {
      this.#isReading = false
    }
  }

  override readSync(): number {
    throw new Error('a direct handle is read asynchronously')
  }

  async #fill(target: Uint8Array, position: number): Promise<number> {
    let filled = 0
    while (filled < target.length) {
      const at = position + filled
      const skipped = at % SECTOR_BYTES_MAX
      const wanted = Math.ceil((skipped + target.length - filled) / SECTOR_BYTES_MAX)
      const part = this.#buffer.subarray(0, wanted * SECTOR_BYTES_MAX)
      const read = await super.read(part, at - skipped)
      const bytes = part.subarray(skipped, Math.min(read, skipped + target.length - filled))
      target.set(bytes, filled)
      filled += bytes.length
      if (read < part.length) break
    }
    return filled
  }
}

/**
 * Memory that the kernel takes. Where an array lies nobody tells, so a little more is taken, and the first
 * place in it from which a sector can be read is where it begins; large arrays have it 16 bytes in front of
 * a page. Undefined where none does: then the file system is what refuses.
 */
async function alignedBuffer(handle: RealFileHandle): Promise<Uint8Array | undefined> {
  const memory = new Uint8Array(BUFFER_BYTES + SECTOR_BYTES_MAX)
  for (let step = 1; step <= SECTOR_BYTES_MAX / MALLOC_ALIGN_BYTES; step++) {
    const from = SECTOR_BYTES_MAX - step * MALLOC_ALIGN_BYTES
    try {
      await handle.read(memory.subarray(from, from + SECTOR_BYTES_MAX), 0)
      return memory.subarray(from, from + BUFFER_BYTES)
    } catch (error) {
      if (!isUnsupported(error)) throw error
    }
  }
  return undefined
}

function isUnsupported(error: unknown): boolean {
  return ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(systemErrorCode(error))
}
