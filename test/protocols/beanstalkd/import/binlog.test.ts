/** Files of a binlog that were made by hand: every field, every fault, and every single change to a byte. */
import { describe, expect, it } from 'vitest'
import { readBinlogFile } from '../../../../src/protocols/beanstalkd/import/binlog-file.ts'
import { BinlogReplay } from '../../../../src/protocols/beanstalkd/import/binlog-replay.ts'
import { BURIED, CREATED_NS, file, put, record } from './binlog-bytes.ts'

function read(...files: Uint8Array[]) {
  const replay = new BinlogReplay()
  const verdicts = files.map((bytes, row) => {
    replay.enter(`binlog.${row + 1}`)
    return readBinlogFile(bytes, replay)
  })
  const jobs = [...replay.jobsByTube().values()].flat()
  const faults = verdicts.flatMap((verdict) => verdict.faults)
  return { jobs, ids: jobs.map(({ id }) => id), faults, replay }
}

describe('the files of a binlog', () => {
  it.each([5, 7])('are read in version %d', (version) => {
    const bytes = file(put(1, 'one', {}, version), put(2, 'two', { state: BURIED }, version))
    bytes[0] = version
    const { jobs, faults } = read(bytes)
    expect(faults).toEqual([])
    expect(jobs).toMatchObject([
      { id: 1, tube: 'orders', priority: 1001, ttrMs: 60_000, state: 'ready', bodyBytes: 3 },
      { id: 2, state: 'buried' },
    ])
    const { bodyAt, bodyBytes } = jobs[1] ?? { bodyAt: 0, bodyBytes: 0 }
    expect(bytes.toString('latin1', bodyAt, bodyAt + bodyBytes)).toBe('two')
  })

  it('are replayed in order: changes, deletes, a job that was moved, an id that is given again', () => {
    const { jobs, faults } = read(
      file(put(1, 'one'), put(2, 'two'), put(3, 'three'), record(2, 3, { state: 0 })),
      file(
        record(3, 5, { state: BURIED }),
        record(1, 3, { state: BURIED }),
        put(2, 'new', { createdNs: CREATED_NS + 99n }),
      ),
      file(put(3, 'three', { state: BURIED })),
    )
    expect(faults).toEqual([])
    expect(jobs.map(({ id, state, buriedAt, file: name }) => [id, state, buriedAt, name])).toEqual([
      [1, 'buried', 2, 'binlog.1'],
      [2, 'ready', 0, 'binlog.2'],
      [3, 'buried', 1, 'binlog.3'],
    ])
  })

  it('name jobs that were changed and never put: their file is gone, or damaged', () => {
    const { replay } = read(file(record(5, 3), record(6, 3), record(6, 3, { state: 0 })))
    expect(replay.lostIds).toEqual([5])
  })

  it('B6: a length with a wrong bit costs its own job, and those behind it come over', () => {
    const bytes = file(put(1, 'one'), put(2, 'two'), put(3, 'three'))
    const second = bytes.indexOf('two') - 80 - 'orders'.length - 4
    bytes[second + 1] = 1
    const { ids, faults } = read(bytes)
    expect(ids).toEqual([1, 3])
    expect(faults).toMatchObject([{ level: 'rot', offset: second, bytes: 95, behindId: 1 }])
  })

  it('a last change that was half written, with zeros behind it, reads as a delete', () => {
    const change = record(1, 3, { state: BURIED })
    change.fill(0, change.length - 4)
    const { ids, faults } = read(file(put(1, 'one'), put(2, 'two'), change))
    expect(ids).toEqual([2])
    expect(faults).toEqual([])
  })

  it('B7: an id of zeros is no end', () => {
    const bytes = file(put(1, 'one'), put(2, 'two'), put(3, 'three'))
    bytes.fill(0, bytes.indexOf('two') - 80, bytes.indexOf('two') - 72)
    const { ids, faults } = read(bytes)
    expect(ids).toEqual([1, 3])
    expect(faults).toMatchObject([{ level: 'rot' }])
  })

  it('a change whose id was damaged deletes no other job', () => {
    const { ids, faults } = read(
      file(put(1, 'one'), put(2, 'two'), record(1, 3, { state: 0, createdNs: CREATED_NS + 2n })),
    )
    expect(ids).toEqual([1, 2])
    expect(faults).toMatchObject([{ level: 'rot' }])
  })

  it.each([
    ['nothing', Buffer.alloc(0), 'torn'],
    ['zeros', Buffer.alloc(4096), 'torn'],
    ['version 8', Buffer.from([8, 0, 0, 0, 1]), 'rot'],
    ['the other byte order', Buffer.from([0, 0, 0, 7, 1]), 'rot'],
  ])('that hold %s are told', (_, bytes, level) => {
    expect(read(bytes).faults).toMatchObject([{ level, offset: 0, bytes: bytes.length }])
  })

  it('cut anywhere lose the record that was cut alone, and say so', () => {
    const records = [put(1, 'one'), put(2, 'two'), record(1, 3, { state: BURIED })]
    const whole = Buffer.concat([Buffer.from([7, 0, 0, 0]), ...records])
    const firstEnd = 4 + (records[0]?.length ?? 0)
    const ends = [firstEnd, firstEnd + (records[1]?.length ?? 0)]
    for (let length = 5; length < whole.length; length += 1) {
      const cut = whole.subarray(0, length)
      const padded = Buffer.concat([cut, Buffer.alloc(200)])
      // A change that goes on in zeros is one that deletes, for all that can be told.
      const isChange = length > (ends[1] ?? 0)
      for (const bytes of isChange ? [cut] : [cut, padded]) {
        const { ids, faults } = read(bytes)
        const complete = ends.filter((end) => end <= length).length
        expect(ids, `cut at ${length}`).toEqual([1, 2].slice(0, complete))
        for (const { level } of faults) expect(level, `cut at ${length}`).toBe('torn')
      }
    }
  })

  it('with any one bit changed are read to their end, and lose no more than one job without a word', () => {
    const whole = file(
      put(1, 'one'),
      put(2, 'two'),
      put(3, 'three'),
      record(2, 3, { state: BURIED }),
    )
    const dataEnd = whole.length - 300
    for (let at = 4; at < dataEnd; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const bytes = Buffer.from(whole)
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
        const { ids, faults } = read(bytes)
        const kept = ids.filter((id) => id <= 3).length
        expect(kept, `bit ${bit} at ${at}`).toBeGreaterThanOrEqual(2)
        for (const { offset, bytes: length } of faults) {
          expect(offset + length).toBeLessThanOrEqual(whole.length)
        }
      }
    }
  })
})
