/**
 * The programs in docs/examples/: each is run as it stands, in a directory of its own, prints what the index
 * says that it prints, and leaves nothing behind.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { root, run } from '../real/children.ts'
import { freshDirectory } from '../real/support.ts'

const folder = path.join(root, 'docs/examples')
const index = fs.readFileSync(path.join(folder, 'README.md'), 'utf8')
const names = fs.readdirSync(folder).filter((name) => name.endsWith('.mjs'))

/** What belongs to one example, up to the next heading. */
function sectionOf(name: string): string {
  const heading = `## [${name}](${name})\n`
  const at = index.indexOf(heading)
  expect(at, `the index has no heading "${heading.trim()}"`).toBeGreaterThan(0)
  return index.slice(at + heading.length).split('\n## ')[0] ?? ''
}

async function runExample(name: string, ...args: string[]): Promise<string> {
  const directory = freshDirectory()
  const temporary = path.join(directory, 'tmp')
  fs.mkdirSync(temporary)
  const { code, stdout, stderr } = await run(
    process.execPath,
    [path.join(folder, name), ...args.map((arg) => path.join(directory, arg))],
    {
      cwd: directory,
      env: {
        FORCE_COLOR: undefined,
        NO_COLOR: undefined,
        NODE_OPTIONS: '--disable-warning=QlogWarning',
        TMPDIR: temporary,
      },
    },
  )
  expect(stderr).toBe('')
  expect(code).toBe(0)
  expect(fs.readdirSync(temporary), 'what is left').toEqual([])
  expect(fs.readdirSync(directory), 'what is left').toEqual(['tmp'])
  return stdout
}

test('examples are numbered without a hole, short, and say first what they show', () => {
  names.forEach((name, i) => {
    expect(name).toMatch(new RegExp(`^${String(i + 1).padStart(2, '0')}-[a-z-]+\\.mjs$`))
    const program = fs.readFileSync(path.join(folder, name), 'utf8')
    expect(program.startsWith('/**\n * '), name).toBe(true)
    expect(program.split('\n').length, name).toBeLessThan(200)
  })
  const shown = [...index.matchAll(/^## \[(.*?)\]/gm)].map((match) => match[1])
  expect(shown).toEqual(names)
})

test.each(names.filter((name) => name !== '01-store.mjs'))('%s', async (name) => {
  const told = /\n```text\n(.*?)```/s.exec(sectionOf(name))?.[1]
  expect(await runExample(name)).toBe(told)
})

test('01-store.mjs', async () => {
  // What fails may come back before or behind its neighbours: that is a matter of milliseconds.
  const printed = await runExample('01-store.mjs', 'tmp')
  expect(printed).toContain('Closed and opened again')
  expect(printed.split('\n').length).toBeLessThan(40)
})
