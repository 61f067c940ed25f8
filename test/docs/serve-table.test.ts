/** The table of README.md beside beanstalkd is what its measured figures give. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { withServeTable } from '../../bench/serve/readme-table.ts'

test('the table beside beanstalkd is made from the figures that its mark names', () => {
  const readme = readFileSync('README.md', 'utf8')
  const file = /serve-table (bench\/results\/\S+\.jsonl)/.exec(readme)?.[1]
  if (file === undefined) throw new Error('README.md names no figures')
  const made = withServeTable(readme, file, readFileSync(file, 'utf8'))
  expect(made).toBe(readme)
  expect(made).toMatch(
    /\| puts\/s, one connection, one at a time \| [\d,]+ \| [\d,]+ \| [\d.]+ x \|/,
  )
})
