/**
 * The loop that everything is measured against: bench/raw-loop.c, compiled with the system's compiler,
 * or Node's synchronous calls where there is none. Touches the directory it is given.
 */

import { execFile } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execFileOf = promisify(execFile)

/** Where the C source stands, from the repository, which is the working directory. */
const SOURCE = 'bench/raw-loop.c'
/** As in raw-loop.c. */
const PREPARED_BYTES_MAX = 256 * 1024 * 1024
const ZERO_BYTES = 1024 * 1024

export type RawMode = 'prepared' | 'growing' | 'read'

export interface Raw {
  /** What does the loop, for the header of the results. */
  readonly by: 'c' | 'node'
  /** Seconds that `rounds` groups of `bytes` took, or `rounds` reads of the file in pieces. */
  run(mode: RawMode, file: string, bytes: number, rounds: number): Promise<number>
}

/** Compiles the C loop into `directory`, or says on stderr that Node stands in for it. */
export async function makeRaw(directory: string): Promise<Raw> {
  const program = join(directory, 'raw-loop')
  try {
    await execFileOf('cc', ['-O2', '-o', program, SOURCE])
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    process.stderr.write(`bench: no C loop (${why}); Node's synchronous calls stand in for it\n`)
    return { by: 'node', run: async (...what) => runNode(...what) }
  }
  return { by: 'c', run: (...what) => runProgram(program, ...what) }
}

async function runProgram(
  program: string,
  mode: RawMode,
  file: string,
  bytes: number,
  rounds: number,
): Promise<number> {
  const { stdout } = await execFileOf(program, [mode, file, String(bytes), String(rounds)])
  const result: unknown = JSON.parse(stdout)
  if (typeof result === 'object' && result !== null && 'seconds' in result) {
    if (typeof result.seconds === 'number') return result.seconds
  }
  throw new Error(`the raw loop printed ${stdout}`)
}

function runNode(mode: RawMode, file: string, bytes: number, rounds: number): number {
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
