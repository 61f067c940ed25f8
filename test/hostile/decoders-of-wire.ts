/** The decoders of what comes over a connection or out of another program's files, in one piece. */

import { readBinlogFile } from '../../src/protocols/beanstalkd/import/binlog-file.ts'
import { BinlogReplay } from '../../src/protocols/beanstalkd/import/binlog-replay.ts'
import {
  fieldsOf,
  namesOf,
  SourceReplyReader,
} from '../../src/protocols/beanstalkd/import/reply-reader.ts'
import { BadFrameError, encodeFrame, FrameReader } from '../../src/server/door/frame.ts'
import { HEADER_BYTES_MAX, TAIL_BYTES_MAX } from '../../src/server/door/limits.ts'
import { BURIED, file, put, record } from '../protocols/beanstalkd/import/binlog-bytes.ts'
import { connectionPair } from '../server/door/memory.ts'
import { expectSame, type HostileDecoder } from './decoder.ts'
import { below, pick, type Random } from './mutate.ts'

const PIECES_MAX = 5

export async function wireDecoders(): Promise<readonly HostileDecoder[]> {
  return [frames(), replies(), binlog()]
}

/** The same bytes in a few pieces, some of them empty. */
export function piecesOf(random: Random, bytes: Uint8Array): readonly Uint8Array[] {
  const cuts = Array.from({ length: below(random, PIECES_MAX) }, () =>
    below(random, bytes.length + 1),
  )
  const ends = [...cuts.sort((a, b) => a - b), bytes.length]
  return ends.map((end, row) => bytes.slice(row === 0 ? 0 : ends[row - 1], end))
}

function frames(): HostileDecoder {
  const valid = [
    encodeFrame({ qlog: 'door', version: 1 }),
    encodeFrame({ verb: 'put', args: { queue: 'q', messages: [3, 2] } }, Buffer.from('hello')),
    Buffer.concat([encodeFrame({ verb: 'queues', args: {} }), encodeFrame({ verb: 'stats' })]),
  ]
  return {
    name: 'frames of the door',
    valid: (random) => pick(random, valid),
    read: async (bytes, _original, random) => {
      const { caller, owner } = connectionPair()
      for (const piece of piecesOf(random, bytes)) owner.arrive(piece)
      caller.close()
      const reader = new FrameReader(owner)
      while ((await reader.next()) !== undefined);
    },
    isRefusal: (error) => error instanceof BadFrameError,
    largestFor: (length) => Math.min(length, HEADER_BYTES_MAX + TAIL_BYTES_MAX) + 1_024,
  }
}

function replies(): HostileDecoder {
  const valid = [
    'INSERTED 17\r\nRESERVED 4 5\r\nhello\r\nNOT_FOUND\r\n',
    'OK 24\r\n---\n- default\n- "orders"\n\r\n',
    'OK 40\r\n---\nid: 17\ntube: "orders"\nstate: ready\n\r\n',
    'FOUND 18446744073709551615 4294967295\r\nbytes',
  ].map((text) => Buffer.from(text))
  return {
    name: 'replies of a beanstalkd',
    valid: (random) => pick(random, valid),
    read: (bytes, _original, random) => {
      const reader = new SourceReplyReader()
      for (const piece of piecesOf(random, bytes)) {
        for (const { body } of reader.push(piece)) {
          if (body !== undefined) fieldsOf(body)
          if (body !== undefined) namesOf(body)
        }
      }
    },
  }
}

function binlog(): HostileDecoder {
  const valid = [
    file(put(1, 'one'), put(2, 'two', { state: BURIED }), record(1, 3, { state: BURIED })),
    file(put(1, 'x'.repeat(300)), record(2, 3), put(3, 'three'), record(3, 5, { state: 0 })),
  ]
  return {
    name: 'file of a binlog',
    valid: (random) => pick(random, valid),
    read: (bytes) => {
      const replay = new BinlogReplay()
      replay.enter('binlog.1')
      readBinlogFile(bytes, replay)
      for (const jobs of replay.jobsByTube().values()) {
        for (const { bodyAt, bodyBytes } of jobs) bytes.subarray(bodyAt, bodyAt + bodyBytes)
      }
      for (const { firstId, endId } of replay.gaps)
        expectSame(firstId < endId, true, 'tells of an empty gap')
    },
  }
}
