/**
 * Every test that docs/guarantees.md names is there: files and folders anywhere on the page, titles in sections 8,
 * 9, 11 and 12. Each exhibit of the museum names its report where it is tested, and each test of this folder stands
 * on the page.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { patternOf, titlesInText, titlesOf } from './titles.ts'

const root = resolve(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/guarantees.md'), 'utf8')

interface Named {
  readonly file: string
  readonly title: string
}

function rowsOf(section: number): string[] {
  const begin = page.indexOf(`\n## ${section}. `)
  if (begin < 0) throw new Error(`the page has no section ${section}`)
  const end = page.indexOf('\n## ', begin + 1)
  const text = page.slice(begin, end < 0 ? undefined : end)
  return text.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
}

function testsOf(row: string): Named[] {
  const named = row.matchAll(/((?:test|src\/testing)\/[\w./-]+\.ts)`?(?:: '([^']+)')?/g)
  return [...named].map(([, file = '', title = '']) => ({ file, title }))
}

function isThere({ file, title }: Named): boolean {
  const path = join(root, file)
  return existsSync(path) && (title === '' || titlesOf(path).some((one) => one.includes(title)))
}

/** A file, a folder, or at least one name where `*` stands for a part of it. */
function isAnywhere(path: string): boolean {
  if (!path.includes('*')) return existsSync(join(root, path))
  const [before = '', behind = ''] = path.slice(path.lastIndexOf('/') + 1).split('*')
  const names = readdirSync(join(root, dirname(path)))
  return names.some((name) => name.startsWith(before) && name.endsWith(behind))
}

test('every test that is named exists, under that title', () => {
  const named = [9, 11, 12].flatMap(rowsOf).flatMap(testsOf)
  expect(named.length).toBeGreaterThan(120)
  expect(named.filter((one) => !isThere(one))).toEqual([])
})

test('every test that caught a planted fault exists', () => {
  const rows = rowsOf(8).filter((row) => row.includes('| test/'))
  expect(rows.length).toBeGreaterThan(90)
  const missing = rows.filter((row) => {
    const [, file = '', name] =
      /\| (test\/\S+\.test\.ts)(?:: (.+?))? \| (?:\d+|-) \|$/.exec(row) ?? []
    const path = join(root, file)
    if (file === '' || !existsSync(path)) return true
    return name !== undefined && !titlesOf(path).some((title) => patternOf(title)?.test(name))
  })
  expect(missing).toEqual([])
})

test('every file and folder of tests on the page exists', () => {
  const named = page.matchAll(/(?<![\w/.-])(?:test|src\/testing)\/[\w./*-]*[\w*]/g)
  const paths = [...new Set([...named].map(([path]) => path))]
  expect(paths.length).toBeGreaterThan(80)
  expect(paths.filter((path) => !isAnywhere(path))).toEqual([])
  expect(isAnywhere('test/damage/bytes-*.test.ts')).toBe(false)
})

test('a title is that of a test, and neither a comment nor another text', () => {
  const text = `
    // test('in a comment', () => {})
    const words = 'in a text'
    test('alone', () => expect(words).toBe('in a test'))
    describe.each(ROWS)('$name', () => {
      it.skipIf(isSlow)(\`\${kind}: of one kind\`, async () => {})
    })
    const CASES = [{ name: 'of a suite', run: async () => {} }, { name: 'of nothing' }]
    other('of another function', () => {})
  `
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a title.
  expect(titlesInText(text)).toEqual(['alone', '$name', '${kind}: of one kind', 'of a suite'])
  const file = 'test/museum/damage.test.ts'
  expect(isThere({ file, title: 'a torn end is cut off' })).toBe(true)
  // Stands in that file, in a comment.
  expect(isThere({ file, title: 'faults of other engines' })).toBe(false)
  expect(isThere({ file: 'test/museum/nothing.test.ts', title: '' })).toBe(false)
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a title.
  const pattern = patternOf('${how}: killed (%s) at every call')
  expect(pattern?.test("'merge' dsync: killed (twice) at every call")).toBe(true)
  expect(pattern?.test("'merge' dsync: killed (twice) at every call (4)")).toBe(true)
  expect(pattern?.test("'merge' dsync: killed (twice) at some call")).toBe(false)
  expect(patternOf('$name')).toBeUndefined()
})

test('the columns A to M are answered, each by a test', () => {
  const answers = rowsOf(11).slice(1)
  expect(answers.map((row) => row[2]).join('')).toBe('ABCDEFGHIJKLM')
  expect(answers.filter((row) => testsOf(row).length === 0)).toEqual([])
})

test('the museum tells of each report a test, or in a sentence why there is none', () => {
  const exhibits = rowsOf(12).slice(1)
  expect(exhibits.length).toBeGreaterThanOrEqual(35)
  const bare = exhibits.filter((row) => testsOf(row).length === 0 && !/\. \|$/.test(row))
  expect(bare).toEqual([])
})

test('each exhibit names a report of its row where it is tested', () => {
  const nameless = rowsOf(12)
    .slice(1)
    .filter((row) => testsOf(row).length > 0)
    .filter((row) => {
      const [, reports = ''] = row.split('|')
      const lines = testsOf(row).flatMap(({ file }) =>
        readFileSync(join(root, file), 'utf8').split('\n'),
      )
      return !lines.some((line) => tellsOf(reports, line))
    })
  expect(nameless).toEqual([])
})

/** Whether a line names one of these reports: `nats #1, #2; nsq #3` are three, `ARTEMIS-1, -2` are two. */
function tellsOf(reports: string, line: string): boolean {
  return reports.split(';').some((one) => {
    const [, project = ''] = /^\s*([a-z-]*[a-z])/i.exec(one) ?? []
    const isProject = line.toLowerCase().includes(project.toLowerCase())
    const numbers = [...one.matchAll(/[#-](\d+)/g)].map(([, number]) => number)
    return isProject && numbers.some((number) => new RegExp(`[#-]${number}(?!\\d)`).test(line))
  })
}

test('every test of this folder stands on the page', () => {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts'))
  const named = rowsOf(12).flatMap(testsOf)
  for (const file of files.filter((name) => name !== 'page.test.ts')) {
    const path = join(import.meta.dirname, file)
    const titles = titlesInText(readFileSync(path, 'utf8'))
    expect(titles.length).toBeGreaterThan(1)
    for (const title of titles) {
      const isNamed = named.some((one) => one.file.endsWith(file) && title.includes(one.title))
      expect([title, isNamed]).toEqual([title, true])
    }
  }
})
