/** Whatever a tool is broken off with, and wherever: it says so with its own code, and leaves nothing open. */
import { expect, test } from 'vitest'
import { salvageLog } from '../../src/inspect/salvage.ts'
import { scrubLog } from '../../src/inspect/scrub.ts'
import { verifyLog } from '../../src/inspect/verify.ts'
import type { System } from '../../src/system/system.ts'
import { LOG, simulate } from '../log/space/support.ts'
import { smallLog } from './small-log.ts'

type Tool = (system: System, signal: AbortSignal) => Promise<unknown>

const TOOLS: readonly (readonly [string, Tool])[] = [
  ['scrub', (system, signal) => scrubLog(system, LOG, { signal })],
  ['verify', (system, signal) => verifyLog(system, LOG, { signal })],
  ['recover', (system, signal) => salvageLog(system, LOG, '/out', { signal })],
]
const REASONS = ['stop', new DOMException('late', 'TimeoutError'), new Error('my own')]

test.each(TOOLS)('%s rejects with QLOG_ABORTED', async (_, tool) => {
  for (const reason of REASONS) {
    const outcomes: string[] = []
    while (outcomes.at(-1) !== 'done') {
      outcomes.push(await brokenOff(tool, outcomes.length + 1, reason))
    }
    expect(outcomes.length).toBeGreaterThan(3)
    // What was read last may be all that was needed.
    expect(outcomes.filter((outcome) => outcome !== 'done' && outcome !== 'QLOG_ABORTED')).toEqual(
      [],
    )
  }
})

/** Aborts at the given read of a segment: `done` where there is none so late, else what came of it. */
async function brokenOff(tool: Tool, nth: number, reason: unknown): Promise<string> {
  const abort = new AbortController()
  return simulate(1, async (system, { disk }) => {
    for (const [name, bytes] of smallLog().files) disk.putFile(`${LOG}/${name}`, bytes)
    abortAt(system, nth, () => abort.abort(reason))
    const outcome = await tool(system, abort.signal).then(
      () => (abort.signal.aborted ? 'QLOG_ABORTED' : 'done'),
      (error: unknown) => codeOf(error),
    )
    expect(system.files.openHandles).toBe(0)
    return outcome
  })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : `no code: ${error}`
}

function abortAt(system: System, nth: number, abort: () => void): void {
  const { files } = system
  const open = files.open.bind(files)
  let reads = 0
  files.open = async (path, options) => {
    const handle = await open(path, options)
    if (!path.endsWith('.qls')) return handle
    const read = handle.read.bind(handle)
    handle.read = async (target, position) => {
      const got = await read(target, position)
      if (++reads === nth) abort()
      return got
    }
    return handle
  }
}
