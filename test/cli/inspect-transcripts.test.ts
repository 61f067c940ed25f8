/**
 * Goal: what the inspecting commands say about twelve named damages is exactly what it was when
 * somebody read it with care, and what they say is true. Method: golden transcripts of a log that is
 * the same to the byte on every run; `UPDATE_TRANSCRIPTS=1 npx vitest run test/cli/inspect-transcripts`
 * writes them anew.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openLog, openReader } from '../../src/index.ts'
import { DAMAGES } from '../inspect/damages.ts'
import { type LogFiles, smallLog, writeLog } from '../inspect/small-log.ts'
import { runInProcess } from './in-process.ts'
import { freshDirectory, jsonLines } from './support.ts'

const TRANSCRIPTS = fileURLToPath(new URL('../fixtures/transcripts/', import.meta.url))
const UPDATE = process.env['UPDATE_TRANSCRIPTS'] === '1'
const REAL = { openLog, openReader }

function made(files: LogFiles): string {
  const directory = join(freshDirectory(), 'log')
  writeLog(directory, files)
  return directory
}

/** One command as a person would see it on a terminal without colours. */
async function shown(words: readonly string[], directory: string): Promise<string> {
  const { exitCode, stdout, stderr } = await runInProcess(words, { functions: REAL })
  const text = `$ qlog ${words.join(' ')}\n${stdout.toString()}${stderr}[exit code ${exitCode}]\n\n`
  return text.replaceAll(directory, 'DIR')
}

function expectTranscript(name: string, text: string): void {
  const path = join(TRANSCRIPTS, `${name.replaceAll(' ', '-')}.txt`)
  if (UPDATE) {
    mkdirSync(TRANSCRIPTS, { recursive: true })
    writeFileSync(path, text)
  }
  expect(text).toBe(readFileSync(path, 'utf8'))
}

/** Names, contents and times of everything in a directory. */
function hashOf(directory: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(directory).sort()) {
    const path = join(directory, name)
    hash.update(`${name} ${statSync(path).mtimeMs} `).update(readFileSync(path))
  }
  return hash.digest('hex')
}

function lostIds(stdout: Buffer): number[] {
  const ids = new Set<number>()
  for (const line of jsonLines(stdout)) {
    const { level, firstId, endId } = line as { level?: string; firstId: number; endId: number }
    if (level !== 'rot') continue
    for (let id = firstId; id < endId; id++) ids.add(id)
  }
  return [...ids].sort((a, b) => a - b)
}

describe('what the commands say', () => {
  it('about an intact log', async () => {
    const directory = made(smallLog().files)
    const text =
      (await shown(['verify', directory], directory)) +
      (await shown(['segments', directory], directory)) +
      (await shown(['dump', directory], directory))
    expectTranscript('intact', text)
  })

  for (const { name, files, place } of DAMAGES) {
    it(`about ${name}`, async () => {
      const directory = made(files())
      const [file, offset] = place
      const text =
        (await shown(['verify', directory], directory)) +
        (await shown(['segments', directory], directory)) +
        (await shown(['explain', `${join(directory, file)}:${offset}`], directory)) +
        (await shown(['read', directory, '--json'], directory)) +
        (await shown(['recover', directory, '--in-place'], directory)) +
        (await shown(['recover', directory, '--out', `${directory}-saved`], directory))
      expectTranscript(name, text)
    })
  }
})

describe('what verify finds', () => {
  for (const { name, files, exitCode, lost } of DAMAGES) {
    it(`${name}: exactly the lost ids and the exit code (invariants 6 and 10)`, async () => {
      const directory = made(files())
      const result = await runInProcess(['verify', directory, '--json'], { functions: REAL })
      expect(result.exitCode).toBe(exitCode)
      expect(lostIds(result.stdout)).toEqual(lost)
    })
  }
})

// Museum: ARTEMIS-1959, where printing the data modified the journal.
describe('invariant 18: looking changes nothing', () => {
  for (const { name, files, place } of DAMAGES) {
    it(`${name}: names, contents and times stay`, async () => {
      const directory = made(files())
      const before = hashOf(directory)
      const file = join(directory, place[0])
      for (const words of [
        ['verify', directory],
        ['verify', file],
        ['segments', directory],
        ['dump', directory, '--bodies', '--json'],
        ['dump', file],
        ['explain', `${file}:${place[1]}`],
        ['recover', directory, '--in-place'],
        ['recover', directory, '--out', `${directory}-saved`],
      ]) {
        await runInProcess(words, { functions: REAL })
      }
      expect(hashOf(directory)).toBe(before)
    })
  }
})
