/**
 * Memory and the directory: `read`, `dump`, `verify` and `recover` on a log that is larger than what they
 * may use, and on lengths that lie, each under 200 MB with a small heap; those that read change no byte.
 * QLOG_BIG=1 takes a log of 2 GB; else it has 300 MB, which is over the bound as well.
 */
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { openLog } from '../../src/index.ts'
import { scanSegment } from '../../src/log/scan.ts'
import { keyOf, readHead } from '../../src/log/survey.ts'
import { withFile } from '../../src/log/with-file.ts'
import { realSystem } from '../../src/system/real/real-system.ts'
import { qlog, root, run } from './children.ts'
import { freshDirectory, hashOf } from './support.ts'

const MB = 1_000_000
const GB = 1_000 * MB
const fixtures = path.join(root, 'test/real/fixtures')
const wantsBig = process.env['QLOG_BIG'] === '1'
const space = fs.statfsSync(path.dirname(freshDirectory()))
const hasSpace = space.bavail * space.bsize > 6 * GB
const isBig = wantsBig && hasSpace
if (wantsBig && !hasSpace) console.warn('SKIPPED: a log of 2 GB needs 6 GB of free space')
if (!isBig) console.warn('SKIPPED: a log of 2 GB (QLOG_BIG=1); it has 300 MB here')
const LOG_BYTES = isBig ? 2 * GB : 300 * MB
const RSS_BYTES_MAX = 200 * MB

interface Measured {
  readonly code: number | null
  readonly peakBytes: number
  readonly outputBytes: number
  readonly lines: number
  readonly stderr: string
}

/** Runs `qlog` with a heap of 64 MB; its output is counted and dropped. */
async function measure(...words: string[]): Promise<Measured> {
  const heap = '--max-old-space-size=64'
  const peak = path.join(fixtures, 'peak.mjs')
  const child = spawn(process.execPath, [heap, '--import', peak, qlog, ...words], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const [, stdout, stderr, peakStream] = child.stdio
  if (!stdout || !stderr || !peakStream || !('read' in peakStream)) throw new Error('no pipes')
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  const words_ = text(stderr)
  const peakKiB = text(peakStream)
  let outputBytes = 0
  let lines = 0
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    outputBytes += chunk.length
    for (const byte of chunk) if (byte === 0x0a) lines++
  }
  const code = await closed
  return { code, peakBytes: Number(await peakKiB) * 1024, outputBytes, lines, stderr: await words_ }
}

function tell(what: string, { peakBytes, outputBytes }: Measured): void {
  console.info(
    `${what}: peak ${Math.round(peakBytes / MB)} MB, output ${Math.round(outputBytes / MB)} MB`,
  )
}

test(`a log of ${LOG_BYTES / MB} MB is read, dumped, verified and recovered in less than 200 MB`, {
  timeout: 600_000,
}, async () => {
  const parent = freshDirectory()
  const directory = path.join(parent, 'log')
  const filled = await run(process.execPath, [
    path.join(fixtures, 'fill.mjs'),
    directory,
    String(LOG_BYTES),
    String(64 * 1024 * 1024),
  ])
  const messages = Number(filled.stdout)
  expect(messages).toBeGreaterThan(10_000)
  const before = listingOf(directory)
  for (const words of [
    ['verify', directory],
    ['read', directory, '--json'],
    ['dump', directory],
  ]) {
    const measured = await measure(...words)
    tell(words[0] ?? '', measured)
    expect(measured.code, measured.stderr).toBe(0)
    expect(measured.peakBytes).toBeLessThan(RSS_BYTES_MAX)
    if (words[0] === 'read') expect(measured.lines).toBe(messages)
    expect(listingOf(directory)).toEqual(before)
  }
  const out = path.join(parent, 'recovered')
  const recovered = await measure('recover', directory, '--out', out)
  tell('recover', recovered)
  expect(recovered.code, recovered.stderr).toBe(0)
  expect(recovered.peakBytes).toBeLessThan(RSS_BYTES_MAX)
  expect(listingOf(directory)).toEqual(before)
  const reread = await measure('read', out, '--json')
  expect(reread.lines).toBe(messages)
})

describe('lengths that lie', () => {
  test('cost reading, not memory, and are told', { timeout: 300_000 }, async () => {
    const parent = freshDirectory()
    const directory = path.join(parent, 'log')
    const log = await openLog(directory, {
      segmentBytesMin: 256 * 1024 * 1024,
      segmentBytesMax: 256 * 1024 * 1024,
    })
    for (let id = 1; id <= 40; id++) await log.append(`${id}:`.padEnd(500, '.'))
    await log.close()
    const lied = await lieAboutLengths(directory, [3, 9, 20])
    const before = hashOfHeads(directory)
    const verified = await measure('verify', directory)
    tell('verify', verified)
    expect(verified.code, verified.stderr).toBe(3)
    const dumped = await measure('dump', directory)
    tell('dump', dumped)
    const read = await measure('read', directory, '--json')
    tell('read', read)
    expect(read.lines).toBe(40)
    expect(hashOfHeads(directory)).toBe(before)
    const recovered = await measure('recover', directory, '--out', path.join(parent, 'recovered'))
    tell('recover', recovered)
    for (const { peakBytes } of [verified, dumped, read, recovered]) {
      expect(peakBytes).toBeLessThan(RSS_BYTES_MAX)
    }
    const reread = await measure('read', path.join(parent, 'recovered'), '--json')
    expect(reread.lines).toBeGreaterThanOrEqual(40 - lied)
  })
})

test('the reading commands leave every byte, time and name of the directory as it was', async () => {
  const directory = freshDirectory()
  const log = await openLog(directory, { segmentBytesMin: 16_384, segmentBytesMax: 16_384 })
  for (let id = 1; id <= 60; id++) await log.append(`${id}:`.padEnd(500, '.'))
  await log.close()
  const segment = log.stats().segments.at(-1)?.file ?? ''
  const before = hashOf(directory)
  for (const words of [
    ['read', directory],
    ['read', directory, '--json', '--from', '30'],
    ['stats', directory],
    ['segments', directory],
    ['dump', directory],
    ['dump', path.join(directory, segment)],
    ['verify', directory],
    ['verify', path.join(directory, segment)],
    ['explain', `${path.join(directory, segment)}:4096`],
  ]) {
    const { code, stderr } = await run(process.execPath, [qlog, ...words])
    expect({ words, code, stderr }).toMatchObject({ words, code: 0 })
    expect(hashOf(directory)).toBe(before)
  }
})

/** Makes the blocks of these messages claim to reach to the end of their file. */
async function lieAboutLengths(directory: string, ids: readonly number[]): Promise<number> {
  const system = realSystem()
  const file = fs.readdirSync(directory).find((name) => name.endsWith('.qls')) ?? ''
  const header = (await readHead(system, directory, file))?.head.header
  if (!header) throw new Error('the segment has no header')
  const victims: number[] = []
  await withFile(system, `${directory}/${file}`, (handle) =>
    scanSegment(system, handle, keyOf(header), header.fileBytes, {
      visit: (_bytes, _at, block) => {
        if (block.recordCount === 1 && ids.includes(block.firstId)) victims.push(block.offset)
      },
    }),
  )
  const descriptor = fs.openSync(`${directory}/${file}`, 'r+')
  for (const offset of victims) {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(header.fileBytes - offset)
    fs.writeSync(descriptor, length, 0, 4, offset + 8)
  }
  fs.closeSync(descriptor)
  expect(victims.length).toBeGreaterThanOrEqual(ids.length)
  return victims.length
}

/** Names, sizes and times: of gigabytes that is proof enough that nobody wrote. */
function listingOf(directory: string): string[] {
  return fs
    .readdirSync(directory)
    .sort()
    .map((name) => {
      const { size, mtimeMs, ctimeMs, ino } = fs.statSync(path.join(directory, name))
      return `${name} ${size} ${mtimeMs} ${ctimeMs} ${ino}`
    })
}

function hashOfHeads(directory: string): string {
  return listingOf(directory).join('\n')
}
