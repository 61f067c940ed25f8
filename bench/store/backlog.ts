/**
 * Measures a store in which very many messages wait: how long it takes to open after a kill and after a
 * clean close, what the messages cost in memory, and what putting and taking beside them is worth. One
 * store is filled and used for all of it; the page cache is warm throughout.
 */

import { type Bench, inTurnsOf, StoreProcess } from './rates.ts'
import { type Figure, figureOf, medianOf, ratioOf, type StoreResult } from './result.ts'
import { MIX, type OtherCase, RESERVE_COUNT } from './scale.ts'

/** Share of the messages that are taken behind the one at the head, in the mix. */
const TAKEN_SHARE = 0.05
const FILL_BATCH = 1000

/** engine.md, for 10 M waiting. */
const BARS = {
  plain: { clean: { atMost: 1 }, killed: { atMost: 3 } },
  mix: { clean: { atMost: 2 }, killed: { atMost: 4 } },
  memory: { atMost: 40 },
  beside: { atLeast: 0.8 },
  saved: { atMost: 0.2 },
} as const

interface Openings {
  readonly openSeconds: number[]
  readonly firstSeconds: number[]
}

export async function measureBacklog(bench: Bench, how: OtherCase): Promise<StoreResult> {
  const { place, scale } = bench
  const directory = place.nextLog()
  const emptyDirectory = place.nextLog()
  const figures: Figure[] = []
  const bars = how.layout === MIX ? BARS.mix : BARS.plain
  try {
    figures.push(...(await fill(bench, how, directory)))
    const killed = await openings(bench, how, directory, 'kill')
    figures.push(
      figureOf('first reopen after SIGKILL', 's', killed.firstSeconds[0] ?? 0, bars.killed),
      medianOf('reopen after SIGKILL', 's', killed.firstSeconds, bars.killed),
      medianOf('openStore alone after SIGKILL', 's', killed.openSeconds),
    )
    // Whatever the kills left is put in order by one proper end.
    await openings({ ...bench, scale: { ...scale, reopens: 1 } }, how, directory, 'end')
    const clean = await openings(bench, how, directory, 'end')
    figures.push(
      medianOf('reopen after close', 's', clean.firstSeconds, bars.clean),
      medianOf('openStore alone after close', 's', clean.openSeconds),
    )
    figures.push(...(await beside(bench, how, directory, emptyDirectory)))
  } finally {
    for (const path of [directory, emptyDirectory]) place.remove(path)
  }
  return { case: how.name, sync: 'always', messages: scale.waiting, runs: scale.pairs, figures }
}

/** Leaves a store whose process was killed. */
async function fill(
  { scale, options }: Bench,
  { layout }: OtherCase,
  directory: string,
): Promise<Figure[]> {
  const { waiting } = scale
  const isMix = layout === MIX
  const taken = isMix ? Math.round(waiting * TAKEN_SHARE) : 0
  const store = new StoreProcess(options)
  try {
    await store.call('open', { directory, layout })
    const before = await store.call('memory', {})
    const spaceBefore = await store.call('space', {})
    const messages = waiting + taken
    const { seconds } = await store.call('put', {
      way: 'batches',
      batch: FILL_BATCH,
      messages,
      layout,
    })
    if (isMix) {
      await store.call('buryFirst', {})
      await store.call('take', { way: 'in-flight', batch: RESERVE_COUNT, messages: taken })
    }
    const after = await store.call('memory', {})
    return [
      figureOf('filled', 'messages/s', messages / seconds),
      figureOf('memory after filling', 'B/message', (after - before) / waiting, BARS.memory),
      saved('saved of appended while filling', spaceBefore, await store.call('space', {})),
    ]
  } finally {
    await store.kill()
  }
}

async function openings(
  { scale, options }: Bench,
  { layout }: OtherCase,
  directory: string,
  then: 'end' | 'kill',
): Promise<Openings> {
  const found: Openings = { openSeconds: [], firstSeconds: [] }
  for (let run = 0; run < scale.reopens; run++) {
    const store = new StoreProcess(options)
    try {
      const { openSeconds, firstSeconds } = await store.call('openToFirst', { directory, layout })
      found.openSeconds.push(openSeconds)
      found.firstSeconds.push(firstSeconds)
      if (then === 'end') await store.end()
    } finally {
      await store.kill()
    }
  }
  return found
}

/** The same work in the store with the backlog and in an empty one, each in a process of its own. */
async function beside(
  { scale, options }: Bench,
  { layout }: OtherCase,
  directory: string,
  emptyDirectory: string,
): Promise<Figure[]> {
  const full = new StoreProcess(options)
  const empty = new StoreProcess(options)
  try {
    const before = await full.call('memory', {})
    await full.call('open', { directory, layout })
    const opened = await full.call('memory', {})
    await empty.call('open', { directory: emptyDirectory, layout })
    const spaceBefore = await full.call('space', {})
    const messages = scale.besideMessages
    const [putRates, takeRates]: [number[], number[]] = [[], []]
    const [emptyPutRates, emptyTakeRates]: [number[], number[]] = [[], []]
    // Delayed ones would not come out of the empty store again.
    const what = { ...layout, delayedShare: 0 }
    const turn = (store: StoreProcess, puts: number[], takes: number[]) => async () => {
      const put = await store.call('put', { way: 'in-flight', batch: 1, messages, layout: what })
      const take = await store.call('take', { way: 'in-flight', batch: RESERVE_COUNT, messages })
      puts.push(messages / put.seconds)
      takes.push(messages / take.seconds)
    }
    await inTurnsOf(scale.pairs, [
      turn(full, putRates, takeRates),
      turn(empty, emptyPutRates, emptyTakeRates),
    ])
    const spaceAfter = await full.call('space', {})
    const used = await full.call('memory', {})
    await full.end()
    await empty.end()
    return [
      figureOf('memory after opening', 'B/message', (opened - before) / scale.waiting, BARS.memory),
      figureOf('memory after use', 'B/message', (used - before) / scale.waiting, BARS.memory),
      medianOf('put', 'messages/s', putRates),
      ratioOf('put, of an empty store', putRates, emptyPutRates, BARS.beside),
      medianOf('deliver + ack', 'messages/s', takeRates),
      ratioOf('deliver + ack, of an empty store', takeRates, emptyTakeRates, BARS.beside),
      saved('saved of appended while used', spaceBefore, spaceAfter),
    ]
  } finally {
    await full.kill()
    await empty.kill()
  }
}

type Space = { readonly appendedBytes: number; readonly snapshotBytes: number }

/** Snapshots and what they say of an index stand in one figure of the store. */
function saved(name: string, before: Space, after: Space): Figure {
  const appended = after.appendedBytes - before.appendedBytes
  const share = (after.snapshotBytes - before.snapshotBytes) / appended
  return figureOf(name, 'share', share, BARS.saved)
}
