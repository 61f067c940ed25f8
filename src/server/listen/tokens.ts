/** Tokens that peers show: compared without telling by time how much of one was right. Pure. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { QlogTypeError } from '../../errors.ts'

/** Shorter ones are found by trying. */
const TOKEN_BYTES_MIN = 8
const TOKEN_BYTES_MAX = 180
const TOKENS_MAX = 1_000

/** True where the bytes are a token that is known. */
export type TokenCheck = (token: Uint8Array) => boolean

/**
 * Several tokens are good at once, so that they can be changed without a moment in which none is. Throws
 * QlogTypeError (QLOG_INVALID_ARGUMENT) where one has control characters or spaces, or a wrong length.
 */
export function tokenCheck(tokens: readonly string[]): TokenCheck {
  if (tokens.length === 0 || tokens.length > TOKENS_MAX) {
    throw new QlogTypeError(`there must be 1 to ${TOKENS_MAX} tokens, not ${tokens.length}`)
  }
  for (const [row, token] of tokens.entries()) {
    const isGood = /^[\x21-\x7e]+$/.test(token)
    if (isGood && token.length >= TOKEN_BYTES_MIN && token.length <= TOKEN_BYTES_MAX) continue
    throw new QlogTypeError(
      `token ${row + 1} must be ${TOKEN_BYTES_MIN} to ${TOKEN_BYTES_MAX} printable characters of ASCII without spaces`,
    )
  }
  const digests = tokens.map((token) => digest(Buffer.from(token, 'latin1')))
  return (token) => {
    const given = digest(token)
    let isKnown = false
    for (const known of digests) if (timingSafeEqual(known, given)) isKnown = true
    return isKnown
  }
}

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
