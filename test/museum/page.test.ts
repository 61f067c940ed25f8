/** Every test that sections 11 and 12 of docs/guarantees.md name is there, and so is every test of the museum. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

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
  const named = row.matchAll(/((?:test|src\/testing)\/\S+\.ts)(?:: '([^']+)')?/g)
  return [...named].map(([, file = '', title = '']) => ({ file, title }))
}

test('every test that is named exists, under that title', () => {
  const named = [...rowsOf(11), ...rowsOf(12)].flatMap(testsOf)
  expect(named.length).toBeGreaterThan(60)
  const missing = named.filter(
    ({ file, title }) => !readFileSync(join(root, file), 'utf8').includes(title),
  )
  expect(missing).toEqual([])
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

test('every test of this folder stands on the page', () => {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts'))
  const named = rowsOf(12).flatMap(testsOf)
  for (const file of files.filter((name) => name !== 'page.test.ts')) {
    const text = readFileSync(join(import.meta.dirname, file), 'utf8')
    const titles = [...text.matchAll(/^(?:test\(| {2})'([^']*#\d[^']*|WFLY[^']*)'/gm)]
    expect(titles.length).toBeGreaterThan(10)
    for (const [, title = ''] of titles) {
      const isNamed = named.some((one) => one.file.endsWith(file) && title.includes(one.title))
      expect([title, isNamed]).toEqual([title, true])
    }
  }
})
