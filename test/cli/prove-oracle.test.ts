/** The oracle of `qlog prove` must see every way in which a log can be wrong. */
import { describe, expect, it } from 'vitest'
import type { CheckResult } from '../../src/cli/prove-oracle.ts'
import { Oracle } from '../../src/cli/prove-oracle.ts'
import { LineSource } from '../../src/cli/prove-source.ts'

const LINE_COUNT = 50
const SOURCE = new LineSource(
  Buffer.from(Array.from({ length: LINE_COUNT }, (_, index) => `line ${index}\n`).join('')),
)

interface Stored {
  id: number
  body: Uint8Array
}

/** Ids 1-10 from line 5 on, all acknowledged; a second round of ids 11-20 from line 30 on. */
function proven(): { readonly oracle: Oracle; readonly stored: Stored[] } {
  const oracle = new Oracle(SOURCE)
  oracle.beginRound(1, 5)
  oracle.acknowledge(1, 5, 4)
  oracle.acknowledge(5, 9, 4)
  // Two more were in flight when it died.
  oracle.endRound(11)
  oracle.beginRound(11, 30)
  oracle.acknowledge(11, 30, 7)
  const stored = Array.from({ length: 20 }, (_, index) => {
    const id = index + 1
    return { id, body: Buffer.from(`line ${id < 11 ? id + 4 : id + 19}`) }
  })
  return { oracle, stored }
}

function compare(oracle: Oracle, stored: readonly Stored[], from = 1): CheckResult {
  const check = oracle.check(from)
  for (const { id, body } of stored) if (id >= from) check.message(id, body)
  return check.end()
}

describe('Oracle', () => {
  it('finds nothing wrong where nothing is, and counts what was never acknowledged', () => {
    const { oracle, stored } = proven()
    const result = compare(oracle, stored)
    expect(oracle.faults).toEqual([])
    expect(oracle.acknowledged).toBe(15)
    expect(result).toMatchObject({ messages: 20, lost: 0, wrong: 0, unacknowledged: 3, nextId: 21 })
  })

  it('accepts a log that ends with the last acknowledged message', () => {
    const { oracle, stored } = proven()
    expect(compare(oracle, stored.slice(0, 17))).toMatchObject({ lost: 0, unacknowledged: 0 })
    expect(oracle.faultCount).toBe(0)
  })

  it('can begin in the middle', () => {
    const { oracle, stored } = proven()
    expect(compare(oracle, stored, 11)).toMatchObject({ messages: 10, lost: 0, wrong: 0 })
    expect(oracle.faultCount).toBe(0)
  })

  it('sees a message missing in the middle', () => {
    const { oracle, stored } = proven()
    stored.splice(3, 1)
    expect(compare(oracle, stored)).toMatchObject({ lost: 1, wrong: 0 })
    expect(oracle.faults).toEqual(['id 4 is missing'])
  })

  it('sees that the end is missing', () => {
    const { oracle, stored } = proven()
    expect(compare(oracle, stored.slice(0, 15))).toMatchObject({ lost: 2 })
    expect(oracle.faults).toEqual(['ids 16 to 17 are missing (2)'])
  })

  it('sees that all is missing', () => {
    const { oracle } = proven()
    expect(compare(oracle, [])).toMatchObject({ messages: 0, lost: 17 })
  })

  it('sees one wrong byte', () => {
    const { oracle, stored } = proven()
    const damaged = stored[6]?.body
    if (damaged === undefined) throw new Error('unreachable')
    damaged[2] = (damaged[2] ?? 0) ^ 1
    expect(compare(oracle, stored)).toMatchObject({ lost: 0, wrong: 1 })
    expect(oracle.faults[0]).toMatch(
      /^id 7 is not its source line 11: .* first difference at byte 2$/,
    )
  })

  it('sees a body that is too short or too long', () => {
    const { oracle, stored } = proven()
    stored[0] = { id: 1, body: Buffer.from('line ') }
    stored[1] = { id: 2, body: Buffer.from('line 6 and more') }
    expect(compare(oracle, stored)).toMatchObject({ wrong: 2 })
  })

  it('sees a message twice', () => {
    const { oracle, stored } = proven()
    stored.splice(5, 0, { id: 5, body: Buffer.from('line 9') })
    expect(compare(oracle, stored)).toMatchObject({ lost: 0, wrong: 1 })
    expect(oracle.faults[0]).toContain('id 5 was read a second time')
  })

  it('sees a message of an earlier life under a later id', () => {
    const { oracle, stored } = proven()
    stored[10] = { id: 11, body: Buffer.from('line 15') }
    expect(compare(oracle, stored)).toMatchObject({ wrong: 1 })
  })

  it('sees that what an earlier recovery showed has un-happened', () => {
    const { oracle, stored } = proven()
    // Ids 9 and 10 were never acknowledged, but a reader has seen them.
    stored.splice(8, 2)
    expect(compare(oracle, stored)).toMatchObject({ lost: 2 })
  })

  it('sees an id that is given twice, and one that is skipped', () => {
    const twice = proven().oracle
    twice.acknowledge(17, 36, 1)
    expect(twice.faults[0]).toContain('id 17 was acknowledged where id 18 was due')
    const skipped = proven().oracle
    skipped.acknowledge(19, 38, 1)
    expect(skipped.faults[0]).toContain('id 19 was acknowledged where id 18 was due')
  })

  it('sees that promises resolved out of order', () => {
    const { oracle } = proven()
    oracle.acknowledge(18, 38, 1)
    expect(oracle.faults[0]).toContain('id 18 was given to source line 38 instead of 37')
  })

  it('tells the first faults and counts the rest', () => {
    const { oracle, stored } = proven()
    compare(
      oracle,
      stored.map(({ id }) => ({ id, body: Buffer.from('?') })),
    )
    expect(oracle.faults.length).toBe(10)
    expect(oracle.faultCount).toBe(20)
  })
})
