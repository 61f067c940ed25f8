/** The pure parts of `qlog prove`: its source, its plan, what its processes say to each other. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exitCodeOfProof } from '../../src/cli/prove.ts'
import type { PlanState } from '../../src/cli/prove-plan.ts'
import { planRound } from '../../src/cli/prove-plan.ts'
import type { ProducerLine } from '../../src/cli/prove-protocol.ts'
import { encodeProducerLine, parseProducerLine } from '../../src/cli/prove-protocol.ts'
import { seededRandom } from '../../src/cli/prove-random.ts'
import type { ProveResult } from '../../src/cli/prove-report.ts'
import { formatProof } from '../../src/cli/prove-report.ts'
import { collectSource, LineSource } from '../../src/cli/prove-source.ts'
import { freshDirectory } from './support.ts'

describe('LineSource', () => {
  it('counts empty lines and begins again behind the last one', () => {
    const source = new LineSource(Buffer.from('a\n\nccc\n'))
    expect(source.lineCount).toBe(3)
    const lines = [0, 1, 2, 3, 4, 302].map((at) => Buffer.from(source.line(at)).toString())
    expect(lines).toEqual(['a', '', 'ccc', 'a', '', 'ccc'])
  })

  it('grows with many short lines', () => {
    const source = new LineSource(Buffer.from('\n'.repeat(5_000)))
    expect(source.lineCount).toBe(5_000)
    expect(source.line(4_999).length).toBe(0)
  })
})

describe('collectSource', () => {
  it('takes text files in order, without binary files, links and the log itself', () => {
    const root = freshDirectory()
    mkdirSync(join(root, 'b'))
    mkdirSync(join(root, 'log'))
    writeFileSync(join(root, 'c.txt'), 'c1\nc2')
    writeFileSync(join(root, 'a.txt'), 'a1\n')
    writeFileSync(join(root, 'b', 'inner.txt'), 'b1\n')
    writeFileSync(join(root, 'binary'), Uint8Array.of(65, 0, 66))
    writeFileSync(join(root, 'empty'), '')
    writeFileSync(join(root, 'log', 'x.txt'), 'never')
    symlinkSync(root, join(root, 'round'))
    const { lines, fileCount } = collectSource([root], join(root, 'log'))
    expect(fileCount).toBe(3)
    expect(Buffer.from(lines.bytes).toString()).toBe('a1\nb1\nc1\nc2\n')
  })

  it('finds enough text in this package and its neighbours', () => {
    const { lines, fileCount } = collectSource(undefined, '/nonexistent')
    expect(fileCount).toBeGreaterThan(20)
    expect(lines.lineCount).toBeGreaterThan(10_000)
  })

  it('refuses a source without text', () => {
    const root = freshDirectory()
    expect(() => collectSource([root], '/nonexistent')).toThrow(/no text file/)
    expect(() => collectSource([join(root, 'missing')], '/nonexistent')).toThrow(/cannot read/)
  })
})

describe('planRound', () => {
  const state: PlanState = {
    roundsLeft: 6,
    remainingMs: 12_000,
    messages: 0,
    messagesMin: 200_000,
    messagesMax: 10_000_000,
    comparedPerMs: 1_000,
    last: false,
  }

  it('kills within the slice of a round, at moments that the seed repeats', () => {
    const plans = [1, 1, 2].map((seed) => planRound(state, seededRandom(seed)))
    expect(plans[0]).toEqual(plans[1])
    expect(plans[0]).not.toEqual(plans[2])
    const earliest = planRound(state, () => 0)
    const latest = planRound(state, () => 1 - 2 ** -32)
    expect(earliest.afterMs).toBeCloseTo(180)
    expect(latest.afterMs).toBeCloseTo(900)
    expect(earliest.afterMessages).toBeLessThan(latest.afterMessages)
  })

  it('appends no more than can be compared in time, or than the disk takes', () => {
    const slow = planRound({ ...state, comparedPerMs: 50 }, () => 0.9)
    const fast = planRound(state, () => 0.9)
    expect(slow.afterMessages).toBeLessThan(fast.afterMessages)
    const small = planRound({ ...state, messagesMax: 600 }, () => 0.9)
    expect(small.afterMessages).toBeLessThanOrEqual(100)
  })

  it('lets the last round run until there are enough messages', () => {
    const last = { ...state, roundsLeft: 1, messages: 150_000, last: true }
    expect(planRound(last, () => 0).afterMessages).toBe(50_000)
    expect(planRound({ ...last, messages: 300_000 }, () => 0).afterMessages).toBe(1)
  })

  it('still plans when the time is over', () => {
    const late = planRound({ ...state, remainingMs: -5 }, () => 0)
    expect(late.afterMs).toBeGreaterThan(0)
    expect(late.afterMessages).toBeGreaterThan(0)
  })
})

describe('what a producer says', () => {
  const lines: readonly ProducerLine[] = [
    { kind: 'ready' },
    { kind: 'acknowledged', firstId: 7, firstPosition: 12_345_678_901, count: 2_000 },
    { kind: 'end', end: { flushP50Ms: 0.25, flushP99Ms: 3.5 } },
    { kind: 'failed', message: 'no space left on device' },
  ]

  it.each(lines)('is understood: $kind', (line) => {
    expect(parseProducerLine(encodeProducerLine(line).trimEnd())).toEqual(line)
  })

  it.each(['', 'ok', 'ok 1 2', 'ok 1 x 3', 'end', 'something else'])('is refused: "%s"', (text) => {
    expect(() => parseProducerLine(text)).toThrow(/unknown/)
  })
})

describe('the result', () => {
  const right: ProveResult = {
    verdict: 'ok',
    seed: 7,
    messages: 200_100,
    bytes: 8_000_000,
    acknowledged: 200_000,
    lost: 0,
    wrong: 0,
    unacknowledged: 100,
    inFlightMax: 2_000,
    kills: 5,
    appendedPerSecond: 412_345,
    appendedBytesPerSecond: 16_400_000,
    flushP50Ms: 0.31,
    flushP99Ms: 12.3,
    reopenMsMax: 25,
    readPerSecond: 2_345_678,
    diskBytes: 9_000_000,
    seconds: 11.8,
    faults: [],
  }
  const same = (words: string): string => words
  const plain = { bold: same, dim: same, red: same, green: same, yellow: same }

  it('is a table of at most 80 columns with a verdict', () => {
    const text = formatProof(right, plain)
    expect(text).toMatchSnapshot()
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
  })

  it('names what is lost, and exits with 3', () => {
    const faults = ['id 12 is missing']
    const wrong: ProveResult = { ...right, verdict: 'failed', lost: 1, faults }
    expect(formatProof(wrong, plain)).toContain('fault: id 12 is missing')
    expect(formatProof(wrong, plain)).toContain(
      'FAILED: 1 message lost or wrong after 5 kills. Seed 7.',
    )
    expect(exitCodeOfProof(wrong)).toBe(3)
    expect(exitCodeOfProof({ ...wrong, lost: 0 })).toBe(1)
    expect(exitCodeOfProof(right)).toBe(0)
  })
})
