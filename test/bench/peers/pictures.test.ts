/** The pictures of docs/benchmarks.md, drawn of a made-up run with every contender there may be. */
import { expect, test } from 'vitest'
import { type Box, textWidth, WIDTH } from '../../../bench/peers/pictures/canvas.ts'
import { looksOf, panelOf } from '../../../bench/peers/pictures/style.ts'
import { allPicturesOf } from '../../../bench/peers/pictures.ts'
import {
  isOurs,
  type PeersResults,
  type ResultLine,
  takeDurabilityOf,
} from '../../../bench/peers/result.ts'
import { artificial, HEADER, LINES, without } from './artificial.ts'

function drawn(results: PeersResults = artificial()) {
  return allPicturesOf(results)
}

function lieOnEachOther(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}

/** Every rate the same, so that all labels want to be in one place. */
function flat(line: ResultLine): ResultLine {
  if (line.kind === 'rate') return { ...line, rate: 5000, quartiles: [5000, 5000] }
  if (line.kind !== 'backlog') return line
  return { ...line, putRate: 7, takeRate: 7, diskBytes: line.waiting, memoryBytes: line.waiting }
}

test.each([
  ['all contenders', artificial()],
  ['figures that are all the same', artificial(LINES.map(flat))],
  [
    'half of the contenders',
    without('lmdb', 'qlog-serve', 'nats-jetstream', 'sqlite-full', 'bullmq-always'),
  ],
])('no text lies on another or leaves the picture: %s', (_, results) => {
  const pictures = drawn(results)
  expect(pictures.length).toBeGreaterThan(10)
  for (const { file, boxes, height } of pictures) {
    for (const [i, box] of boxes.entries()) {
      const { text, left, right, top, bottom } = box
      expect(
        left >= 4 && right <= WIDTH - 4 && top >= 4 && bottom <= height - 4,
        `${file}: ${text}`,
      ).toBe(true)
      const below = boxes.slice(0, i).filter((other) => lieOnEachOther(box, other))
      expect(below.map((other) => `${file}: ${text} lies on ${other.text}`)).toEqual([])
    }
  }
})

test('the same run gives the same bytes, in whatever order its lines stand', () => {
  const bytes = drawn().map(({ svg }) => svg)
  expect(drawn(artificial(LINES.toReversed())).map(({ svg }) => svg)).toEqual(bytes)
})

test('every contender is labelled with what its answer is worth, in every picture it is in', () => {
  for (const { file, svg, boxes } of drawn()) {
    const texts = boxes.map(({ text }) => text)
    let labels = 0
    const isOfTakes = /^(latency-through|backlog-take)/.test(file)
    for (const facts of HEADER.contenders) {
      const { id } = facts
      const durability = isOfTakes ? takeDurabilityOf(facts) : facts.durability
      const places = texts.flatMap((text, i) =>
        text === id || text.startsWith(`${id} ·`) ? [i] : [],
      )
      labels += places.length
      for (const i of places) {
        const whole = texts[i] === id ? `${id} ${texts[i + 1]}` : texts[i]
        expect(whole, file).toBe(`${id} · ${durability}`)
      }
    }
    expect(labels, file).toBeGreaterThan(10)
    expect(svg).toMatch(/<title id="title">[^<]{10,}<\/title>\n<desc id="desc">[^<]{100,}<\/desc>/)
    expect(svg).toContain('@media (prefers-color-scheme:dark)')
  }
})

test('contenders in one panel look different even where no colour is seen', () => {
  // Of another panel for puts than those beside which it stands for takes.
  const contenders = HEADER.contenders.map((facts) =>
    facts.id === 'beanstalkd' ? { ...facts, takeDurability: 'memory' as const } : facts,
  )
  const looks = looksOf(artificial(LINES, { ...HEADER, contenders }))
  for (const isOfTakes of [false, true]) {
    const panels = new Map<string, string[]>()
    for (const facts of contenders) {
      const { shape = '', dash = '' } = looks.get(facts.id) ?? {}
      const panel = isOurs(facts.id) ? 'ours' : panelOf(facts, isOfTakes)
      panels.set(panel, [...(panels.get(panel) ?? []), `${shape} ${dash}`])
    }
    for (const [panel, seen] of panels) expect(new Set(seen).size, panel).toBe(seen.length)
  }
})

test('a contender looks the same whoever else ran', () => {
  const all = looksOf(artificial())
  const fewer = looksOf(without('lmdb', 'sqlite-full'))
  expect(fewer.get('classic-level')).toEqual(all.get('classic-level'))
})

test('a text from elsewhere is escaped', () => {
  const contenders = HEADER.contenders.map((facts) =>
    facts.id === 'lmdb' ? { ...facts, id: '<b> & "c"' } : facts,
  )
  const lines = LINES.map((line) =>
    'contender' in line && line.contender === 'lmdb' ? { ...line, contender: '<b> & "c"' } : line,
  )
  for (const { svg } of drawn(artificial(lines, { ...HEADER, contenders }))) {
    expect(svg).not.toContain('<b>')
    expect(svg).toContain('&lt;b&gt; &amp; &quot;c&quot;')
  }
})

test('what was not measured has no picture', () => {
  expect(drawn(artificial([]))).toEqual([])
  const onlyRates = LINES.filter(({ kind }) => kind === 'rate')
  expect(drawn(artificial(onlyRates)).some(({ file }) => file.startsWith('latency'))).toBe(false)
})

test('there is no line of one place, and what is below the noise is drawn at its bound with a mark', () => {
  const single = LINES.filter((line) => line.kind !== 'rate' || (line.inFlight ?? 1000) === 1000)
  const files = drawn(artificial(single)).map(({ file }) => file)
  expect(files).not.toContain('throughput-put-100.svg')
  expect(files).toContain('throughput-batch-100.svg')
  const memoryOf = (lines: readonly ResultLine[]) =>
    drawn(artificial(lines)).find(({ file }) => file === 'backlog-memory.svg')?.svg ?? ''
  expect(memoryOf(LINES)).not.toContain('An arrow down')
  const small = LINES.map((line) =>
    line.kind === 'backlog' && line.contender === 'nats-jetstream'
      ? { ...line, memoryBytes: 1000 }
      : line,
  )
  expect(memoryOf(small)).toContain('An arrow down')
  expect(memoryOf(small)).toContain('nats-jetstream · flushed later: less than 839 at 10,000')
  expect(memoryOf(small)).toContain('&lt; 0.839 at 10M')
})

test('a load that is a share says how much was offered to each, and who failed at it', () => {
  const isGone = (line: ResultLine) =>
    line.kind === 'latency' && line.contender === 'lmdb' && line.share === 0.5
  const lines: ResultLine[] = [
    ...LINES.filter((line) => !isGone(line)),
    {
      kind: 'failed',
      contender: 'lmdb',
      what: 'latency of put at 0.5 of its maximum',
      reason: 'x',
    },
  ]
  const textsOf = (name: string) =>
    drawn(artificial(lines))
      .find(({ file }) => file === name)
      ?.boxes.map(({ text }) => text) ?? []
  const put = textsOf('latency-put-share-50.svg')
  expect(put.filter((text) => text.endsWith(' a second offered'))).toHaveLength(18)
  expect(put.slice(put.indexOf('Failed here, and has no figure:') + 1)).toEqual(['lmdb · flushed'])
  expect(textsOf('latency-through-share-50.svg')).not.toContain('Failed here, and has no figure:')
  expect(textsOf('latency-put-at-1000.svg').join()).not.toMatch(/offered|Failed/)
})

test('a longer text is wider, and a bold one too', () => {
  expect(textWidth('lmdb · flushed', 13)).toBeGreaterThan(textWidth('lmdb', 13))
  expect(textWidth('lmdb', 13, true)).toBeGreaterThan(textWidth('lmdb', 13))
})
