/**
 * The loop that everything is measured against: bench/raw-loop.c, compiled with the system's compiler,
 * or Node's synchronous calls where there is none. Touches the directory it is given.
 */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type RawMode, runRawLoop } from '../src/measure/raw-loop.ts'

const execFileOf = promisify(execFile)

/** Where the C source stands, from the repository, which is the working directory. */
const SOURCE = 'bench/raw-loop.c'

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
    return { by: 'node', run: async (...what) => runRawLoop(...what) }
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
