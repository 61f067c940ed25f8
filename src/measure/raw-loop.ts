/**
 * What the disk gives a program that does nothing else: the same bytes, written and flushed in a loop of
 * Node's synchronous calls. bench/raw-loop.c is the same in C. Touches the one file it is given.
 */

import * as fs from 'node:fs'

/** A prepared file is written round and round: no longer than this, so that preparing stays short. */
const PREPARED_BYTES_MAX = 256 * 1024 * 1024
const ZERO_BYTES = 1024 * 1024

/**
 * `prepared`: over blocks that exist and are zero. `growing`: behind the end of a new file. `read`: the
 * whole file, from front to end.
 */
export type RawMode = 'prepared' | 'growing' | 'read'

/** Seconds that `rounds` groups of `bytes` took, or `rounds` reads of the file in pieces of `bytes`. */
export function runRawLoop(mode: RawMode, file: string, bytes: number, rounds: number): number {
  const { O_CREAT, O_RDONLY, O_RDWR, O_TRUNC } = fs.constants
  const flags = mode === 'read' ? O_RDONLY : O_RDWR | O_CREAT | (mode === 'growing' ? O_TRUNC : 0)
  const descriptor = fs.openSync(file, flags, 0o644)
  try {
    if (mode === 'read') return readRounds(descriptor, bytes, rounds)
    return writeGroups(descriptor, bytes, rounds, mode === 'growing')
  } finally {
    fs.closeSync(descriptor)
  }
}

function writeGroups(
  descriptor: number,
  groupBytes: number,
  groups: number,
  grows: boolean,
): number {
  const room = Math.max(groupBytes, Math.min(groupBytes * groups, PREPARED_BYTES_MAX))
  if (!grows) prepareFile(descriptor, room)
  const bytes = new Uint8Array(groupBytes).map((_, i) => i * 31 + 7)
  const started = performance.now()
  for (let group = 0, at = 0; group < groups; group++, at += groupBytes) {
    if (!grows && at + groupBytes > room) at = 0
    writeWholeSync(descriptor, bytes, at)
    fs.fdatasyncSync(descriptor)
  }
  return (performance.now() - started) / 1000
}

function readRounds(descriptor: number, pieceBytes: number, rounds: number): number {
  const bytes = new Uint8Array(pieceBytes)
  const started = performance.now()
  for (let round = 0; round < rounds; round++) {
    let at = 0
    for (let taken = 1; taken > 0; at += taken) {
      taken = fs.readSync(descriptor, bytes, 0, pieceBytes, at)
    }
  }
  return (performance.now() - started) / 1000
}

/** Fills a file with zeros up to `fileBytes` and flushes them, unless it is that long already. */
export function prepareFile(descriptor: number, fileBytes: number): void {
  const zero = new Uint8Array(ZERO_BYTES)
  const { size } = fs.fstatSync(descriptor)
  if (size >= fileBytes) return
  for (let at = size; at < fileBytes; at += ZERO_BYTES) {
    writeWholeSync(descriptor, zero.subarray(0, Math.min(ZERO_BYTES, fileBytes - at)), at)
  }
  fs.fsyncSync(descriptor)
}

function writeWholeSync(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    const taken = fs.writeSync(descriptor, bytes, done, bytes.length - done, position + done)
    if (taken === 0) throw new Error('a write took no byte')
    done += taken
  }
}
