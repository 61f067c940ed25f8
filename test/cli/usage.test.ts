/** Bad input: exit code 2, words that help, and nothing done. */
import { describe, expect, it } from 'vitest'
import { QlogError, QlogTypeError } from '../../src/errors.ts'
import { FakeLog } from './fake-log.ts'
import { runInProcess } from './in-process.ts'

describe('usage errors exit with 2', () => {
  it.each([
    [['raed', 'x'], /Did you mean read\?/],
    [['read', 'x', '--jsn'], /Did you mean --json\?/],
    [['read'], /missing required argument 'DIR'/],
    [[], /Usage: qlog/],
    [['read', 'x', '--count', '0'], /whole number from 1/],
    [['read', 'x', '--from', '-1'], /whole number from 1/],
    [['append', 'x', '--batch', 'many'], /whole number from 1 to 100000/],
    [['append', 'x', '--sync', 'interval'], /interval:50/],
    [['append', 'x', '--sync', 'interval:0'], /interval:50/],
    [['prove', 'x', '--seconds', '1.5'], /whole number/],
    [['append', 'x', '--input', '/nonexistent/input'], /cannot read the input/],
    [['prove', '/'], /not empty|cannot make/],
    [['doctor', '/nonexistent/directory'], /does not exist/],
  ])('%j', async (words, expected) => {
    const log = new FakeLog()
    const { exitCode, stdout, stderr } = await runInProcess(words, { log })
    expect(stderr).toMatch(expected)
    expect(exitCode).toBe(2)
    expect(stdout.length).toBe(0)
    expect(log.openedWith).toBeUndefined()
  })

  it('says which help has examples', async () => {
    const { stderr } = await runInProcess(['read', 'x', '--jsn'])
    expect(stderr).toContain('Run `qlog read --help` for examples.')
  })
})

describe('errors of the log become words and an exit code', () => {
  it.each([
    [new QlogError('QLOG_LOCKED', 'process 12 owns it'), 5],
    [new QlogError('QLOG_LOCK_UNCLEAR', 'unclear'), 5],
    [new QlogError('QLOG_NOT_A_LOG', 'other files'), 6],
    [new QlogError('QLOG_NEWER_FORMAT', 'format 9'), 6],
    [new QlogError('QLOG_DAMAGED', 'rot'), 3],
    [new QlogTypeError('sync must be'), 2],
    [new QlogError('QLOG_IO', 'EACCES'), 1],
    [new Error('surprise'), 1],
  ])('%s', async (openError, expected) => {
    const log = new FakeLog()
    log.openError = openError
    const { exitCode, stderr } = await runInProcess(['append', 'x'], { log, input: ['a\n'] })
    expect(exitCode).toBe(expected)
    const [what, remedy, ...rest] = stderr.split('\n')
    expect(what).toContain(openError.message)
    if ('code' in openError) expect(what).toContain(openError.code)
    expect(remedy).toMatch(/^ {2}\S/)
    expect(rest).toEqual([''])
  })

  it('a message cannot move the cursor of the terminal', async () => {
    const log = new FakeLog()
    log.openError = new QlogError('QLOG_NOT_A_LOG', 'a file named \u001b[2J\nx')
    const { stderr } = await runInProcess(['stats', 'x'], { log })
    expect(stderr).toContain('\\x1b[2J x')
    expect(stderr).not.toContain('\u001b')
  })
})

describe('colour', () => {
  async function coloured(words: string[], environment: NodeJS.ProcessEnv): Promise<boolean> {
    const log = new FakeLog()
    log.openError = new QlogError('QLOG_LOCKED', 'locked')
    const result = await runInProcess(words, { log, environment, terminal: true })
    expect(result.exitCode).toBe(5)
    return result.stderr.includes('\u001b[3')
  }

  it('is there on a terminal only, and can be refused', async () => {
    expect(await coloured(['stats', 'x'], {})).toBe(true)
    expect(await coloured(['stats', 'x'], { NO_COLOR: '1' })).toBe(false)
    expect(await coloured(['stats', 'x'], { TERM: 'dumb' })).toBe(false)
    expect(await coloured(['stats', 'x', '--no-color'], {})).toBe(false)
    expect(await coloured(['--no-color', 'stats', 'x'], {})).toBe(false)
  })
})
