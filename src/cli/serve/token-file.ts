/**
 * The tokens of a file: one a line, spaces around it and empty lines aside; a line that begins with `#` is
 * for people. A file without any is refused: whoever names one wants tokens to be asked for. Pure.
 */
import { QlogTypeError } from '../../errors.ts'
import { tokenCheck } from '../../server/index.ts'
import { UsageError } from '../usage-error.ts'

const FILE_CHARACTERS_MAX = 256 * 1024
const REMEDY =
  'It holds one token a line, of 8 to 180 printable characters of ASCII without spaces, and at least one.'

/** Throws {@link UsageError}, which names the file and the line, and never a token. */
export function tokensOf(text: string, file: string): readonly string[] {
  if (text.length > FILE_CHARACTERS_MAX) {
    throw new UsageError(`${file} is no file of tokens`, REMEDY)
  }
  const tokens: string[] = []
  // Editors of some systems put a mark in front, and end lines with two characters: both are trimmed.
  for (const [row, line] of text.split('\n').entries()) {
    const token = line.trim()
    if (token === '' || token.startsWith('#')) continue
    check([token], `line ${row + 1} of ${file} is no token`)
    tokens.push(token)
  }
  check(tokens, `${file} holds no token, or too many`)
  return tokens
}

function check(tokens: readonly string[], message: string): void {
  try {
    tokenCheck(tokens)
  } catch (error) {
    if (!(error instanceof QlogTypeError)) throw error
    throw new UsageError(message, REMEDY)
  }
}
