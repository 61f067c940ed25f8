/** What the page says of figures that contenders' own people publish, by a made-up run. */

import { expect, test } from 'vitest'
import { publishedNotes } from '../../../bench/peers/published.ts'
import { CONTENDERS } from '../../../bench/peers/registry.ts'
import { type ContenderFacts, isOurs } from '../../../bench/peers/result.ts'
import { artificial, HEADER, LINES } from './artificial.ts'

const published = { what: 'made up', rate: 1e9, source: 'nowhere' }

test('whoever has no published figure is named, and qlog is not asked for one', () => {
  const notes = notesOf(allBut(['lmdb', 'plainjob', 'no-op']))
  expect(notes.at(-1)).toMatch(/^\* No published figure .* for `lmdb`, `plainjob`:/)
})

test('nobody is named where all have one', () => {
  expect(notesOf(allBut([])).join('\n')).not.toContain('No published figure')
})

test('every published figure of the field has a cell beside it', () => {
  const contenders = HEADER.contenders.map((facts) => {
    const own = CONTENDERS.find(({ id }) => id === facts.id)?.published
    return own === undefined ? facts : { ...facts, published: own }
  })
  const ids = CONTENDERS.filter((one) => one.published !== undefined).map(({ id }) => id)
  const notes = notesOf(contenders)
  for (const id of ids) expect(notes.join('\n')).toContain(`\`${id}\`, published: `)
  expect(notes).toHaveLength(ids.length + 1)
})

/** A figure for every peer but these; qlog's own publish none. */
function allBut(without: readonly string[]): ContenderFacts[] {
  return HEADER.contenders.map((facts) =>
    isOurs(facts.id) || without.includes(facts.id) ? facts : { ...facts, published },
  )
}

function notesOf(contenders: readonly ContenderFacts[]): string[] {
  return publishedNotes(artificial(LINES, { ...HEADER, contenders }))
}
