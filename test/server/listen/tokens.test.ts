/** Tokens that peers show. */
import { describe, expect, test } from 'vitest'
import { tokenCheck } from '../../../src/server/listen/tokens.ts'

describe('tokens', () => {
  test('each of them is good, and nothing else', () => {
    const isToken = tokenCheck(['first-token', 'second-token'])
    const answers = ['first-token', 'second-token', 'first-toke', 'first-token ', ''].map((text) =>
      isToken(Buffer.from(text)),
    )
    expect(answers).toEqual([true, true, false, false, false])
  })

  test.each([[[]], [['short']], [['with a space']], [['x'.repeat(181)]], [['ümlaut-token']]])(
    '%j are refused',
    (tokens) => {
      expect(() => tokenCheck(tokens)).toThrow(
        expect.objectContaining({ code: 'QLOG_INVALID_ARGUMENT' }),
      )
    },
  )
})
