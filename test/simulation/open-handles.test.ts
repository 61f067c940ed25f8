/**
 * Whatever call is refused in the life of a log or a store, or under a command, no descriptor stays open behind it: of
 * the opening behind a kill, which writes a segment of its own, of appends that begin others, of merging,
 * saving state, reading, copying and closing.
 */
import { describe, expect, test } from 'vitest'
import { backupLog } from '../../src/inspect/backup.ts'
import { examine } from '../../src/inspect/doctor.ts'
import { salvageLog } from '../../src/inspect/salvage.ts'
import { scrubLog } from '../../src/inspect/scrub.ts'
import { verifyLog } from '../../src/inspect/verify.ts'
import { openPublicLog, openSegmentLog } from '../../src/log/open.ts'
import { openPublicReader } from '../../src/log/open-reader.ts'
import { checkOptions } from '../../src/log/options.ts'
import type { LogReader } from '../../src/log/types.ts'
import type { LogStore } from '../../src/store/log-store.ts'
import { openStoreOn } from '../../src/store/open-store.ts'
import { CALL_KINDS, type CallKind } from '../../src/system/simulated/calls.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import { body, LOG, passes, SMALL } from '../log/space/support.ts'

const STORE = '/store'
/** Some of a kind come again and again; the first of each life are all different. */
const NTH_MAX = 30

async function readAll(reader: LogReader): Promise<void> {
  for await (const _ of reader.readBatches({ onGap: () => undefined }));
}

/** What is refused on the way is told to its caller, and is another test's. */
async function attempt<T>(call: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    // What has no code is a fault of ours, as the use of a file behind its close.
    if (!(error instanceof Error && 'code' in error)) throw error
    return undefined
  }
}

async function liveLog(system: SimulatedProcess): Promise<void> {
  const log = await attempt(() => openPublicLog(system, LOG, SMALL))
  if (log === undefined) return
  for (let count = 0; count < 12; count += 1) await attempt(() => log.append(body(count)))
  await attempt(() => log.appendSync(body(1)))
  const segments = log.stats().segments
  const middle = segments[Math.trunc(segments.length / 2)]
  // Every second message, so that what is left is merged.
  for (let id = 1; middle && id < middle.endId; id += 2) {
    await attempt(() => log.discard(id, id + 1))
  }
  await attempt(() => log.compact())
  await attempt(() => readAll(log))
  const reader = await attempt(() => openPublicReader(system, LOG))
  if (reader) await attempt(() => readAll(reader))
  await attempt(() => reader?.close())
  await passes(system, 1_000)
  await attempt(() => log.close())
}

async function liveStore(system: SimulatedProcess): Promise<void> {
  const store = await attempt(() => openStore(system))
  if (store === undefined) return
  await useStore(system, store)
  await attempt(() => store.close())
}

function openStore(system: SimulatedProcess): Promise<LogStore> {
  const options = checkOptions(SMALL)
  return openStoreOn(system, (owner) => openSegmentLog(system, STORE, owner, options))
}

async function useStore(system: SimulatedProcess, store: LogStore): Promise<void> {
  const queue = store.queue('q')
  for (let count = 0; count < 12; count += 1) await attempt(() => queue.put(body(count)))
  await attempt(async () => {
    const session = store.session()
    await session.watch('q')
    await session.ack(await session.reserve({ count: 8 }))
  })
  await attempt(() => store.compact())
  await passes(system, 1_000)
}

/** On the log as the kill has left it, with a flipped bit in a full segment. */
async function useTools(system: SimulatedProcess, { disk }: Simulation): Promise<void> {
  const [first = ''] = disk.list(LOG).filter((name) => name.endsWith('.qls'))
  disk.flipBit(`${LOG}/${first}`, 9_000, 3)
  await attempt(() => verifyLog(system, LOG))
  await attempt(() => scrubLog(system, LOG, { repair: true }))
  await attempt(() => backupLog(system, LOG, '/copy'))
  await attempt(() => salvageLog(system, LOG, '/saved'))
  await attempt(() => examine(system, LOG))
}

const LIVES = { 'a log': liveLog, 'a store': liveStore, commands: useTools } as const

type Life = keyof typeof LIVES

const FILES: readonly CallKind[] = [
  ...['open', 'close', 'read', 'write', 'flush', 'handleStat', 'stat', 'statSync', 'list'],
  ...['link', 'rename', 'unlink', 'flushDirectory', 'space', 'listen', 'stopListening', 'probe'],
] as CallKind[]
/** What each life calls at least. */
const MET: Readonly<Record<Life, readonly CallKind[]>> = {
  'a log': [...FILES, 'writeMany', 'openSync', 'writeSync', 'closeSync', 'linkSync', 'unlinkSync'],
  'a store': [...FILES, 'writeMany'],
  commands: [...FILES, 'makeDirectory'],
}

interface Behind {
  /** Descriptors that stayed open. */
  readonly open: number
  /** Whether any call was refused. */
  readonly hits: number
}

/** A life, behind a kill, in which the nth call of this kind is refused. */
async function behind(life: Life, call: CallKind, nth: number): Promise<Behind> {
  const simulation = new Simulation({ seed: 1 })
  const first = simulation.process('first')
  const filled = await simulation.run(() =>
    first.run(async () => {
      if (life === 'a store') return useStore(first, await openStore(first))
      const log = await openPublicLog(first, LOG, SMALL)
      for (let count = 0; count < 12; count += 1) await log.append(body(count))
    }),
  )
  simulation.kill(first)
  const second = simulation.process('second')
  const fault = simulation.fault({ call, error: 'EIO', nth, process: 'second' })
  const ended = await simulation.run(() => second.run(() => LIVES[life](second, simulation)))
  expect([filled.state, ended.state]).toEqual(['done', 'done'])
  return { open: second.files.openHandles, hits: fault.hits }
}

describe.each(Object.keys(LIVES) as Life[])('of %s', (life) => {
  const met = new Set<CallKind>()

  test.each(CALL_KINDS)('behind a refused %s everything is closed', async (call) => {
    const leaks: string[] = []
    for (let nth = 1; nth <= NTH_MAX; nth += 1) {
      const { open, hits } = await behind(life, call, nth)
      if (hits === 0) break
      met.add(call)
      if (open > 0) leaks.push(`${call} ${nth}: ${open}`)
    }
    expect(leaks).toEqual([])
  })

  test('these were refused', () => {
    expect([...met]).toEqual(expect.arrayContaining([...MET[life]]))
  })
})
