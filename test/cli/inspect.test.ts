/** The commands that look into a log's files: what they print, their exit codes, what they refuse. */
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bytesPerSecond } from '../../src/cli/argument-types.ts'
import { openLog, openReader } from '../../src/index.ts'
import { flipBit, LAST, type LogFiles, MIDDLE, smallLog, writeLog } from '../inspect/small-log.ts'
import { type InProcessResult, MemoryStream, runInProcess } from './in-process.ts'
import { freshDirectory, jsonLines } from './support.ts'

function run(...words: string[]): Promise<InProcessResult> {
  return runInProcess(words, { functions: { openLog, openReader } })
}

function made(files: LogFiles = smallLog().files): string {
  const directory = join(freshDirectory(), 'log')
  writeLog(directory, files)
  return directory
}

describe('JSON', () => {
  it('every line of every command is an object that names its version', async () => {
    const { files } = smallLog()
    flipBit(files, MIDDLE, 9000)
    const directory = made(files)
    const commands = [
      ['verify', directory],
      ['verify', join(directory, LAST)],
      ['scrub', directory],
      ['segments', directory],
      ['dump', directory, '--bodies'],
      ['dump', join(directory, LAST)],
      ['explain', `${join(directory, MIDDLE)}:9000`],
      ['recover', directory, '--in-place'],
      ['recover', directory, '--out', `${directory}-saved`],
    ]
    for (const words of commands) {
      const lines = jsonLines((await run(...words, '--json')).stdout)
      expect(lines.length).toBeGreaterThan(0)
      for (const line of lines) expect(line).toMatchObject({ v: 1 })
    }
  })
})

describe('qlog dump', () => {
  it('shows every message once, with its body, and says nothing of the salts', async () => {
    const directory = made()
    const { stdout, exitCode } = await run('dump', directory, '--json', '--bodies')
    const messages = jsonLines(stdout).filter(
      (line) => (line as { type?: string }).type === 'MESSAGE',
    )
    expect(messages.map((line) => (line as { id: number }).id)).toEqual(
      Array.from({ length: 18 }, (_, i) => i + 1),
    )
    expect(messages[0]).toMatchObject({ body: expect.stringMatching(/^message 1 /) })
    expect(stdout.toString()).not.toMatch(/salt/)
    expect(exitCode).toBe(0)
  })

  it('gives bytes that are no UTF-8 as base64, and cannot be made to move the cursor', async () => {
    const directory = join(freshDirectory(), 'log')
    const log = await openLog(directory)
    await log.append(Uint8Array.of(0xff, 0xfe))
    await log.append('\u001b[2J')
    await log.close()
    const json = jsonLines((await run('dump', directory, '--json', '--bodies')).stdout)
    expect(json).toContainEqual(expect.objectContaining({ id: 1, bodyBase64: '//4=' }))
    const text = (await run('dump', directory, '--bodies')).stdout.toString()
    expect(text).toContain('"\\x1b[2J"')
    expect(text).not.toContain('\u001b')
  })

  it('begins where it is told', async () => {
    const directory = made()
    const { stdout } = await run('dump', join(directory, LAST), '--json', '--from', '8192')
    const offsets = jsonLines(stdout).map((line) => (line as { offset?: number }).offset ?? 8192)
    expect(Math.min(...offsets)).toBe(8192)
  })
})

describe('qlog verify', () => {
  it('says that a log that was not closed, and is whole, is no damage', async () => {
    const { stdout, exitCode } = await run('verify', made(smallLog({ closed: false }).files))
    expect(stdout.toString()).toContain('not closed in order, and nothing is torn')
    expect(exitCode).toBe(0)
  })

  it('exits 6 for what is no log', async () => {
    const directory = freshDirectory()
    writeFileSync(join(directory, 'notes.txt'), 'hello')
    for (const path of [directory, join(directory, 'notes.txt'), join(directory, 'missing')]) {
      expect((await run('verify', path)).exitCode).toBe(6)
    }
  })
})

describe('qlog explain', () => {
  it('refuses what is no FILE:OFFSET', async () => {
    for (const place of ['file', 'file:', 'file:x', ':5', 'file:-1']) {
      const { exitCode, stderr } = await run('explain', place)
      expect([place, exitCode]).toEqual([place, 2])
      expect(stderr).toContain('is not FILE:OFFSET')
    }
  })

  it('takes hexadecimal offsets', async () => {
    const directory = made()
    const { stdout } = await run('explain', `${join(directory, LAST)}:0x34`)
    expect(stdout.toString()).toContain('the first salt, in the first copy')
    const apart = await run('explain', join(directory, LAST), '0x34')
    expect(apart.stdout.equals(stdout)).toBe(true)
  })
})

describe('qlog recover', () => {
  it('needs to be told where the result goes', async () => {
    const directory = made()
    for (const words of [[], ['--yes'], ['--out', 'x', '--in-place'], ['--out', 'x', '--yes']]) {
      expect((await run('recover', directory, ...words)).exitCode).toBe(2)
    }
  })

  it('in place: the log opens again behind damage in its newest segment', async () => {
    const { files } = smallLog()
    flipBit(files, LAST, 9000)
    flipBit(files, LAST, 9001)
    const directory = made(files)
    await expect(openLog(directory)).rejects.toMatchObject({ code: 'QLOG_DAMAGED' })
    const { exitCode, stdout } = await run('recover', directory, '--in-place', '--yes')
    expect(exitCode).toBe(3)
    expect(stdout.toString()).toContain('messages 13 to 15 lost')
    const log = await openLog(directory)
    expect(await log.append('nineteen')).toBe(19)
    const ids: number[] = []
    const lost: number[] = []
    for await (const { id } of log.read({
      onGap: ({ firstId, endId }) => lost.push(firstId, endId),
    })) {
      ids.push(id)
    }
    await log.close()
    expect(ids).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 17, 18, 19])
    expect(lost.slice(0, 2)).toEqual([13, 16])
  })

  it('in place: exits 5 where the log is owned, and leaves the owner alone', async () => {
    const directory = join(freshDirectory(), 'log')
    const log = await openLog(directory)
    await log.append('one')
    expect((await run('recover', directory, '--in-place', '--yes')).exitCode).toBe(5)
    expect(await log.append('two')).toBe(2)
    await log.close()
  })

  it('never writes into a directory that holds something', async () => {
    const target = freshDirectory()
    mkdirSync(join(target, 'mine'))
    appendFileSync(join(target, 'mine', 'file'), 'x')
    expect((await run('recover', made(), '--out', join(target, 'mine'))).exitCode).toBe(2)
    expect(existsSync(join(target, 'mine', 'file'))).toBe(true)
  })
})

describe('qlog scrub', () => {
  it.each([
    ['32MB/s', 32_000_000],
    ['32mb', 32_000_000],
    ['1500 k', 1_500_000],
    ['512KiB/s', 524_288],
    ['2gi/s', 2_147_483_648],
    ['4000000', 4_000_000],
    ['64KB', 64_000],
  ])('takes %s as a rate', (word, bytes) => expect(bytesPerSecond(word)).toBe(bytes))

  it('says that full segments are fine, how they were read, and ends with 0', async () => {
    const { stdout, exitCode } = await run('scrub', made(), '--rate', 'none')
    expect(exitCode).toBe(0)
    expect(stdout.toString()).toMatch(/^2 full segments, \d+ valid blocks, .* in .*\n/)
    expect(stdout.toString()).toMatch(/^(Read from the disk\.|Perhaps read from the page cache)/m)
    expect(stdout.toString()).toContain('Fine.')
  })

  it('says the same of damage in a full segment as verify, and ends with 3', async () => {
    const { files } = smallLog()
    flipBit(files, MIDDLE, 9000)
    const directory = made(files)
    const scrubbed = await run('scrub', directory, '--rate', '100MB/s', '--json')
    const verified = await run('verify', directory, '--json')
    expect(scrubbed.exitCode).toBe(3)
    const [finding, summary] = jsonLines(scrubbed.stdout)
    const [wanted] = jsonLines(verified.stdout) as Record<string, unknown>[]
    const { detail: _detail, ...same } = wanted ?? {}
    expect(finding).toMatchObject({ ...same, mendable: 1 })
    expect(summary).toMatchObject({ kind: 'summary', verdict: 'rot', segments: 2, damages: 1 })
    const { stdout } = await run('scrub', directory)
    expect(stdout.toString()).toMatch(/^rot .*one flipped bit explains it.*\n/)
    expect(stdout.toString()).toContain('acknowledged messages lost.')
  })

  it.each(['0', 'fast', '5TB/s', '-1'])('refuses the rate %s', async (rate) => {
    const { exitCode, stderr } = await run('scrub', made(), '--rate', rate)
    expect(exitCode).toBe(2)
    expect(stderr).toContain('or none')
  })

  it.each(['4', '4B/s', '63KB/s'])('refuses the rate %s, which would never end', async (rate) => {
    const { exitCode, stderr } = await run('scrub', made(), '--rate', rate)
    expect(exitCode).toBe(2)
    expect(stderr).toContain('at least 64KB/s, or none')
    if (rate !== '63KB/s') expect(stderr).toContain('4 is 4 bytes a second: say 4MB/s')
  })

  it('ends with 6 where there is no log, and with 130 where it is interrupted', async () => {
    expect((await run('scrub', freshDirectory())).exitCode).toBe(6)
    const abort = new AbortController()
    abort.abort()
    expect((await runInProcess(['scrub', made()], { abort })).exitCode).toBe(130)
  })
})

it('words that cannot be written are told on stderr, once, and the exit code stays', async () => {
  class Full extends MemoryStream {
    override _write(_chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
      done(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }))
    }
  }
  const { files } = smallLog()
  flipBit(files, MIDDLE, 9000)
  for (const words of [
    ['verify', made(files)],
    ['verify', made(files), '--json'],
  ]) {
    const stdout = new Full()
    stdout.on('error', () => undefined)
    const { exitCode, stderr } = await runInProcess(words, { stdout })
    expect(exitCode).toBe(3)
    expect(stderr.match(/^qlog: ENOSPC/gm)).toHaveLength(1)
  }
})
