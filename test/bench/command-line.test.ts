/** Command lines of benchmarks: what makes no sense is said in words, and nothing is measured. */
import { expect, test } from 'vitest'
import { isCount, readOptions } from '../../bench/command-line.ts'

const OPTIONS = { json: { type: 'boolean', default: false }, pairs: { type: 'string' } } as const

const read = (words: readonly string[], files = 0) =>
  readOptions(words, OPTIONS, (values, named) => ({ ...values, named }), files)

test('options and files come as they were asked for', () => {
  expect(read(['--pairs', '3', 'a', '--json', 'b'], 2)).toEqual({
    json: true,
    pairs: '3',
    named: ['a', 'b'],
  })
})

test.each([
  ['an option that there is not', ['--pears', '3'], 0, /--pears/],
  ['an option without its value', ['--pairs'], 0, /--pairs/],
  ['a file where none is asked for', ['a'], 0, /what is a\?/],
  ['one file too many', ['a', 'b'], 1, /what is b\?/],
  ['no file', [], 1, /which file\?/],
  ['one file of two', ['a'], 2, /which 2 files\?/],
])('%s is refused in words', (_what, words, files, problem) => {
  expect(read(words, files)).toMatch(problem)
})

test('what `read` refuses is what is said', () => {
  expect(readOptions([], OPTIONS, () => 'no case begins with that')).toBe(
    'no case begins with that',
  )
})

test.each([1, 2, 1e6])('%d is a count', (value) => {
  expect(isCount(value)).toBe(true)
})

test.each([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('%d is none', (value) => {
  expect(isCount(value)).toBe(false)
})
