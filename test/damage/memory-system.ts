/**
 * A directory of bytes in memory that can only be read, as fast as it goes: hundreds of thousands of
 * damaged logs are opened over it. Nobody owns it, and no call on it waits for anything.
 */

import { nativeFreeLz4 } from '../../src/system/native-free-lz4.ts'
import { crc32 } from '../../src/system/real/crc.ts'
import { soon } from '../../src/system/soon.ts'
import type { FileHandle, FileStat, System } from '../../src/system/system.ts'

export type Files = Map<string, Uint8Array>

class SystemError extends Error {
  readonly code: string
  readonly syscall: string

  constructor(code: string, syscall: string) {
    super(`${code}: ${syscall}`)
    this.code = code
    this.syscall = syscall
  }
}

function refuse(): never {
  throw new SystemError('EROFS', 'write')
}

/** The files stand in the directory `/log`. Their bytes may be changed between two openings. */
export function memorySystem(files: Files, bootId: string): System {
  const bytesOf = (path: string): Uint8Array => {
    const bytes = files.get(path.slice('/log/'.length))
    if (bytes === undefined) throw new SystemError('ENOENT', 'open')
    return bytes
  }
  const refuseLater = async (): Promise<never> => refuse()
  return {
    files: {
      open: async (path, options) => {
        if (options.mode !== 'read') refuse()
        return new MemoryFile(bytesOf(path))
      },
      stat: async (path) => statOf(bytesOf(path)),
      list: async () => [...files.keys()],
      makeDirectory: refuseLater,
      link: refuseLater,
      rename: refuseLater,
      unlink: refuseLater,
      removeDirectory: refuseLater,
      flushDirectory: refuseLater,
      space: refuseLater,
      openSync: refuse,
      statSync: (path) => statOf(bytesOf(path)),
      linkSync: refuse,
      unlinkSync: refuse,
      flushDirectorySync: refuse,
      durableWrites: 'dsync',
    },
    clock: {
      nowMs: () => 0,
      monotonicMs: () => 0,
      sinceBootMs: () => 0,
      after: () => () => undefined,
      soon,
      afterEvents: soon,
      hold: () => () => undefined,
    },
    sockets: {
      listen: refuseLater,
      probe: async () => ({ state: 'refused' }),
      connect: refuseLater,
    },
    identity: { pid: 1, host: 'memory', bootId, bootTimeMs: 0 },
    crc32,
    lz4: nativeFreeLz4,
    random: refuse,
    watchLoop: refuse,
    warn: refuse,
  }
}

class MemoryFile implements FileHandle {
  readonly isDirect = false
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    return this.readSync(target, position)
  }

  readSync(target: Uint8Array, position: number): number {
    const part = this.#bytes.subarray(position, position + target.length)
    target.set(part)
    return part.length
  }

  async stat(): Promise<FileStat> {
    return statOf(this.#bytes)
  }

  statSync(): FileStat {
    return statOf(this.#bytes)
  }

  // What was written by nobody needs no flush: a reader's own one finds nothing to do.
  async flush(): Promise<void> {}
  flushSync(): void {}
  async close(): Promise<void> {}
  closeSync(): void {}

  async write(): Promise<number> {
    return refuse()
  }

  async writeMany(): Promise<number> {
    return refuse()
  }

  writeSync(): number {
    return refuse()
  }
}

function statOf(bytes: Uint8Array): FileStat {
  const size = bytes.length
  return { size, allocatedBytes: size, device: 1, inode: 1, linkCount: 1, kind: 'file' }
}
