/** A body in the form that a client wants it in. Pure. */

/** The same bytes, not a copy. */
export function bufferOf(body: Uint8Array): Buffer {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}

/** For what keeps JSON. */
export function base64Of(body: Uint8Array): string {
  return bufferOf(body).toString('base64')
}
