/** `qlog bench`: what it prints, what it leaves behind (nothing), how it is stopped. No speed is judged. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { benchConclusion, benchHead, benchLine, caseWords } from '../../src/cli/bench-words.ts'
import { DISK_CASES, type DiskResult } from '../../src/measure/disk-cases.ts'
import { neededBytes, requireSpace } from '../../src/measure/own-disk.ts'
import { MemoryStream, runInProcess } from './in-process.ts'
import { endOfBuilt, freshDirectory, jsonLines, startBuilt } from './support.ts'

const NUMBERS = ['rate', 'rawRate', 'efficiency', 'p50Ms', 'p99Ms', 'bodyBytesRate', 'pairs']

/** A result as one could be, of each case. */
function resultsOf(efficiency: number, thirdQuartile = efficiency): DiskResult[] {
  return DISK_CASES.map(({ name, kind, call, messageBytes }, row) => {
    const rate = 2_345 * (row + 1) ** 3
    return {
      case: name,
      variant: kind === 'sustained' ? 'sustained' : 'prepared',
      sync: 'always',
      rate,
      rawRate: rate / efficiency,
      efficiency,
      p50Ms: 0.1234,
      p99Ms: 1234.5,
      pairs: 5,
      efficiencyQuartiles: [efficiency, thirdQuartile],
      messageBytes,
      bodyBytesRate: rate * messageBytes,
      groupMessages: 1000,
      groupBytes: 1000 * messageBytes,
      ...(call !== 'sync' && { loopDelayP99Ms: 123.4 }),
    }
  })
}

function tableOf(efficiency: number, thirdQuartile?: number): string {
  const results = resultsOf(efficiency, thirdQuartile)
  const head = benchHead({
    bench: 'own-disk',
    machine: '2 x A processor',
    kernel: 'Linux 6',
    fileSystem: 'ext2, ext3 or ext4',
    node: 'v20.19.0',
    sync: 'always',
    raw: 'Node, writeSync + fdatasyncSync',
    seconds: 60,
    load: [1.5, 1, 1],
    date: '2026-01-02T03:04:05.000Z',
  })
  const lines = results.map((result, row) => benchLine(result, results[row - 1]))
  return head + lines.join('') + benchConclusion(results, 80)
}

describe('the table of qlog bench', () => {
  it('is as reviewed and fits 80 columns', () => {
    const text = tableOf(0.93)
    expect(text).toMatchSnapshot()
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
  })

  it('says that the disk is the limit only where the engine comes near the raw loop', () => {
    expect(tableOf(0.93)).toContain('there the disk is the limit')
    expect(tableOf(0.5)).not.toContain('there the disk is the limit')
  })

  it('says where the rounds differed too much to trust their median', () => {
    expect(tableOf(0.5, 0.7)).not.toContain('varied')
    expect(tableOf(0.5, 0.9)).toContain('varied by more than half between the rounds of 14 of 14')
  })

  it('has words for every case', () => {
    const words = DISK_CASES.map(caseWords)
    expect(words.filter((one) => one.includes('/'))).toEqual([])
    expect(new Set(words).size).toBe(DISK_CASES.length)
  })
})

describe('qlog bench', () => {
  it('--json: what the figures depend on, then every case; nothing stays behind', async () => {
    const parent = freshDirectory()
    const directory = join(parent, 'made', 'for-it')
    const words = ['bench', directory, '--seconds', '1', '--json']
    const { exitCode, stdout, stderr } = await runInProcess(words)
    expect(stderr).toBe('')
    expect(exitCode).toBe(0)
    const [header, ...results] = jsonLines(stdout) as Record<string, unknown>[]
    expect(header).toMatchObject({ bench: 'own-disk', sync: 'always', node: process.version })
    expect(results.map((result) => result['case'])).toEqual(DISK_CASES.map(({ name }) => name))
    for (const result of results) {
      for (const name of NUMBERS) expect(result[name], name).toBeGreaterThan(0)
      expect(result).toMatchObject({ sync: 'always' })
    }
    expect(results.filter(({ variant }) => variant === 'sustained')).toHaveLength(2)
    expect(readdirSync(parent)).toEqual([])
  })

  it('stops when it is asked to, and leaves what was in the directory', async () => {
    const directory = freshDirectory()
    writeFileSync(join(directory, 'mine'), 'x')
    const abort = new AbortController()
    // What the figures depend on comes first, then the first case.
    class Stopping extends MemoryStream {
      #writes = 0

      override _write(chunk: Uint8Array, encoding: string, done: () => void): void {
        this.#writes++
        if (this.#writes === 2) abort.abort()
        super._write(chunk, encoding, done)
      }
    }
    const words = ['bench', directory, '--seconds', '1', '--json']
    const { exitCode, stdout } = await runInProcess(words, { abort, stdout: new Stopping() })
    expect(exitCode).toBe(130)
    expect(jsonLines(stdout)).toHaveLength(2)
    expect(readdirSync(directory)).toEqual(['mine'])
  })

  it('ends with 130 on SIGINT and removes its directory', async () => {
    const directory = freshDirectory()
    const child = startBuilt(['bench', directory, '--seconds', '5', '--json'])
    let lines = 0
    child.stdout?.on('data', (chunk: Buffer) => {
      lines += chunk.toString().split('\n').length - 1
      // A case has been measured, so there is something to remove.
      if (lines >= 2) child.kill('SIGINT')
    })
    expect(await endOfBuilt(child)).toMatchObject({ exitCode: 130, signal: null })
    expect(readdirSync(directory)).toEqual([])
  })

  it('refuses what is no directory, and seconds that make no sense', async () => {
    const file = join(freshDirectory(), 'file')
    writeFileSync(file, 'x')
    const refused = await runInProcess(['bench', file])
    expect(refused).toMatchObject({ exitCode: 2 })
    expect(refused.stderr).toContain('is no directory')
    for (const seconds of ['0', '-1', '1.5', 'x']) {
      expect((await runInProcess(['bench', file, '--seconds', seconds])).exitCode).toBe(2)
    }
  })

  it('says how much space is needed where there is too little', () => {
    const directory = freshDirectory()
    const needed = `${Math.ceil(neededBytes(60) / 1e6)} MB`
    expect(() => requireSpace(directory, 60, 1_000_000)).toThrow(
      `has 1 MB free and measuring takes up to ${needed}`,
    )
    expect(() => requireSpace(directory, 60, neededBytes(60))).not.toThrow()
  })
})
