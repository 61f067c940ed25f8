/** The file of tokens that a server is given. */
import { expect, test } from 'vitest'
import { tokensOf } from '../../../src/cli/serve/token-file.ts'
import { UsageError } from '../../../src/cli/usage-error.ts'

test.each([
  ['a line each', 'first-token\nsecond-token\n'],
  ['without a last line end', 'first-token\nsecond-token'],
  ['lines of another system', '\ufefffirst-token\r\nsecond-token\r\n'],
  ['spaces, empty lines and remarks', '# shop\n\n  first-token\t\n \n#old-token\nsecond-token \n'],
])('%s', (_, text) => {
  expect(tokensOf(text, 'tokens')).toEqual(['first-token', 'second-token'])
})

test.each([
  ['nothing', '', 'tokens holds no token'],
  ['a mark alone', '\ufeff', 'tokens holds no token'],
  ['empty lines', ' \r\n\n', 'tokens holds no token'],
  ['remarks alone', '#first-token\n', 'tokens holds no token'],
  ['a short one', '# shop\nfirst-token\nshort\n', 'line 3 of tokens is no token'],
  ['two in a line', 'first-token second-token\n', 'line 1 of tokens is no token'],
  ['wide characters', 'f\0i\0r\0s\0t\0-\0t\0', 'line 1 of tokens is no token'],
  ['too many', 'first-token\n'.repeat(1_001), 'tokens holds no token, or too many'],
  ['too much', 'x'.repeat(300_000), 'tokens is no file of tokens'],
])('%s is refused, and the token not told', (_, text, message) => {
  const read = (): unknown => tokensOf(text, 'tokens')
  expect(read).toThrow(UsageError)
  expect(read).toThrow(message)
  expect(read).not.toThrow(/first-token|short/)
})
