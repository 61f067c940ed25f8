/** Runs the built program for tests, as a process of its own. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { BUILT } from './in-process.ts'

/** Starts the built program as a process of its own. */
export function startBuilt(words: readonly string[]): ChildProcess {
  if (!existsSync(BUILT)) throw new Error('dist/ is missing: run `npm run build` first')
  const child = spawn(process.execPath, [BUILT, ...words], { stdio: ['pipe', 'pipe', 'pipe'] })
  // Nothing outlives its test, not even one that timed out.
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

export interface BuiltResult {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** Collects what a child says until it is gone. */
export async function endOfBuilt(child: ChildProcess): Promise<BuiltResult> {
  const stdout: Uint8Array[] = []
  const stderr: Uint8Array[] = []
  child.stdout?.on('data', (chunk: Uint8Array) => stdout.push(chunk))
  child.stderr?.on('data', (chunk: Uint8Array) => stderr.push(chunk))
  await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return {
    exitCode: child.exitCode,
    signal: child.signalCode,
    stdout: Buffer.concat(stdout),
    stderr: Buffer.concat(stderr).toString(),
  }
}

export async function runBuilt(
  words: readonly string[],
  input: Uint8Array | string = '',
): Promise<BuiltResult> {
  const child = startBuilt(words)
  // A program that refuses its arguments does not read its input.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  return await endOfBuilt(child)
}

/** A directory on the disk, removed after the test that asked for it. */
export function freshDirectory(parent = tmpdir()): string {
  const directory = mkdtempSync(join(parent, 'qlog-cli-test-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export function jsonLines(bytes: Uint8Array): unknown[] {
  const lines = Buffer.from(bytes).toString().split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as unknown)
}
