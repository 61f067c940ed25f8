/**
 * Real system calls that fail (1, 3, 12, 13), by strace: some of each kind here, each of them once in the lab
 * (`npm run lab -- --only calls`). See `failing-calls.ts`.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLog } from '../../src/index.ts'
import { ANSWERS, LIVES, Sweep, THREADS, type Unit } from './failing-calls.ts'
import { LogJudge, StoreJudge } from './failing-judges.ts'
import { bodyOf } from './fixtures/bodies.mjs'
import { freshDirectory } from './support.ts'
import { whyNoTracer } from './tracer.ts'

const why = whyNoTracer()
if (why !== undefined) console.warn(`SKIPPED: system calls that fail: ${why}`)

/** Of the first unit of each life, thread and call, one in so many. */
const EVERY = 3
const TIMEOUT_MS = 300_000

/** One for each life, thread and call, at another place and with another answer each. */
async function sampleOf(sweep: Sweep): Promise<Unit[]> {
  const units: Unit[] = []
  for (const life of LIVES) {
    for (const thread of THREADS) {
      const counts = await sweep.count(life, thread)
      for (const [call, answers] of Object.entries(ANSWERS)) {
        const times = counts.get(call) ?? 0
        if (times === 0) continue
        const turn = units.length
        const answer = answers[turn % answers.length] ?? 'EIO'
        units.push({ life, thread, call, answer, nth: 1 + ((turn * 7) % times) })
      }
    }
  }
  return units.filter((_, row) => row % EVERY === 0)
}

describe.skipIf(why !== undefined)('a system call fails', () => {
  let sweep: Sweep
  // Each test has its own: children end behind each.
  beforeEach(() => {
    sweep = new Sweep()
  })
  afterEach(() => sweep.dispose())

  test('of each kind: it is told, nothing acknowledged is lost, nothing refused is there', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const units = await sampleOf(sweep)
    let hits = 0
    let failures = 0
    for (const unit of units) {
      const survived = await sweep.run(unit)
      if (survived.hit !== undefined) hits += 1
      failures += survived.failures.length
    }
    console.info(`${hits} system calls failed, ${failures} calls were refused for it`)
    // Two lives need not make the same number of calls.
    expect(hits).toBeGreaterThan(0.8 * units.length)
    expect(failures).toBeGreaterThan(0)
  })

  // The first two files of a life are those of /proc. Node 20 ends the process where its own closing of them fails.
  test('while the boot is asked for: the process goes on', { timeout: TIMEOUT_MS }, async () => {
    for (const call of ['openat', 'close']) {
      for (const nth of [1, 2]) {
        const { hit } = await sweep.run({ life: 'log', thread: 'main', call, answer: 'EIO', nth })
        expect(hit).toContain('/proc/')
      }
    }
  })
})

describe('the judgement of a life', () => {
  async function logOfOne(): Promise<string> {
    const directory = freshDirectory()
    const log = await openLog(directory)
    await log.append(bodyOf(2, 0))
    await log.close()
    return directory
  }

  test.each([
    ['1 0', 'message 1 is 2.0 instead of 1.0'],
    ['2 0', '1 acknowledged are missing: 2'],
  ])('"%s" of a log that holds another message', async (line, words) => {
    const judge = new LogJudge(1, [])
    judge.hear(line)
    await expect(judge.look(await logOfOne())).rejects.toThrow(words)
  })

  test.each([
    [['failed Error append: at x.ts:1'], /a life said/],
    [['failed QLOG_DAMAGED read: no'], /a life said/],
    [['failed QLOG_INDETERMINATE append: no', '7 7'], /it had stopped/],
    [['failed QLOG_FAILED put: no', 'put 7'], /it had stopped/],
    [['what is this'], /a worker said/],
  ])('%j is wrong', (lines, words) => {
    const judge = new StoreJudge([])
    expect(() => {
      for (const line of lines) judge.hear(line)
    }).toThrow(words)
  })

  test('what was taken, and neither acknowledged nor there, is lost', async () => {
    const judge = new StoreJudge([])
    for (const line of ['put 1', 'took 1']) judge.hear(line)
    judge.begin()
    judge.hear('open')
    await expect(judge.finish('')).rejects.toThrow('taken and not acknowledged, and gone: 1')
  })

  test.each([
    [['batch 5 2', 'number 1 5'], 'of the batch from 5 on 1 of 2 are there'],
    [['refused 5 1', 'number 1 5'], 'refused, and there: 5'],
  ])('%j is wrong in the end', async (lines, words) => {
    const judge = new StoreJudge([])
    judge.hear(lines[0] ?? '')
    judge.begin()
    judge.hear(lines[1] ?? '')
    judge.hear('open')
    await expect(judge.finish('')).rejects.toThrow(words)
  })
})
