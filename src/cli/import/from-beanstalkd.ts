/** `qlog import --from`: every job of a beanstalkd that runs, and then it is empty. */
import { setTimeout as pass } from 'node:timers/promises'
import { QlogTypeError, systemErrorCode } from '../../errors.ts'
import { Drain } from '../../protocols/beanstalkd/import/drain.ts'
import { Source } from '../../protocols/beanstalkd/import/source.ts'
import type { DrainedTube } from '../../protocols/beanstalkd/import/tube-drain.ts'
import { type Address, parseAddress } from '../../server/index.ts'
import type { CommandContext } from '../context.ts'
import type { ExitCode } from '../exit-codes.ts'
import { EXIT } from '../exit-codes.ts'
import { JSON_VERSION } from '../inspect-words.ts'
import { oneLine } from '../output.ts'
import { formatSpan, withStore } from '../store-words.ts'
import { formatCount, formatTable, plural } from '../text.ts'
import { UsageError } from '../usage-error.ts'
import { JobPutter } from './job-putter.ts'
import { tellFull, tellNotBuried, tellNotGivenBack, tellTooLarge } from './job-words.ts'
import { SourceSocket } from './source-socket.ts'

const PORT = 11_300
const SCHEME = 'beanstalkd://'
/** What has come over is gone there, but for what was cut off: that is for the next run, which is soon. */
const KEY_WINDOW_MS = 3_600_000

export async function importBeanstalkd(
  context: CommandContext,
  directory: string,
  url: string,
  waitMs: number,
  isJson: boolean,
): Promise<ExitCode> {
  const address = addressOf(url)
  const signal = context.interruption()
  const met = await meet(address, signal)
  if (met === undefined) {
    context.output.words('interrupted before anything was imported')
    return EXIT.interrupted
  }
  const { wire, source } = met
  try {
    tellOfSource(context, source)
    return await withStore(context, directory, { create: true }, async (store) => {
      const putter = new JobPutter(store, KEY_WINDOW_MS)
      const drain = new Drain(source, putter, {
        signal,
        waitMs,
        nowMs: () => performance.now(),
        sleep: (ms) => pass(ms, undefined, { signal }).catch(() => undefined),
        onProgress: (jobs) => context.output.progress(`${plural(jobs, 'job')} came over`),
      })
      try {
        await drain.run()
      } catch (error) {
        if (!signal.aborted || systemErrorCode(error) !== 'QLOG_SOURCE') throw error
        // It ends because it was stopped; that the server was no help in it changes nothing.
        context.output.words(error instanceof Error ? error.message : '')
      } finally {
        context.output.progress(undefined)
        showTubes(context, drain, isJson)
        tellFull(context.output, directory, putter.full)
      }
      return drain.tubes.some(({ left }) => countLeft(left) > 0) ? EXIT.left : EXIT.fine
    })
  } finally {
    wire.close()
  }
}

/** What is no beanstalkd makes no store. Undefined where it was interrupted. */
async function meet(
  address: Address,
  signal: AbortSignal,
): Promise<{ readonly wire: SourceSocket; readonly source: Source } | undefined> {
  let wire: SourceSocket | undefined
  try {
    wire = await SourceSocket.connect(address, signal)
    return { wire, source: await Source.meet(wire) }
  } catch (error) {
    wire?.close()
    if (signal.aborted && systemErrorCode(error) === 'QLOG_SOURCE') return undefined
    throw error
  }
}

function addressOf(url: string): Address {
  const remedy = 'Name the server as beanstalkd://HOST:PORT or beanstalkd://unix:PATH.'
  if (!url.startsWith(SCHEME)) throw new UsageError(`--from ${url} names no beanstalkd`, remedy)
  try {
    const address = parseAddress(url.slice(SCHEME.length).replace(/\/$/, ''), PORT)
    if (address.kind !== 'inherited') return address
  } catch (error) {
    if (!(error instanceof QlogTypeError)) throw error
    throw new UsageError(`--from: ${error.message}`, remedy)
  }
  throw new UsageError(`--from ${url} names no address`, remedy)
}

function tellOfSource({ output }: CommandContext, source: Source): void {
  if (source.identity === undefined) {
    output.words('This server tells no id of itself: run again, a job may come twice.')
  }
  if (source.reservesById) return
  output.words(
    `This server (version ${oneLine(source.version)}) cannot reserve by id: delayed and buried jobs, and those of paused tubes, come one by one, and are free for workers until then.`,
  )
}

function showTubes({ output }: CommandContext, drain: Drain, isJson: boolean): void {
  const { tubes, isCounted } = drain
  const shown = tubes.filter((tube) => jobsOf(tube) + tube.known + countLeft(tube.left) > 0)
  if (isJson) for (const tube of tubes) output.json(jsonOf(tube, isCounted))
  else if (shown.length > 0) output.data(tableOf(shown, isCounted))
  for (const { tube, tooLarge, notBuried, notGivenBack } of tubes) {
    for (const [id, bytes] of tooLarge) tellTooLarge(output, id, tube, bytes)
    for (const id of notBuried) tellNotBuried(output, id, tube, 'an hour')
    for (const id of notGivenBack) tellNotGivenBack(output, id, tube)
  }
  const sum = (of: (tube: DrainedTube) => number): number =>
    tubes.reduce((all, tube) => all + of(tube), 0)
  const words = [`imported ${plural(sum(jobsOf), 'job')} from ${plural(shown.length, 'tube')}`]
  const known = sum((tube) => tube.known)
  const twice = sum(({ takenMeanwhile }) => takenMeanwhile)
  const left = isCounted ? sum((tube) => countLeft(tube.left)) : 0
  const held = sum((tube) => tube.left.reserved)
  if (known > 0) words.push(`${plural(known, 'job')} known already`)
  if (twice > 0) {
    words.push(`${plural(twice, 'job')} taken by workers there meanwhile, which may run twice`)
  }
  if (left > 0) {
    const holders = held > 0 ? `, ${formatCount(held)} of them held by workers` : ''
    words.push(`${plural(left, 'job')} left there${holders}`)
  }
  if (!isCounted) words.push('what is left there is not known')
  output.words(words.join('; '))
}

const HEAD = ['tube', 'ready', 'delayed', 'buried', 'known', 'left', '']
const FIGURES = new Set(HEAD.slice(1, -1))

function tableOf(tubes: readonly DrainedTube[], isCounted: boolean): string {
  const rows = tubes.map(({ tube, ready, delayed, buried, known, left, pausedMs }) => [
    oneLine(tube),
    ...[ready, delayed, buried, known].map(formatCount),
    isCounted ? formatCount(countLeft(left)) : '?',
    pausedMs > 0 ? `paused, ${formatSpan(pausedMs)} left` : '',
  ])
  return formatTable(HEAD, rows, FIGURES)
}

function jsonOf(tube: DrainedTube, isCounted: boolean): object {
  const { tooLarge, notBuried, undeleted, notGivenBack, left, dueMs: _, ...rest } = tube
  const { ready, reserved, delayed, buried } = left
  return {
    v: JSON_VERSION,
    kind: 'tube',
    ...rest,
    tooLarge: [...tooLarge].map(([id, bytes]) => ({ id, bytes })),
    notBuried: [...notBuried],
    undeleted: [...undeleted],
    notGivenBack: [...notGivenBack],
    left: isCounted ? { ready, reserved, delayed, buried } : null,
  }
}

function jobsOf({ ready, delayed, buried }: DrainedTube): number {
  return ready + delayed + buried
}

function countLeft(left: DrainedTube['left']): number {
  return left.ready + left.reserved + left.delayed + left.buried
}
