/**
 * `tools/second-reader`, which was written from docs/format.md and docs/guarantees.md alone, beside qlog's own
 * reading: of any directory both give the same messages and next id, and find the same damage: rows, files and the ids
 * that are lost. So that a mistake that writer and reader share, or a word that the documents lack, shows.
 */
import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { openReader, QlogError } from '../../src/index.ts'
import { verify } from '../../src/inspect/index.ts'
import type { Lab } from './trial.ts'

const PROGRAM = join('tools', 'second-reader')
const OUTPUT_BYTES_MAX = 1 << 30
const TIMEOUT_MS = 120_000
/** Of lines that differ. */
const SHOWN_MAX = 5
const EXIT_CODES = { fine: 0, rot: 3, 'torn-tail': 4 } as const
const NO_LOG = 6

let hasPython: boolean | undefined

/** Why it cannot run here; undefined where it can. */
export function whyNoSecondReader(): string | undefined {
  hasPython ??= spawnSync('python3', ['--version']).status === 0
  return hasPython ? undefined : 'python3 is not installed'
}

/**
 * Reads what a trial leaves behind, and counts it. Throws where the two differ; without Python it only says so.
 * `between` is called when qlog has read.
 */
export async function readTwice(
  lab: Lab,
  directory: string,
  between?: () => Promise<unknown>,
): Promise<void> {
  const whyNot = whyNoSecondReader()
  if (whyNot !== undefined) {
    lab.say(`SKIPPED: the second reader: ${whyNot}`)
    return
  }
  const ours = await qlogReading(directory)
  await between?.()
  const theirs = await secondReading(directory)
  if (theirs.text !== ours.text) {
    throw new Error(`the second reader differs. ${difference(ours.text, theirs.text)}`)
  }
  lab.count('logs that the second reader read alike')
  if (ours.code === EXIT_CODES.rot) lab.count('rotten ones among these')
  if (ours.code === EXIT_CODES['torn-tail']) lab.count('torn ones among these')
}

async function qlogReading(directory: string): Promise<Reading> {
  try {
    return await readingOf(directory)
  } catch (error) {
    if (error instanceof QlogError && error.code === 'QLOG_NOT_A_LOG')
      return readingAs(NO_LOG, 0, [], [])
    throw error
  }
}

async function readingOf(directory: string): Promise<Reading> {
  const { verdict, findings, nextId } = await verify(directory)
  const messages: string[] = []
  const reader = await openReader(directory)
  try {
    for await (const batch of reader.readBatches({ onGap: () => undefined })) {
      for (const { id, body } of batch) messages.push(`${id} ${sha256(body)}`)
    }
  } finally {
    await reader.close()
  }
  return readingAs(EXIT_CODES[verdict], nextId, findings, messages)
}

async function secondReading(directory: string): Promise<Reading> {
  const { code, output } = await runSecond(directory)
  const messages: string[] = []
  const findings: Found[] = []
  let nextId = 0
  for (const text of output.split('\n')) {
    if (text === '') continue
    const line = JSON.parse(text)
    if (line.nextId !== undefined) nextId = line.nextId
    if (line.sha256 !== undefined) messages.push(`${line.id} ${line.sha256}`)
    // To qlog a segment that was made ahead is nothing to tell.
    else if (line.row !== undefined && line.row !== 'never-used') findings.push(line)
  }
  return readingAs(code, nextId, findings, messages)
}

interface Found {
  readonly row: string
  readonly file: string
  readonly firstId: number
  readonly endId: number
}

interface Reading {
  readonly code: number
  /** One line for each thing that both have to say. */
  readonly text: string
}

function readingAs(
  code: number,
  nextId: number,
  findings: readonly Found[],
  messages: readonly string[],
): Reading {
  const rows = findings.map(({ row, file, firstId, endId }) => {
    return `${row} ${file}${endId > firstId ? ` ids ${firstId} to ${endId}` : ''}`
  })
  const lines = [`exit code ${code}, next id ${nextId}`, ...rows.sort(), ...messages]
  return { code, text: lines.join('\n') }
}

function difference(ours: string, theirs: string): string {
  const [some, others] = [ours.split('\n'), theirs.split('\n')]
  const alone = (lines: readonly string[], beside: readonly string[]): string => {
    const known = new Set(beside)
    return (
      lines
        .filter((line) => !known.has(line))
        .slice(0, SHOWN_MAX)
        .join(', ') || 'no other line'
    )
  }
  return `qlog alone says: ${alone(some, others)}; it alone: ${alone(others, some)}`
}

function runSecond(directory: string): Promise<{ code: number; output: string }> {
  const options = { maxBuffer: OUTPUT_BYTES_MAX, timeout: TIMEOUT_MS, encoding: 'utf8' } as const
  return new Promise((resolve, reject) => {
    const child = execFile('python3', [PROGRAM, directory], options, (error, stdout, stderr) => {
      if (child.exitCode === null || stderr !== '') {
        reject(new Error(`the second reader failed: ${stderr}`, { cause: error }))
      } else resolve({ code: child.exitCode, output: stdout })
    })
  })
}

function sha256(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex')
}
