/** The built command as a shell runs it: real logs, pipes that close, signals. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { endOfBuilt, freshDirectory, jsonLines, runBuilt, startBuilt } from './support.ts'

const COMPILED_FILE = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

describe('append | read', () => {
  it('gives back a real file byte for byte', async () => {
    const log = join(freshDirectory(), 'log')
    const file = fileURLToPath(new URL('../../package-lock.json', import.meta.url))
    const appended = await runBuilt(['append', log, '--input', file])
    expect(appended.exitCode, appended.stderr).toBe(0)
    const { exitCode, stdout } = await runBuilt(['read', log])
    expect(exitCode).toBe(0)
    expect(stdout.equals(readFileSync(file))).toBe(true)
  })

  it('gives back binary and empty messages', async () => {
    const log = join(freshDirectory(), 'log')
    // Every byte but the delimiter, empty messages, a long one, no newline at the end.
    const parts = [
      Buffer.from(Array.from({ length: 255 }, (_, index) => index + 1)),
      Buffer.alloc(0),
      Buffer.alloc(0),
      Buffer.alloc(100_000, 0xfe),
      Buffer.from('\r\n'),
    ]
    const input = Buffer.concat(parts.flatMap((part) => [part, Buffer.of(0)])).subarray(0, -1)
    const appended = await runBuilt(['append', log, '--null', '--ids'], input)
    expect(appended.stdout.toString()).toBe('1\n2\n3\n4\n5\n')
    const { stdout } = await runBuilt(['read', log, '--null'])
    expect(stdout.equals(Buffer.concat([input, Buffer.of(0)]))).toBe(true)
    const json = jsonLines((await runBuilt(['read', log, '--json'])).stdout)
    expect(json[1]).toMatchObject({ id: 2, body: '' })
    expect(json[3]).toMatchObject({
      id: 4,
      bodyBase64: Buffer.alloc(100_000, 0xfe).toString('base64'),
    })
  })

  it('--batch and --sync write the same messages', async () => {
    const log = join(freshDirectory(), 'log')
    const lines = Array.from({ length: 1_000 }, (_, index) => `message ${index}\n`).join('')
    for (const options of [
      ['--batch', '64'],
      ['--sync', 'interval:5'],
      ['--sync', 'never'],
    ]) {
      const { exitCode, stderr } = await runBuilt(['append', log, ...options], lines)
      expect(exitCode, stderr).toBe(0)
    }
    const { stdout } = await runBuilt(['read', log])
    expect(stdout.toString()).toBe(lines.repeat(3))
  })

  it('reading and counting leave every byte of the directory as it was', async () => {
    const log = join(freshDirectory(), 'log')
    await runBuilt(['append', log], 'a\nb\n')
    const before = hashOf(log)
    for (const words of [
      ['read', log],
      ['stats', log],
      ['stats', log, '--json'],
    ]) {
      expect((await runBuilt(words)).exitCode).toBe(0)
    }
    expect(hashOf(log)).toBe(before)
  })

  it.each(['read', 'stats'])('%s of something that is no log exits with 6', async (command) => {
    const directory = freshDirectory()
    writeFileSync(join(directory, 'notes.txt'), 'mine')
    const { exitCode, stderr } = await runBuilt([command, directory])
    expect(stderr).toContain('QLOG_NOT_A_LOG')
    expect(exitCode).toBe(6)
  })

  it('a second writer exits with 5', async () => {
    const log = join(freshDirectory(), 'log')
    const first = startBuilt(['append', log, '--ids'])
    const ended = endOfBuilt(first)
    first.stdin?.write('a\n')
    await new Promise((resolve) => first.stdout?.once('data', resolve))
    const second = await runBuilt(['append', log], 'b\n')
    expect(second.stderr).toContain('QLOG_LOCKED')
    expect(second.exitCode).toBe(5)
    first.stdin?.end()
    expect((await ended).exitCode).toBe(0)
  })
})

describe('a reader that goes away', () => {
  it('ends read quietly', async () => {
    const log = join(freshDirectory(), 'log')
    await runBuilt(['append', log], `${'x'.repeat(1_000)}\n`.repeat(5_000))
    const child = startBuilt(['read', log])
    child.stdout?.once('data', () => child.stdout?.destroy())
    const { exitCode, signal, stderr } = await endOfBuilt(child)
    expect({ exitCode, signal, stderr }).toEqual({ exitCode: 0, signal: null, stderr: '' })
  })

  it('ends append --ids with a log that opens again', async () => {
    const log = join(freshDirectory(), 'log')
    const child = startBuilt(['append', log, '--ids', '--quiet'])
    const ended = endOfBuilt(child)
    child.stdin?.on('error', () => {})
    child.stdin?.write('a\n')
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    child.stdout?.destroy()
    // It notices with the id that it cannot print, and takes no more input.
    const feeding = setInterval(() => child.stdin?.write('b\n'), 1)
    const { exitCode, signal, stderr } = await ended
    clearInterval(feeding)
    expect({ exitCode, signal, stderr }).toEqual({ exitCode: 0, signal: null, stderr: '' })
    const read = await runBuilt(['read', log, '--count', '1'])
    expect(read.stdout.toString()).toBe('a\n')
  })
})

describe('signals', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('%s: append finishes what it took', async (signal) => {
    const log = join(freshDirectory(), 'log')
    const child = startBuilt(['append', log, '--ids'])
    const ended = endOfBuilt(child)
    child.stdin?.write('a\nb\nunfinish')
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    child.kill(signal)
    const { exitCode, stdout, stderr } = await ended
    expect(exitCode, stderr).toBe(130)
    expect(stdout.toString()).toBe('1\n2\n')
    expect(stderr).toMatch(/^appended 2 messages/)
    expect((await runBuilt(['read', log])).stdout.toString()).toBe('a\nb\n')
  })

  it('SIGINT: read --follow prints what came meanwhile and exits with 130', async () => {
    const log = join(freshDirectory(), 'log')
    await runBuilt(['append', log], 'a\n')
    const child = startBuilt(['read', log, '--follow'])
    const ended = endOfBuilt(child)
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    const second = new Promise((resolve) => child.stdout?.once('data', resolve))
    await runBuilt(['append', log], 'b\n')
    await second
    child.kill('SIGINT')
    const { exitCode, stdout, stderr } = await ended
    expect(exitCode, stderr).toBe(130)
    expect(stdout.toString()).toBe('a\nb\n')
  })
})

it('the built command begins with the line that a shell needs', () => {
  expect(readFileSync(COMPILED_FILE, 'utf8').split('\n')[0]).toBe('#!/usr/bin/env node')
})

function hashOf(directory: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(directory).sort()) {
    hash.update(name)
    // Sockets have no bytes.
    if (!name.endsWith('.sock')) hash.update(readFileSync(join(directory, name)))
  }
  return hash.digest('hex')
}
