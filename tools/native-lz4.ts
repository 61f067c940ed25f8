/**
 * The package `lz4`, whose addon needs a compiler, for tests and benchmarks that compare with it. It is
 * no dependency of qlog: it is taken from where it can be found, or from a folder named by QLOG_LZ4_DIR
 * in which `npm install lz4@0.6.5` was run.
 */
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

/** The part of the package that works on blocks. */
export interface NativeLz4 {
  /** Length of the block, or 0 where it does not fit. */
  encodeBlock(source: Buffer, target: Buffer): number
  /** Length of what was unpacked; negative where the block is malformed. */
  decodeBlock(source: Buffer, target: Buffer): number
}

/** The package, or in words why it is not there. Any failure to load counts: an addon has many. */
export function loadNativeLz4(): NativeLz4 | string {
  const folder = resolve(process.env['QLOG_LZ4_DIR'] ?? '.')
  try {
    const loaded: unknown = createRequire(join(folder, 'package.json'))('lz4')
    return isNativeLz4(loaded) ? loaded : 'the package lz4 has another shape than expected'
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n')
    return reason ?? 'no reason given'
  }
}

function isNativeLz4(value: unknown): value is NativeLz4 {
  return ['encodeBlock', 'decodeBlock'].every(
    (name) => typeof Reflect.get(Object(value), name) === 'function',
  )
}
