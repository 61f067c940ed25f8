/** Every reply of the text protocol to a line or body by itself. */
import { describe, expect, test } from 'vitest'
import { peer } from './peer.ts'

const BAD_LINE = 'CLIENT_ERROR bad command line format\r\n'
const k250 = 'k'.repeat(250)
const k251 = 'k'.repeat(251)

/** What is sent, and what comes back from an empty store. */
const REPLIES: readonly (readonly [sent: string, reply: string])[] = [
  // Lines.
  ['\r\n', 'ERROR\r\n'],
  ['foo\r\n', 'ERROR\r\n'],
  ['foo\n', 'ERROR\r\n'],
  [`${'x'.repeat(2000)}\r\n`, 'ERROR\r\n'],
  [`${'x'.repeat(2049)}\r\n`, 'CLIENT_ERROR line too long\r\n<end>'],
  ['x'.repeat(2049), 'CLIENT_ERROR line too long\r\n<end>'],
  [`get ${'a '.repeat(2000)}\r\n`, 'END\r\n'],
  [`get ${'a '.repeat(20_000)}`, 'CLIENT_ERROR line too long\r\n<end>'],
  // get
  ['get\r\n', 'ERROR\r\n'],
  ['gets\r\n', 'ERROR\r\n'],
  ['get a\r\n', 'END\r\n'],
  ['get a\n', 'END\r\n'],
  ['GET a\r\n', 'END\r\n'],
  [' get  a \r\n', 'END\r\n'],
  ['gets a\r\n', 'END\r\n'],
  ['get a b c\r\n', 'END\r\n'],
  [`get ${'k'.repeat(200)}\r\n`, 'END\r\n'],
  [`get ${k250}\r\n`, 'CLIENT_ERROR bad queue name\r\n'],
  [`get ${k251}\r\n`, BAD_LINE],
  [`get a ${k251} b\r\n`, BAD_LINE],
  ['get \xff\r\n', 'CLIENT_ERROR bad queue name\r\n'],
  ['get a\tb\r\n', 'CLIENT_ERROR bad queue name\r\n'],
  ['get +a\r\n', 'CLIENT_ERROR bad queue name\r\n'],
  ['get a+\r\n', 'CLIENT_ERROR bad queue name\r\n'],
  ['get /open\r\n', 'CLIENT_ERROR bad queue name\r\n'],
  // Options of a read.
  ['get a/open\r\n', 'END\r\n'],
  ['get a/close\r\n', 'END\r\n'],
  ['get a/abort\r\n', 'END\r\n'],
  ['get a/peek\r\n', 'END\r\n'],
  ['get a/close/open\r\n', 'END\r\n'],
  ['get a/open/close\r\n', 'END\r\n'],
  ['get a/t=1/open\r\n', 'END\r\n'],
  ['get a/peek/t=1\r\n', 'END\r\n'],
  ['get a/\r\n', 'END\r\n'],
  ['get a/opne\r\n', 'CLIENT_ERROR bad options\r\n<end>'],
  ['get a/t=x\r\n', 'CLIENT_ERROR bad options\r\n<end>'],
  ['get a/t=-1\r\n', 'CLIENT_ERROR bad options\r\n<end>'],
  ['get a/peek/open\r\n', 'CLIENT_ERROR bad options\r\n<end>'],
  ['get a/peek/close\r\n', 'CLIENT_ERROR bad options\r\n<end>'],
  ['get a/abort/open\r\n', 'CLIENT_ERROR bad options\r\n<end>'],
  ['get a/close/abort\r\n', 'CLIENT_ERROR bad options\r\n<end>'],
  ['get a/peek/abort\r\n', 'CLIENT_ERROR bad options\r\n<end>'],
  // set
  ['set a 0 0 1\r\nx\r\n', 'STORED\r\n'],
  ['SET a 0 0 1\r\nx\r\n', 'STORED\r\n'],
  ['set a 0 0 1\nx\r\n', 'STORED\r\n'],
  ['set a 0 0 0\r\n\r\n', 'STORED\r\n'],
  ['set a 0 0 01\r\nx\r\n', 'STORED\r\n'],
  ['set a 0 0 +1\r\nx\r\n', 'STORED\r\n'],
  ['set a 0 -1 1\r\nx\r\n', 'STORED\r\n'],
  ['set a 4294967295 0 1\r\nx\r\n', 'STORED\r\n'],
  ['set a 0 0 1 foo\r\nx\r\n', 'STORED\r\n'],
  ['set a 0 0 1 noreply\r\nx\r\n', ''],
  ['set\r\n', 'ERROR\r\n'],
  ['set a\r\n', 'ERROR\r\n'],
  ['set a 0 0\r\n', 'ERROR\r\n'],
  ['set a 0 0 1 noreply foo\r\nx\r\n', 'ERROR\r\nERROR\r\n'],
  ['set a 0 0 -1\r\n', BAD_LINE],
  ['set a 0 0 x\r\n', BAD_LINE],
  ['set a 0 0 1x\r\nx\r\n', `${BAD_LINE}ERROR\r\n`],
  ['set a x 0 1\r\nx\r\n', `${BAD_LINE}ERROR\r\n`],
  ['set a -1 0 1\r\nx\r\n', `${BAD_LINE}ERROR\r\n`],
  ['set a 4294967296 0 1\r\nx\r\n', `${BAD_LINE}ERROR\r\n`],
  ['set a 0 x 1\r\nx\r\n', `${BAD_LINE}ERROR\r\n`],
  ['set a 0 0 2147483646\r\n', BAD_LINE],
  ['set a 0 0 4294967295\r\n', BAD_LINE],
  ['set a 0 0 99999999999999999999999999\r\n', BAD_LINE],
  ['set a 0 0 x noreply\r\n', ''],
  [`set ${k251} 0 0 1\r\nx\r\n`, `${BAD_LINE}ERROR\r\n`],
  [`set ${k250} 0 0 1\r\nx\r\n`, 'CLIENT_ERROR bad queue name\r\n'],
  ['set a/open 0 0 1\r\nx\r\n', 'CLIENT_ERROR bad queue name\r\n'],
  ['set a+b 0 0 1\r\nx\r\n', 'CLIENT_ERROR a fan-out is only read\r\n'],
  ['set a+b 0 0 1 noreply\r\nx\r\n', ''],
  ['set a 0 0 1\r\nxyz\r\n', 'CLIENT_ERROR bad data chunk\r\nERROR\r\n'],
  ['set a 0 0 1\r\nx\nversion\r\n', 'CLIENT_ERROR bad data chunk\r\nERROR\r\n'],
  ['set a 0 0 1 noreply\r\nxyz\r\n', 'ERROR\r\n'],
  ['set a 0 0 3\r\nx\r\n\r\n\r\n', 'STORED\r\nERROR\r\n'],
  [`set a 0 0 1048576\r\n${'x'.repeat(1_048_576)}\r\n`, 'STORED\r\n'],
  [
    `set a 0 0 1048577\r\n${'x'.repeat(1_048_577)}\r\n`,
    'SERVER_ERROR object too large for cache\r\n',
  ],
  [`set a 0 0 2000000 noreply\r\n${'x'.repeat(2_000_000)}\r\n`, ''],
  // What a queue has no meaning for. The body is swallowed.
  ['add a 0 0 1\r\nx\r\n', 'CLIENT_ERROR a queue takes set alone, not add\r\n'],
  ['ADD a 0 0 1\r\nx\r\n', 'CLIENT_ERROR a queue takes set alone, not add\r\n'],
  ['add a 0 0 1 noreply\r\nx\r\n', ''],
  ['replace a 0 0 1\r\nx\r\n', 'CLIENT_ERROR a queue takes set alone, not replace\r\n'],
  ['append a 0 0 1\r\nx\r\n', 'CLIENT_ERROR a queue takes set alone, not append\r\n'],
  ['prepend a 0 0 1\r\nx\r\n', 'CLIENT_ERROR a queue takes set alone, not prepend\r\n'],
  ['cas a 0 0 1 7\r\nx\r\n', 'CLIENT_ERROR a queue takes set alone, not cas\r\n'],
  ['cas a 0 0 1\r\nx\r\n', 'ERROR\r\nERROR\r\n'],
  ['incr a 1\r\n', 'CLIENT_ERROR a queue takes set alone, not incr\r\n'],
  ['decr a 1\r\n', 'CLIENT_ERROR a queue takes set alone, not decr\r\n'],
  ['incr a 1 noreply\r\n', ''],
  ['incr a\r\n', 'ERROR\r\n'],
  ['touch a 0\r\n', 'ERROR\r\n'],
  // delete
  ['delete\r\n', 'ERROR\r\n'],
  ['delete a\r\n', 'NOT_FOUND\r\n'],
  ['delete a 0\r\n', 'NOT_FOUND\r\n'],
  ['set a 0 0 1\r\nx\r\ndelete a\r\ndelete a\r\n', 'STORED\r\nDELETED\r\nNOT_FOUND\r\n'],
  ['delete a noreply\r\n', ''],
  ['delete a 0 noreply\r\n', ''],
  ['delete a 5 noreply\r\n', ''],
  ['delete a 5\r\n', 'CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n'],
  ['delete a b c d\r\n', 'ERROR\r\n'],
  [`delete ${k251}\r\n`, BAD_LINE],
  ['delete a/open\r\n', 'CLIENT_ERROR bad queue name\r\n'],
  // flush, flush_all
  ['flush\r\n', 'ERROR\r\n'],
  ['flush a b\r\n', 'ERROR\r\n'],
  ['flush a\r\n', 'END\r\n'],
  ['flush a+b\r\n', 'END\r\n'],
  ['flush a/b\r\n', 'CLIENT_ERROR bad queue name\r\n'],
  ['flush_all\r\n', 'OK\r\n'],
  ['FLUSH_ALL\r\n', 'OK\r\n'],
  ['flush_all 0\r\n', 'OK\r\n'],
  ['flush_all -1\r\n', 'OK\r\n'],
  ['flush_all noreply\r\n', ''],
  ['flush_all 0 noreply\r\n', ''],
  ['flush_all x\r\n', 'CLIENT_ERROR invalid exptime argument\r\n'],
  ['flush_all 10\r\n', 'SERVER_ERROR queues are flushed at once or not at all\r\n'],
  ['flush_all 10 noreply\r\n', ''],
  ['flush_all 1 2 3\r\n', 'ERROR\r\n'],
  // monitor, confirm
  ['monitor\r\n', 'ERROR\r\n'],
  ['monitor a\r\n', 'ERROR\r\n'],
  ['monitor a 0\r\n', 'END\r\n'],
  ['monitor a 0 5\r\n', 'END\r\n'],
  ['monitor a x\r\n', BAD_LINE],
  ['monitor a 0 1001\r\n', BAD_LINE],
  ['monitor a 1 1 1\r\n', 'ERROR\r\n'],
  ['monitor a/b 0\r\n', 'CLIENT_ERROR bad queue name\r\n'],
  ['confirm\r\n', 'ERROR\r\n'],
  ['confirm a\r\n', 'ERROR\r\n'],
  ['confirm a 0\r\n', 'END\r\n'],
  ['confirm a 1\r\n', 'ERROR\r\n'],
  ['confirm a x\r\n', BAD_LINE],
  // The rest.
  ['verbosity\r\n', 'ERROR\r\n'],
  ['verbosity 1\r\n', 'OK\r\n'],
  ['verbosity x\r\n', BAD_LINE],
  ['verbosity 1 noreply\r\n', ''],
  ['verbosity noreply\r\n', ''],
  ['verbosity 1 2 3\r\n', 'ERROR\r\n'],
  ['version x\r\n', 'VERSION 1.6.18\r\n'],
  ['VERSION\n', 'VERSION 1.6.18\r\n'],
  ['stats reset\r\n', 'RESET\r\n'],
  ['stats items\r\n', 'END\r\n'],
  ['stats foo\r\n', 'ERROR\r\n'],
  ['quit\r\n', '<end>'],
  ['quit x\r\n', '<end>'],
  ['set a 0 0 1\r\nx\r\nquit\r\nset a 0 0 1\r\nx\r\n', 'STORED\r\n<end>'],
]

describe('the text protocol answers', () => {
  test.each(
    REPLIES.map(([sent, reply]) => ({ what: JSON.stringify(sent).slice(0, 60), sent, reply })),
  )('$what', async ({ sent, reply }) => {
    expect(await (await peer()).ask(sent)).toBe(reply)
  })

  test('the same where the bytes come one by one', async () => {
    for (const [sent, reply] of REPLIES) {
      if (sent.length > 4096) continue
      const { wire, ask } = await peer().then((one) => ({ wire: one.wire, ask: one.ask.bind(one) }))
      for (const byte of Buffer.from(sent.slice(0, -1), 'latin1')) wire.send(Buffer.of(byte))
      expect(await ask(sent.slice(-1)), JSON.stringify(sent)).toBe(reply)
    }
  })
})
