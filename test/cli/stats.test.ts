/** `qlog stats`: the table against a log of memory and real ones, what is marked as old, exit codes. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Log, type LogStats, openLog, openReader } from '../../src/index.ts'
import { FakeLog } from './fake-log.ts'
import { runInProcess } from './in-process.ts'
import { freshDirectory, jsonLines } from './support.ts'

/** A log of memory whose figures are chosen. */
class FakeStats extends FakeLog {
  readonly #figures: Partial<LogStats>

  constructor(figures: Partial<LogStats>) {
    super()
    this.#figures = figures
  }

  override stats(): LogStats {
    return { ...super.stats(), ...this.#figures }
  }
}

const REPORTED: Partial<LogStats> = {
  reportedMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  nextId: 1_234_567_890,
  liveBytes: 300_000_000,
  deadBytes: 100_000_000,
  messagesPerSecond: 123_456.7,
  bytesPerSecond: 12_345_678,
  appendedMessages: 1_000_000,
  appendedBytes: 100_000_000,
  flushes: 1_000,
  flushCounts: [900, 60, 36, 0, 0, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0],
  flushSumMs: 812.5,
  flushP50Ms: 0.4,
  flushP99Ms: 5.4,
  flushMaxMs: 1_234,
  space: 'full',
  reserve: { bytes: 2_121_728, state: 'short' },
  spareBytes: 134_217_728,
}

async function shown(log: FakeLog): Promise<string> {
  return (await runInProcess(['stats', 'x'], { log })).stdout.toString()
}

describe('qlog stats', () => {
  it('shows what the files say, and says that the writer has left no figures yet', async () => {
    const { exitCode, stdout, stderr } = await runInProcess(['stats', 'x'])
    expect(exitCode).toBe(0)
    expect(stdout.toString()).toBe(
      [
        '  messages              0',
        '  first id              1',
        '  next id               1',
        '  disk use        65.5 kB',
        '  segments              1  newest 00000000000000000001-00.qls',
        '  mode             always  an append resolves once it is on disk',
        '  epoch                 3  grows with every opening that appends',
        '  damaged places        0',
        '',
      ].join('\n'),
    )
    expect(stderr).toBe(
      'The writer has left no figures yet: it does so at close and every 64 MiB.\n',
    )
  })

  it('marks the figures of the writer with their time, in columns below each other', async () => {
    expect(await shown(new FakeStats(REPORTED))).toMatchSnapshot()
  })

  it('fits 80 columns, whatever the state of reserve, space and mode', async () => {
    for (const state of ['whole', 'none', 'short', 'best effort'] as const) {
      for (const sync of ['always', 'interval', 'never'] as const) {
        const reserve = { bytes: 2_121_728, state }
        const text = await shown(new FakeStats({ ...REPORTED, reserve, sync }))
        expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
      }
    }
  })

  it('tells dead bytes of a real log that was closed', async () => {
    const directory = join(freshDirectory(), 'log')
    const log = await openLog(directory, { segmentBytesMin: 16_384, segmentBytesMax: 16_384 })
    await fill(log)
    // The first message stays, so that no segment of the rest can leave in front of it.
    log.discard(2, 31)
    await log.close()
    const functions = { openLog, openReader }
    const { stdout, stderr } = await runInProcess(['stats', directory], { functions })
    expect(stdout.toString()).toMatch(/As the writer left them at \d{4}-\d\d-\d\d /)
    expect(stdout.toString()).toMatch(/dead +\d+\.\d kB {2}\d+ %, discarded messages/)
    expect(stderr).toBe('')
  })

  it('--json has everything in one line and nothing else', async () => {
    const log = new FakeLog()
    const { stdout, stderr } = await runInProcess(['stats', 'x', '--json'], { log })
    expect(jsonLines(stdout)).toEqual([JSON.parse(JSON.stringify(log.stats()))])
    expect(stderr).toBe('')
  })

  it('exits with 3 where damage is known', async () => {
    const gap = {
      firstId: 2,
      endId: 3,
      file: 'f',
      offset: 0,
      bytes: 1,
      why: 'rot',
    } satisfies LogStats['gaps'][number]
    const log = new FakeStats({ gaps: [gap] })
    const { exitCode, stderr } = await runInProcess(['stats', 'x'], { log })
    expect(exitCode).toBe(3)
    expect(stderr).toContain('1 damaged place in acknowledged data')
  })
})

async function fill(log: Log): Promise<void> {
  for (let count = 0; count < 40; count++) await log.append('x'.repeat(1000))
}
