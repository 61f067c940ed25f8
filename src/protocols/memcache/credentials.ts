/**
 * Where a token stands in what a client shows: memcached's clients send a user and a password, of which
 * the password is the token; the user may be anyone, and be left out. Pure.
 */

const SPACE = 0x20
const NUL = 0

/** Of the first `set`: `user token`, or the token alone. */
export function tokenOfText(text: Uint8Array): Uint8Array {
  return text.subarray(text.indexOf(SPACE) + 1)
}

/** Of SASL PLAIN: whom to act for, who it is, and the password, NUL between them; undefined for others. */
export function tokenOfPlain(text: Uint8Array): Uint8Array | undefined {
  const first = text.indexOf(NUL)
  const second = first < 0 ? -1 : text.indexOf(NUL, first + 1)
  return second < 0 ? undefined : text.subarray(second + 1)
}
