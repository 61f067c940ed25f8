/** What the command says about itself. */
import { describe, expect, it } from 'vitest'
import { Output } from '../../src/cli/output.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { MemoryStream, runInProcess } from './in-process.ts'

function commandNames(): string[] {
  const output = new Output(new MemoryStream(), new MemoryStream(), {})
  const unused = (): never => {
    throw new Error('help opens no log')
  }
  const program = buildProgram({
    openLog: unused,
    openReader: unused,
    openStore: unused,
    input: process.stdin,
    output,
    selfCommand: [],
    interruption: unused,
    exitCode: 0,
  })
  return program.commands
    .map((command) => command.name())
    .filter((name) => name !== 'prove-producer')
}

describe('help', () => {
  it.each(['qlog', ...commandNames()])(
    'begins with examples and fits 80 columns: %s',
    async (name) => {
      const words = name === 'qlog' ? ['--help'] : [name, '--help']
      const { exitCode, stdout, stderr } = await runInProcess(words)
      expect(exitCode).toBe(0)
      expect(stderr).toBe('')
      const lines = stdout.toString().split('\n')
      expect(lines[0]).toBe('Examples:')
      expect(lines[1]).toMatch(/^ {2}\$ .*qlog/)
      expect(lines.filter((line) => line.length > 80)).toEqual([])
    },
  )

  it.each(['append', 'read', 'top', 'stats', 'segments', 'prove', 'doctor', 'bench'])(
    '%s is as reviewed',
    async (name) => {
      const { stdout } = await runInProcess([name, '--help'])
      expect(stdout.toString()).toMatchSnapshot()
    },
  )

  it('does not show the process that prove kills', async () => {
    const { stdout } = await runInProcess(['--help'])
    expect(stdout.toString()).toContain('prove ')
    expect(stdout.toString()).not.toContain('prove-producer')
  })

  it('prints the version on stdout', async () => {
    const { exitCode, stdout } = await runInProcess(['--version'])
    expect(exitCode).toBe(0)
    expect(stdout.toString()).toMatch(/^\d+\.\d+\.\d+/)
  })
})
