/**
 * The package `lz4`, an addon, where it is installed, loads and works; else LZ4 in plain TypeScript. The
 * package is nothing that qlog installs: it has to be compiled, and then may still not load.
 */
import { createRequire } from 'node:module'
import { nativeFreeLz4 } from '../native-free-lz4.ts'
import type { Lz4 } from '../system.ts'

/** The part of the package that works on blocks. */
interface Addon {
  encodeBlock(source: Buffer, target: Buffer): number
  decodeBlock(source: Buffer, target: Buffer): number
}

let chosen: Lz4 | undefined

/** The codec of this process; the addon is looked for once, when it is needed first. */
export function realLz4(): Lz4 {
  chosen ??= chooseLz4(() => createRequire(import.meta.url)('lz4'))
  return chosen
}

/**
 * The addon that `load` returns, where it passes a test, else our own codec. Whatever goes wrong while
 * it loads counts as its absence: not installed, not compiled, compiled for another Node.
 */
export function chooseLz4(load: () => unknown): Lz4 {
  try {
    const addon = load()
    if (!isAddon(addon)) return nativeFreeLz4
    const lz4 = addonLz4(addon)
    return works(lz4) ? lz4 : nativeFreeLz4
  } catch {
    return nativeFreeLz4
  }
}

/**
 * Beside its addon the package has the same functions in JavaScript, for bundlers that replace the one
 * by the other. They are much slower than ours, so only native ones are taken.
 */
function isAddon(value: unknown): value is Addon {
  return ['encodeBlock', 'decodeBlock'].every((name) => {
    const found: unknown = Reflect.get(Object(value), name)
    return typeof found === 'function' && /\{\s*\[native code\]\s*\}\s*$/.test(String(found))
  })
}

function addonLz4(addon: Addon): Lz4 {
  return {
    codec: 'lz4',
    compress: (source, sourceStart, sourceEnd, target, targetStart, targetEnd) => {
      const from = bufferOf(source, sourceStart, sourceEnd)
      const length = addon.encodeBlock(from, bufferOf(target, targetStart, targetEnd))
      return length > 0 ? length : 0
    },
    decompress: (stored, unpackedBytes) => {
      const target = Buffer.allocUnsafeSlow(unpackedBytes)
      const length = addon.decodeBlock(bufferOf(stored, 0, stored.length), target)
      if (length !== unpackedBytes) {
        throw new Error(`lz4 unpacked ${length} bytes where ${unpackedBytes} were expected`)
      }
      return new Uint8Array(target.buffer, target.byteOffset, unpackedBytes)
    },
  }
}

/** The addon takes nothing but Buffers. */
function bufferOf(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
}

/** Both ways against our own codec, and what must be refused. */
function works(lz4: Lz4): boolean {
  const text = new TextEncoder().encode('{"id":1,"level":"info"}\n'.repeat(200))
  const block = new Uint8Array(text.length)
  const length = lz4.compress(text, 0, text.length, block, 0, block.length)
  if (length <= 0 || length >= text.length / 4) return false
  const packed = block.subarray(0, length)
  if (!isSame(nativeFreeLz4.decompress(packed, text.length), text)) return false
  const ownLength = nativeFreeLz4.compress(text, 0, text.length, block, 0, block.length)
  if (!isSame(lz4.decompress(block.subarray(0, ownLength), text.length), text)) return false
  if (lz4.compress(text, 0, text.length, block, 0, 8) !== 0) return false
  const cutOff = block.subarray(0, ownLength - 3)
  return refuses(lz4, cutOff, text.length) && refuses(lz4, cutOff, text.length + 1)
}

function refuses(lz4: Lz4, block: Uint8Array, unpackedBytes: number): boolean {
  try {
    lz4.decompress(block, unpackedBytes)
    return false
  } catch {
    return true
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
