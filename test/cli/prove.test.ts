/** `qlog prove` as a user runs it, only shorter: real processes, real kills, a real disk. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Log, Message, ReadOptions } from '../../src/index.ts'
import { openLog, openReader } from '../../src/index.ts'
import { runInProcess } from './in-process.ts'
import { endOfBuilt, freshDirectory, jsonLines, runBuilt, startBuilt } from './support.ts'

const SHORT = ['--seconds', '1', '--kills', '3', '--messages', '20000', '--json', '--seed', '11']

describe('prove', () => {
  it('kills, reopens and finds every acknowledged message (invariants 1 and 2)', async () => {
    const directory = join(freshDirectory(), 'made', 'log')
    const { exitCode, stdout, stderr } = await runBuilt(['prove', directory, ...SHORT])
    expect(stderr).toContain('seed 11')
    expect(exitCode, stderr + stdout.toString()).toBe(0)
    const [result] = jsonLines(stdout)
    expect(result).toMatchObject({
      verdict: 'ok',
      seed: 11,
      kills: 3,
      lost: 0,
      wrong: 0,
      faults: [],
    })
    const { messages, acknowledged, unacknowledged } = result as Record<string, number>
    expect(messages).toBeGreaterThanOrEqual(20_000)
    expect(messages).toBe((acknowledged ?? 0) + (unacknowledged ?? 0))
    expect(unacknowledged).toBeLessThanOrEqual(3 * 2_000)
    expect(existsSync(join(directory, '..'))).toBe(false)
  })

  it('--keep leaves a log that can be read, of the given source', async () => {
    const root = freshDirectory()
    const directory = join(root, 'log')
    const source = join(root, 'source.txt')
    writeFileSync(source, 'one\ntwo\n')
    const words = ['prove', directory, '--keep', '--source', source, '--kills', '1']
    const proof = await runBuilt([...words, '--seconds', '1', '--messages', '100'])
    expect(proof.exitCode, proof.stderr).toBe(0)
    expect(proof.stdout.toString()).toContain('PROVEN:')
    const { stdout } = await runBuilt(['read', directory, '--count', '2'])
    expect(stdout.toString().split('\n').sort().join()).toBe(',one,two')
  })

  it('leaves a directory that was there, empty', async () => {
    const directory = freshDirectory()
    const words = ['--seconds', '1', '--kills', '1', '--messages', '100']
    const { exitCode, stderr } = await runBuilt(['prove', directory, ...words])
    expect(exitCode, stderr).toBe(0)
    expect(readdirSync(directory)).toEqual([])
  })

  it('refuses a directory that is not empty, and touches nothing', async () => {
    const directory = freshDirectory()
    mkdirSync(join(directory, 'precious'))
    const { exitCode, stderr } = await runBuilt(['prove', directory])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('is not empty: it holds precious')
    expect(readdirSync(directory)).toEqual(['precious'])
  })

  it('Ctrl-C cleans up and leaves no process', async () => {
    const directory = join(freshDirectory(), 'log')
    const child = startBuilt(['prove', directory, '--seconds', '60'])
    const ended = endOfBuilt(child)
    // A producer is at work once its log has files.
    while (!existsSync(directory) || readdirSync(directory).length === 0) {
      if (child.exitCode !== null) throw new Error('prove ended early')
      await new Promise((resolve) => setImmediate(resolve))
    }
    child.kill('SIGINT')
    // "close" also waits for the pipes, which a surviving producer would hold open.
    const { exitCode, stderr } = await ended
    expect(exitCode, stderr).toBe(130)
    expect(existsSync(directory)).toBe(false)
  })
})

/** A log that changes what is read, as a faulty engine would. */
async function faultyLog(
  directory: string,
  change: (messages: readonly Message[]) => readonly Message[],
): Promise<Log> {
  const log = await openLog(directory)
  const readBatches = async function* (
    options: ReadOptions,
  ): AsyncGenerator<readonly Message[], undefined> {
    for await (const batch of log.readBatches(options)) yield change(batch)
  }
  return new Proxy(log, {
    get(target, name) {
      if (name === 'readBatches') return readBatches
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

describe('prove of an engine that is broken', () => {
  const short = ['--seconds', '1', '--kills', '1', '--messages', '1000', '--json']

  it.each([
    ['loses a message', (id: number) => id === 300, 'id 300 is missing', { lost: 1, wrong: 0 }],
    ['loses the end', (id: number) => id >= 100, 'are missing', { wrong: 0 }],
  ])('that %s exits with 3 and keeps the log', async (_name, drops, fault, expected) => {
    const directory = join(freshDirectory(), 'log')
    const broken = (path: string): Promise<Log> =>
      faultyLog(path, (messages) => messages.filter(({ id }) => !drops(id)))
    const functions = { openLog: broken, openReader }
    const { exitCode, stdout, stderr } = await runInProcess(['prove', directory, ...short], {
      functions,
    })
    expect(exitCode).toBe(3)
    const [result] = jsonLines(stdout)
    expect(result).toMatchObject({ verdict: 'failed', ...expected })
    expect(JSON.stringify(result)).toContain(fault)
    expect(stderr).toContain('the log was left in')
    expect(readdirSync(directory).length).toBeGreaterThan(0)
  })

  it('that changes one byte exits with 3', async () => {
    const directory = join(freshDirectory(), 'log')
    const flip = (message: Message): Message => {
      const body = Uint8Array.from(message.body)
      body[0] = (body[0] ?? 0) ^ 4
      return { ...message, body: body.length === 0 ? Uint8Array.of(0) : body }
    }
    const broken = (path: string): Promise<Log> =>
      faultyLog(path, (messages) => messages.map((m) => (m.id === 77 ? flip(m) : m)))
    const { exitCode, stdout } = await runInProcess(['prove', directory, ...short], {
      functions: { openLog: broken, openReader },
    })
    expect(exitCode).toBe(3)
    expect(jsonLines(stdout)[0]).toMatchObject({ verdict: 'failed', lost: 0, wrong: 1 })
  })

  it('that shows more than was in flight fails', async () => {
    const root = freshDirectory()
    const source = join(root, 'source.txt')
    writeFileSync(source, 'the only line\n')
    // What is invented has the right bytes, so only its number tells that it was never in flight.
    const inventing = async (path: string): Promise<Log> => {
      const log = await openLog(path)
      await log.appendMany(Array.from({ length: 2_001 }, () => 'the only line'))
      return log
    }
    const words = ['prove', join(root, 'log'), ...short, '--source', source]
    const { exitCode, stdout } = await runInProcess(words, {
      functions: { openLog: inventing, openReader },
    })
    expect(exitCode).toBe(1)
    expect(jsonLines(stdout)[0]).toMatchObject({ verdict: 'failed', lost: 0, wrong: 0 })
    expect(JSON.stringify(jsonLines(stdout)[0])).toContain('were never acknowledged, but at most')
  })
})
