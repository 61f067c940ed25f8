/**
 * The codecs that are compared, each with the loop that drives it: a loop of one's own, so that no
 * codec is slowed down by how another one is called. Memory only.
 */

import { createRequire } from 'node:module'
import * as zlib from 'node:zlib'
import portable from 'crc-32'
import {
  compressBlockInto,
  compressBound,
  crc32,
  decompressBlockInto,
} from '../native-free/index.ts'
import { loadNativeLz4 } from '../tools/native-lz4.ts'

/** Does its work `times` times over the inputs in turn; the number keeps the work from being skipped. */
type Loop = (times: number) => number

export interface Lz4Kind {
  readonly name: string
  /** Blocks of all inputs, for what is stored and for {@link Lz4Kind.decompress}. */
  blocks(inputs: readonly Buffer[]): Buffer[]
  compress(inputs: readonly Buffer[]): Loop
  decompress(blocks: readonly Buffer[], unpackedBytes: number): Loop
}

export interface CrcKind {
  readonly name: string
  sum(inputs: readonly Buffer[]): Loop
}

/** Only what is called here. */
interface Lz4Js {
  compressBlock(
    source: Uint8Array,
    target: Uint8Array,
    sourceStart: number,
    sourceBytes: number,
    table: Uint32Array,
  ): number
  decompressBlock(
    source: Uint8Array,
    target: Uint8Array,
    sourceStart: number,
    sourceBytes: number,
    targetStart: number,
  ): number
}

/** Those that are here, and in words which are not. */
export function lz4Kinds(): { readonly kinds: readonly Lz4Kind[]; readonly missing?: string } {
  const native = loadNativeLz4()
  const kinds = [nativeFree, lz4js()]
  if (typeof native === 'string') return { kinds, missing: `lz4 is left out: ${native}` }
  return { kinds: [...kinds, nativeKind(native)] }
}

export function crcKinds(): CrcKind[] {
  const kinds: CrcKind[] = [nativeFreeCrc, packageCrc]
  const native: unknown = Reflect.get(zlib, 'crc32')
  if (typeof native === 'function') kinds.push(zlibCrc(native as (bytes: Buffer) => number))
  return kinds
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length]
  if (item === undefined) throw new Error('there is always an input')
  return item
}

/** Blocks as `compress`, a call on one input and a target, makes them. */
function blocksOf(
  inputs: readonly Buffer[],
  compress: (input: Buffer, target: Buffer) => number,
): Buffer[] {
  return inputs.map((input) => {
    const target = Buffer.alloc(compressBound(input.length))
    return target.subarray(0, compress(input, target))
  })
}

const nativeFree: Lz4Kind = {
  name: 'native-free',
  blocks: (inputs) =>
    blocksOf(inputs, (input, target) =>
      compressBlockInto(input, 0, input.length, target, 0, target.length),
    ),
  compress: (inputs) => {
    const target = Buffer.alloc(compressBound(at(inputs, 0).length))
    return (times) => {
      let sum = 0
      for (let i = 0; i < times; i++) {
        const input = at(inputs, i)
        sum += compressBlockInto(input, 0, input.length, target, 0, target.length)
      }
      return sum
    }
  },
  decompress: (blocks, unpackedBytes) => {
    const target = Buffer.alloc(unpackedBytes)
    return (times) => {
      for (let i = 0; i < times; i++) {
        const block = at(blocks, i)
        decompressBlockInto(block, 0, block.length, target, 0, unpackedBytes)
      }
      return target[0] ?? 0
    }
  },
}

/** Its table is cleared before each call, as its own functions for whole frames do. */
function lz4js(): Lz4Kind {
  const codec = createRequire(import.meta.url)('lz4js') as Lz4Js
  const table = new Uint32Array(65_536)
  const compress = (input: Buffer, target: Buffer): number => {
    table.fill(0)
    return codec.compressBlock(input, target, 0, input.length, table)
  }
  return {
    name: 'lz4js',
    blocks: (inputs) => blocksOf(inputs, compress),
    compress: (inputs) => {
      const target = Buffer.alloc(compressBound(at(inputs, 0).length))
      return (times) => {
        let sum = 0
        for (let i = 0; i < times; i++) sum += compress(at(inputs, i), target)
        return sum
      }
    },
    decompress: (blocks, unpackedBytes) => {
      const target = Buffer.alloc(unpackedBytes)
      return (times) => {
        let sum = 0
        for (let i = 0; i < times; i++) {
          const block = at(blocks, i)
          sum += codec.decompressBlock(block, target, 0, block.length, 0)
        }
        return sum
      }
    },
  }
}

function nativeKind(codec: Exclude<ReturnType<typeof loadNativeLz4>, string>): Lz4Kind {
  return {
    name: 'lz4',
    blocks: (inputs) => blocksOf(inputs, (input, target) => codec.encodeBlock(input, target)),
    compress: (inputs) => {
      const target = Buffer.alloc(compressBound(at(inputs, 0).length))
      return (times) => {
        let sum = 0
        for (let i = 0; i < times; i++) sum += codec.encodeBlock(at(inputs, i), target)
        return sum
      }
    },
    decompress: (blocks, unpackedBytes) => {
      const target = Buffer.alloc(unpackedBytes)
      return (times) => {
        let sum = 0
        for (let i = 0; i < times; i++) sum += codec.decodeBlock(at(blocks, i), target)
        return sum
      }
    },
  }
}

const nativeFreeCrc: CrcKind = {
  name: 'native-free',
  sum: (inputs) => (times) => {
    let sum = 0
    for (let i = 0; i < times; i++) sum ^= crc32(at(inputs, i), 0)
    return sum
  },
}

const packageCrc: CrcKind = {
  name: 'crc-32',
  sum: (inputs) => (times) => {
    let sum = 0
    for (let i = 0; i < times; i++) sum ^= portable.buf(at(inputs, i), 0)
    return sum
  },
}

function zlibCrc(native: (bytes: Buffer) => number): CrcKind {
  return {
    name: 'zlib',
    sum: (inputs) => (times) => {
      let sum = 0
      for (let i = 0; i < times; i++) sum ^= native(at(inputs, i))
      return sum
    },
  }
}
