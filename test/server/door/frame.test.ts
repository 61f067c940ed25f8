/** Frames: what one end encodes the other reads, however the bytes fall; what is no frame is refused. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BadFrameError, encodeFrame, FrameReader } from '../../../src/server/door/frame.ts'
import { HEADER_BYTES_MAX, TAIL_BYTES_MAX } from '../../../src/server/door/limits.ts'
import { connectionPair } from './memory.ts'

function readerOf(bytes: Uint8Array, pieceBytes: number): FrameReader {
  const { caller, owner } = connectionPair()
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    owner.arrive(bytes.slice(at, at + pieceBytes))
  }
  caller.close()
  return new FrameReader(owner)
}

function prefix(headerBytes: number, tailBytes: number): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, headerBytes, true)
  view.setUint32(4, tailBytes, true)
  return bytes
}

test('frames come back as they were, in pieces of any size', async () => {
  const frames = fc.array(
    fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.uint8Array({ maxLength: 300 })),
    { minLength: 1, maxLength: 5 },
  )
  await fc.assert(
    fc.asyncProperty(frames, fc.integer({ min: 1, max: 50 }), async (sent, pieceBytes) => {
      const bytes = Buffer.concat(sent.map(([header, tail]) => encodeFrame(header, tail)))
      const reader = readerOf(bytes, pieceBytes)
      for (const [header, tail] of sent) {
        const frame = await reader.next()
        expect(frame?.header).toEqual(JSON.parse(JSON.stringify(header)))
        expect(Buffer.from(frame?.tail ?? []).equals(tail)).toBe(true)
      }
      expect(await reader.next()).toBeUndefined()
    }),
    { numRuns: 60 },
  )
})

test('a half frame is the end, wherever it was cut', async () => {
  const bytes = encodeFrame({ verb: 'queues' }, Uint8Array.of(1, 2, 3))
  for (let cut = 0; cut < bytes.length; cut += 1) {
    expect(await readerOf(bytes.subarray(0, cut), 7).next(), `cut at ${cut}`).toBeUndefined()
  }
})

test.each([
  ['an empty header', prefix(0, 0)],
  ['a header over the limit', prefix(HEADER_BYTES_MAX + 1, 0)],
  ['a tail over the limit', prefix(2, TAIL_BYTES_MAX + 1)],
  ['a request of HTTP', Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')],
  ['no JSON', Buffer.concat([prefix(8, 0).subarray(0, 8), Buffer.from('not json')])],
  ['no UTF-8', Buffer.concat([prefix(2, 0).subarray(0, 8), Buffer.of(0xff, 0xfe)])],
  ['no object', Buffer.concat([prefix(4, 0).subarray(0, 8), Buffer.from('null')])],
  ['an array', Buffer.concat([prefix(2, 0).subarray(0, 8), Buffer.from('[]')])],
])('%s is no frame', async (_what, bytes) => {
  await expect(readerOf(bytes, 1_000).next()).rejects.toThrow(BadFrameError)
})

test('what is over the limits is not sent', () => {
  const header = { text: 'x'.repeat(HEADER_BYTES_MAX) }
  expect(() => encodeFrame(header)).toThrow(expect.objectContaining({ code: 'QLOG_TOO_LARGE' }))
})
