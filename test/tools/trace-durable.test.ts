/**
 * Invariant 1 from outside: for every id that `qlog append --ids` prints, strace shows that the write of
 * its bytes and the flush that covers it returned before. And the proof can fail: without flushes it does.
 */
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { hasStrace, judgeTrace, traceDurable } from '../../tools/trace-durable.ts'

const root = path.resolve(import.meta.dirname, '../..')
const canTrace = hasStrace()
if (!canTrace) console.warn('SKIPPED: strace is not here, or may not trace')

describe.skipIf(!canTrace)('qlog append --ids under strace', () => {
  // Museum: mrecordlog #48, where nobody could say what a sync meant.
  test('invariant 1: every printed id was durable before', () => {
    const messages = 2_000
    const result = traceDurable({ root, messages, sync: 'always' })
    console.info(`${result.proven} ids traced and proven`)
    expect(result.unproven).toEqual([])
    expect(result.printed).toEqual(Array.from({ length: messages }, (_, row) => row + 1))
    expect(result.proven).toBe(messages)
  })

  test('without flushes nothing is proven', () => {
    const result = traceDurable({ root, messages: 50, sync: 'never' })
    expect(result.printed).toHaveLength(50)
    expect(result.proven).toBeLessThan(50)
    expect(result.unproven.map(({ why }) => why)).toContain(
      'no flush that covers its write had returned',
    )
  })
})

describe('the judgement of a trace', () => {
  const opened = '1 1.0 openat(AT_FDCWD, "/log/a.qls", O_RDWR|O_CREAT) = 5</log/a.qls>'
  const durable = '1 1.0 openat(AT_FDCWD, "/log/a.qls", O_RDWR|O_CREAT|O_DSYNC) = 5</log/a.qls>'
  const bytes = '"\\1\\0{message 1 ends}\\n"'
  const write = `2 2.0 pwrite64(5</log/a.qls>, ${bytes}, 19, 4096) = 19`
  const flush = '2 3.0 fdatasync(5</log/a.qls>) = 0'
  const print = '1 4.0 write(1<pipe:[1]>, "1\\n", 2) = 2'

  test.each([
    ['write, flush, print', [opened, write, flush, print], 1],
    ['durable write, print', [durable, write, print], 1],
    ['write, print, flush', [opened, write, print, flush], 0],
    ['flush, write, print', [opened, flush, write, print], 0],
    ['print, durable write', [durable, print, write], 0],
    ['write and print alone', [opened, write, print], 0],
    [
      'a failed flush',
      [opened, write, flush.replace('= 0', '= -1 EIO (Input/output error)'), print],
      0,
    ],
    ['a short write', [durable, write.replace('= 19', '= 9'), print], 0],
    [
      'a flush that had begun before the write returned',
      [
        opened,
        '2 2.0 fdatasync(5</log/a.qls> <unfinished ...>',
        write.replace('2 ', '3 '),
        '2 3.0 <... fdatasync resumed>) = 0',
        print,
      ],
      0,
    ],
    [
      'a write in two lines',
      [
        durable,
        `2 2.0 pwrite64(5</log/a.qls>, ${bytes}, 19, 4096 <unfinished ...>`,
        '2 3.0 <... pwrite64 resumed>) = 19',
        print,
      ],
      1,
    ],
    [
      'a print before the second line of its write',
      [
        durable,
        `2 2.0 pwrite64(5</log/a.qls>, ${bytes}, 19, 4096 <unfinished ...>`,
        print,
        '2 3.0 <... pwrite64 resumed>) = 19',
      ],
      0,
    ],
    ['a write elsewhere', [durable, write.replace('/log/a.qls', '/tmp/x'), print], 0],
  ])('%s', (_name, lines, proven) => {
    expect(judgeTrace(lines, '/log').proven).toBe(proven)
  })
})
