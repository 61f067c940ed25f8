import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/errors.ts'
import { errorsPage, renderErrorsPage } from '../../tools/errors-doc.ts'

const root = join(import.meta.dirname, '..', '..')

test('docs/errors.md equals what `npm run docs:errors` writes', () => {
  expect(readFileSync(join(root, errorsPage), 'utf8')).toBe(renderErrorsPage())
})

test('the page has one heading for each code, in the order of the table', () => {
  const headings = [...renderErrorsPage().matchAll(/^## (.*)$/gm)].map((match) => match[1])
  expect(headings).toEqual(Object.keys(ERROR_CODES))
})
