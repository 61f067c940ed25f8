/**
 * The tutorial, followed to the letter in an empty project: its files are written, its commands run in a
 * shell, one after the other, and what they print is compared. A line `^C` is where the reader presses it.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { qlog, root, start } from '../real/children.ts'
import { freshDirectory } from '../real/support.ts'
import { blocksOf } from './documents.ts'

const PLAIN = {
  FORCE_COLOR: undefined,
  NO_COLOR: undefined,
  NODE_OPTIONS: '--disable-warning=QlogWarning',
}
const INTERRUPT = '^C\n'

/** A project in which the package is installed, with an `npx` that finds its command. */
function makeProject(): { readonly directory: string; readonly search: string } {
  const directory = fs.realpathSync(freshDirectory())
  const bin = path.join(directory, 'node_modules/.bin')
  fs.mkdirSync(bin, { recursive: true })
  fs.symlinkSync(root, path.join(directory, 'node_modules/qlog'))
  const npx = `#!/bin/sh\nshift\nexec "${process.execPath}" "${qlog}" "$@"\n`
  fs.writeFileSync(path.join(bin, 'npx'), npx, { mode: 0o755 })
  fs.symlinkSync(process.execPath, path.join(bin, 'node'))
  return { directory, search: `${bin}${path.delimiter}${process.env['PATH'] ?? ''}` }
}

/** Runs commands as a reader would; presses Ctrl-C once what stands in front of it was printed. */
async function follow(commands: string, expected: string): Promise<string> {
  const { directory, search } = project
  // The last command takes the place of the shell, and so gets the signal.
  const lines = commands.trimEnd().split('\n')
  const last = lines.pop() ?? ''
  const script = [`cd "${directory}"`, ...lines, `exec ${last}`].join('\n')
  const { child, ended } = start('/bin/sh', ['-c', script], { ...PLAIN, PATH: search })
  const [before = '', behind] = expected.split(INTERRUPT)
  let printed = ''
  let pressed = false
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    printed += piece
    if (behind === undefined || pressed || printed !== before) return
    pressed = true
    printed += INTERRUPT
    child.kill('SIGINT')
  })
  await ended
  return printed
}

/** What the command says of files has sizes and counts in it that are a matter of milliseconds. */
function withoutNumbers(printed: string): string {
  return printed.replace(/\d[\d.,]*/g, 'N')
}

const project = makeProject()

test('the tutorial can be followed to the letter', async () => {
  const blocks = blocksOf('docs/tutorial.md')
  let commands = 0
  for (const { language, code, output, line } of blocks) {
    const name = /^\/\/ (\S+\.mjs)\n/.exec(code)?.[1]
    if (language === 'js') {
      expect(name, `line ${line} names its file`).toBeDefined()
      fs.writeFileSync(path.join(project.directory, name ?? ''), code)
    }
    if (language !== 'sh' || code.includes('npm install')) continue
    commands += 1
    const printed = await follow(code, output ?? '')
    const plain = code.startsWith('npx') ? withoutNumbers : (text: string) => text
    expect(plain(printed), `line ${line}`).toBe(plain(output ?? ''))
  }
  expect(commands).toBe(6)
})
