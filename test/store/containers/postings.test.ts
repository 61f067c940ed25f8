/**
 * The compressed list of message facts against a plain array, read by cursors that live through
 * appending, dropping and rewriting; and its stored form.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Postings } from '../../../src/store/containers/postings.ts'
import { PostingsCursor } from '../../../src/store/containers/postings-cursor.ts'

interface Entry {
  id: number
  offset: number
  timeMs: number
  dueKind: number
  dueMs: number
  expiresKind: number
  expiresMs: number
  priority: number
}

const NO_EXTRAS = {
  dueKind: 0,
  dueMs: 0,
  expiresKind: 0,
  expiresMs: 0,
  priority: 0,
}

function append(list: Postings, entry: Entry): void {
  const { id, offset, timeMs, dueKind, dueMs, expiresKind, expiresMs, priority } = entry
  list.append(id, offset, timeMs, dueKind, dueMs, expiresKind, expiresMs, priority)
}

function entryOf(cursor: PostingsCursor): Entry {
  const { id, offset, timeMs, dueKind, dueMs, expiresKind, expiresMs, priority } = cursor
  return { id, offset, timeMs, dueKind, dueMs, expiresKind, expiresMs, priority }
}

function entriesOf(list: Postings, from = 0): Entry[] {
  const cursor = new PostingsCursor(list)
  cursor.moveTo(from)
  const entries: Entry[] = []
  while (cursor.next()) entries.push(entryOf(cursor))
  return entries
}

function stored(list: Postings): [number, Uint8Array][] {
  return list.partNumbers().map((part) => [part, list.encodePart(part)])
}

function load(parts: [number, Uint8Array][]): Postings {
  const list = new Postings()
  for (const [, bytes] of parts) expect(list.loadPart(bytes)).toBe(true)
  return list
}

/** A step of a time, id or offset, small mostly. */
const delta = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 200 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 ** 36 }) },
)
const time = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 40 }), fc.maxSafeNat())
const extras = fc.record({
  dueKind: fc.integer({ min: 0, max: 2 }),
  dueMs: time,
  expiresKind: fc.integer({ min: 0, max: 1 }),
  expiresMs: time,
  priority: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
})
const some = fc.record({
  kind: fc.constant('append' as const),
  count: fc.integer({ min: 1, max: 400 }),
  idStep: delta,
  offsetStep: delta,
  timeStep: delta,
  extras: fc.option(extras, { freq: 3 }),
})
const command = fc.oneof(
  { weight: 6, arbitrary: some },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('run' as const), count: fc.nat(3_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('drop' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rewrite' as const), nth: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('move' as const), at: fc.nat() }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('read' as const), count: fc.nat(900) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('runs' as const), count: fc.nat(50) }) },
)
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

function offsetsOf(list: Postings): number[] {
  const offsets: number[] = []
  const cursor = new PostingsCursor(list)
  while (cursor.next()) offsets.push(cursor.offset)
  return offsets
}

/** A list, the same as a plain array, and a cursor with the offset from which it reads on. */
class Pair {
  readonly list = new Postings()
  entries: Entry[] = []
  readonly cursor = new PostingsCursor(this.list)
  cursorFrom = 0
  #last: Entry = { id: 4, offset: -1, timeMs: 1_000, ...NO_EXTRAS }

  run(one: Command): void {
    if (one.kind === 'append') {
      for (let n = 0; n < one.count; n++) {
        // The steps come every third time only: between them a run goes on.
        const step = n % 3 === 0 ? one : { idStep: 0, offsetStep: 0, timeStep: 0, extras: null }
        append(this.list, this.#next(step))
      }
    } else if (one.kind === 'run') this.#appendRun(one.count)
    else if (one.kind === 'drop') this.#drop(this.#offsetAt(one.at))
    else if (one.kind === 'rewrite') this.#rewrite(one.nth)
    else if (one.kind === 'move') {
      this.cursorFrom = this.#offsetAt(one.at)
      this.cursor.moveTo(this.cursorFrom)
    } else if (one.kind === 'read') this.#read(one.count)
    else this.#readRuns(one.count)
  }

  #next(step: Pick<Command & { kind: 'append' }, 'idStep' | 'offsetStep' | 'timeStep' | 'extras'>) {
    const { id, offset, timeMs } = this.#last
    this.#last = {
      id: id + 1 + step.idStep,
      offset: offset + 1 + step.offsetStep,
      timeMs: timeMs + step.timeStep,
      ...NO_EXTRAS,
      ...step.extras,
    }
    // A time that does not count comes back as none.
    if (this.#last.dueKind === 0) this.#last.dueMs = 0
    if (this.#last.expiresKind === 0) this.#last.expiresMs = 0
    this.entries.push(this.#last)
    return this.#last
  }

  #appendRun(count: number): void {
    const { id, offset, timeMs } = this.#last
    this.list.appendRun(id + 1, offset + 1, timeMs, count)
    for (let n = 0; n < count; n++) {
      this.#next({ idStep: 0, offsetStep: 0, timeStep: 0, extras: null })
    }
  }

  /** Only whole chunks go, and nothing at or above the offset; never what the cursor is yet to read. */
  #drop(wanted: number): void {
    const offset = Math.min(wanted, this.cursorFrom)
    this.list.dropBelow(offset)
    const gone = this.entries.length - this.list.count
    expect(this.entries[gone - 1]?.offset ?? -1).toBeLessThan(Math.max(offset, 0))
    this.entries = this.entries.slice(gone)
  }

  #rewrite(nth: number): void {
    const isGone = (offset: number): boolean => nth > 0 && offset % (nth + 1) === 0
    const before = this.list.rewrites
    for (let from = 0; from >= 0; ) from = this.list.rewriteSome(isGone, from, 1_000)
    const left = new Set(offsetsOf(this.list))
    expect(left.size).toBe(this.list.count)
    // What takes no less memory without them may stay; what is not gone stays.
    this.entries = this.entries.filter(({ offset }) => !isGone(offset) || left.has(offset))
    expect(this.entries.length).toBe(left.size)
    if (this.list.rewrites !== before) expect(this.cursor.runLength).toBe(0)
  }

  #read(count: number): void {
    const start = this.#cursorIndex()
    for (const entry of this.entries.slice(start, start + count)) {
      expect(this.cursor.next()).toBe(true)
      expect(entryOf(this.cursor)).toEqual(entry)
      this.cursorFrom = entry.offset + 1
    }
    if (start + count > this.entries.length) expect(this.cursor.next()).toBe(false)
  }

  #readRuns(count: number): void {
    for (let n = 0; n < count; n++) {
      let index = this.#cursorIndex()
      const isThere = this.cursor.next()
      expect(isThere).toBe(index < this.entries.length)
      if (!isThere) return
      expect(entryOf(this.cursor)).toEqual(this.entries[index])
      const length = this.cursor.runLength - (n % 2)
      if (length > 0) {
        this.cursor.skip(length)
        index += length
        expect(entryOf(this.cursor)).toEqual(this.entries[index])
      }
      this.cursorFrom = this.cursor.offset + 1
    }
  }

  #cursorIndex(): number {
    const index = this.entries.findIndex((entry) => entry.offset >= this.cursorFrom)
    return index < 0 ? this.entries.length : index
  }

  /** The offset of any entry, or one near it, or one beyond the end. */
  #offsetAt(seed: number): number {
    const entry = this.entries[seed % (this.entries.length + 1)]
    return Math.max(0, (entry?.offset ?? this.#last.offset + 5) + (seed % 3) - 1)
  }
}

/** Fills several parts in the quickest way: tokens that no run can take together. */
function long(entries: number): Postings {
  const list = new Postings()
  for (let n = 0; n < entries; n++) list.append(3 * n, n, 7)
  return list
}

describe('a list of message facts', () => {
  it('gives back what was appended, to a cursor that lives through every change', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
        const pair = new Pair()
        for (const one of commands) {
          pair.run(one)
          expect(pair.list.count).toBe(pair.entries.length)
          expect(pair.list.isEmpty).toBe(pair.entries.length === 0)
          expect(pair.list.firstOffset).toBe(pair.entries[0]?.offset ?? -1)
          expect(pair.list.lastOffset).toBe(pair.entries.at(-1)?.offset ?? -1)
        }
        expect(entriesOf(pair.list)).toEqual(pair.entries)
        const loaded = load(stored(pair.list))
        expect(entriesOf(loaded)).toEqual(pair.entries)
        expect(stored(loaded)).toEqual(stored(pair.list))
        expect(loaded.count).toBe(pair.list.count)
      }),
      { numRuns: 150 },
    )
  })

  it('is entered at any offset', () => {
    const list = new Postings()
    for (let n = 0; n < 5_000; n++) list.append(4 * n, 2 * n, n - (n % 100))
    list.appendRun(30_000, 20_000, 9_000, 10_000)
    for (const from of [0, 1, 2, 4_095, 4_096, 9_998, 9_999, 20_000, 25_000, 29_999]) {
      const cursor = new PostingsCursor(list)
      cursor.moveTo(from)
      expect(cursor.next()).toBe(true)
      expect(cursor.offset).toBe(from > 9_998 ? Math.max(from, 20_000) : from + (from % 2))
      cursor.moveTo(0)
      expect([cursor.next(), cursor.offset]).toEqual([true, 0])
    }
    const beyond = new PostingsCursor(list)
    beyond.moveTo(30_005)
    expect(beyond.next()).toBe(false)
    list.appendRun(50_000, 30_000, 9_000, 10)
    expect([beyond.next(), beyond.offset, beyond.runLength]).toEqual([true, 30_005, 4])
    expect(() => beyond.skip(5)).toThrow('beyond the run')
  })

  it('goes on where an open run is extended, also after it became a token', () => {
    const list = new Postings()
    const cursor = new PostingsCursor(list)
    expect(cursor.next()).toBe(false)
    list.appendRun(1, 0, 5, 3)
    expect([cursor.next(), cursor.runLength]).toEqual([true, 2])
    cursor.skip(2)
    expect(cursor.next()).toBe(false)
    list.append(4, 3, 5)
    expect([cursor.next(), cursor.offset, cursor.runLength]).toEqual([true, 3, 0])
    list.appendRun(5, 4, 5, 2)
    list.append(9, 8, 6)
    expect([cursor.next(), cursor.offset, cursor.runLength]).toEqual([true, 4, 1])
    expect([cursor.next(), cursor.next(), cursor.id, cursor.offset]).toEqual([true, true, 9, 8])
    expect(cursor.next()).toBe(false)
  })

  it('finds its place in the list when everything it had read is dropped', () => {
    const list = long(3_000)
    const cursor = new PostingsCursor(list)
    while (cursor.next());
    list.dropBelow(3_000)
    expect([list.count, list.firstOffset, list.lastOffset, cursor.next()]).toEqual([
      0,
      -1,
      -1,
      false,
    ])
    list.append(90_000, 3_000, 8)
    expect([cursor.next(), cursor.id, cursor.next()]).toEqual([true, 90_000, false])
  })

  it('refuses entries that are not behind the last one, dropped or not', () => {
    const list = new Postings()
    list.append(5, 5, 5)
    list.dropBelow(6)
    for (const [id, offset, timeMs] of [
      [5, 6, 5],
      [6, 5, 5],
      [6, 6, 4],
      [6.5, 6, 5],
      [6, 2 ** 53, 5],
      [6, 6, Number.NaN],
    ] as const) {
      expect(() => list.append(id, offset, timeMs)).toThrow('not behind')
      expect(() => list.appendRun(id, offset, timeMs, 2)).toThrow('not behind')
    }
    expect(() => list.append(6, 6, 6, 3, 1)).toThrow('extras')
    expect(() => list.append(6, 6, 6, 1, -1)).toThrow('extras')
    expect(() => list.append(6, 6, 6, 0, 0, 0, 0, 0.5)).toThrow('extras')
    expect(() => list.appendRun(6, 6, 6, 1.5)).toThrow('none')
    list.append(6, 6, 6)
    expect(list.count).toBe(1)
  })

  it('costs next to nothing as a plain backlog, and three bytes an entry among other queues', () => {
    const plain = new Postings()
    for (let n = 0; n < 1_000; n++) plain.appendRun(1_000 * n, 1_000 * n, n, 1_000)
    expect(plain.byteLength / plain.count).toBeLessThan(0.02)
    const mixed = new Postings()
    let id = 0
    for (let n = 0; n < 20_000; n++) {
      id += 1 + ((n * 7_919) % 119)
      mixed.append(id, 3 * n + (n % 3), Math.floor(n / 50))
    }
    expect(mixed.byteLength / mixed.count).toBeLessThan(3)
  })
})

describe('the stored parts of a list of message facts', () => {
  it('stay the same while only later ones grow', () => {
    const list = long(120_000)
    const version = list.version
    const before = stored(list)
    expect(before.length).toBeGreaterThan(2)
    expect(before.every(([, bytes]) => bytes.length <= 200_000)).toBe(true)
    list.append(400_000, 120_000, 8)
    const changed = before.map(([part]) => list.isPartChanged(part, version))
    expect(changed).toEqual(before.map((_, index) => index === before.length - 1))
    expect(stored(list).slice(0, -1)).toEqual(before.slice(0, -1))
  })

  it('change in front only where chunks are dropped, and where they are rewritten', () => {
    const list = long(120_000)
    let version = list.version
    const parts = list.partNumbers()
    list.dropBelow(1_000)
    expect(parts.map((part) => list.isPartChanged(part, version))).not.toContain(true)
    list.dropBelow(5_000)
    expect(parts.map((part) => list.isPartChanged(part, version))).toEqual(
      parts.map((_, index) => index === 0),
    )
    expect(stored(load(stored(list)))).toEqual(stored(list))
    version = list.version
    list.dropBelow(60_000)
    expect(list.partNumbers()).toEqual(parts.slice(1))
    const isGone = (offset: number): boolean => offset % 2 === 0 && offset < 70_000
    const count = list.count
    const [first = 0] = list.partNumbers()
    version = list.version
    const from = list.rewriteSome(isGone, 0, 4_096)
    // A piece of it, and no more.
    expect(count - list.count).toBeGreaterThan(0)
    expect(count - list.count).toBeLessThan(4_096)
    expect(list.isPartChanged(first, version)).toBe(true)
    expect(list.isPartChanged(list.partNumbers().at(-1) ?? 0, version)).toBe(false)
    for (let at = from; at >= 0; ) at = list.rewriteSome(isGone, at, 4_096)
    expect(list.count).toBeLessThan(count - 4_000)
    expect(entriesOf(load(stored(list)))).toEqual(entriesOf(list))
  })

  it('are continued after they were loaded', () => {
    const list = load(stored(long(60_000)))
    const version = list.version
    expect(list.partNumbers().some((part) => list.isPartChanged(part, version))).toBe(false)
    const cursor = new PostingsCursor(list)
    cursor.moveTo(59_999)
    expect(cursor.next()).toBe(true)
    list.append(200_000, 60_000, 9)
    expect([cursor.next(), cursor.id]).toEqual([true, 200_000])
    expect(() => list.append(200_000, 60_001, 9)).toThrow('not behind')
    expect(() => list.loadPart(list.encodePart(0))).toThrow('behind new entries')
    expect(entriesOf(load(stored(list)))).toEqual(entriesOf(list))
  })

  it('are refused where they are malformed, cut off or out of order', () => {
    const list = long(60_000)
    list.append(200_000, 70_000, 8, 2, 9, 1, 3, 5)
    const parts = stored(list)
    const first = parts[0]?.[1] ?? new Uint8Array()
    const second = parts[1]?.[1] ?? new Uint8Array()
    const other = load([[0, second]])
    expect(other.loadPart(first)).toBe(false)
    expect(other.loadPart(second)).toBe(false)
    expect(other.count).toBeLessThan(60_000)
    for (let cut = 0; cut < 40; cut++) {
      expect(new Postings().loadPart(second.subarray(0, second.length - 1 - cut))).toBe(false)
    }
    // Number, id, offset, time, length, bytes.
    for (const bytes of [
      [],
      [0],
      [0, 5, 5, 5, 0],
      [0, 5, 5, 5, 1],
      [0, 5, 5, 5, 1, 0x01],
      [0, 5, 5, 5, 2, 0x00, 0x01],
      [0, 5, 5, 5, 2, 0x01, 0x00],
      [0, 5, 5, 5, 3, 0x40, 0x00, 0x01],
      [0, 5, 5, 5, 3, 0xc0, 0x03, 0x00],
      [0, 5, 5, 5, 3, 0xc0, 0x04, 0x00],
      [0, 5, 5, 5, 4, 0xc0, 0x20, 0x00, 0x00],
      [0, 5, 5, 5, 1, 0x80, 0, 0, 0, 1, 0x80],
      [0, 5, 5, 5, 9, 0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
    ]) {
      expect(new Postings().loadPart(Uint8Array.from(bytes)), `${bytes}`).toBe(false)
    }
    const good = new Postings()
    expect(good.loadPart(Uint8Array.from([0, 5, 5, 5, 1, 0x80, 1, 1, 0, 1, 0x80]))).toBe(true)
    expect(entriesOf(good).map((entry) => entry.id)).toEqual([5, 6])
  })

  it('never make a cursor leave its bytes, whatever they hold', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(255), { maxLength: 30 }), (tokens) => {
        const list = new Postings()
        const bytes = Uint8Array.from([0, 5, 5, 5, tokens.length, ...tokens])
        if (!list.loadPart(bytes)) return
        const cursor = new PostingsCursor(list)
        let count = 0
        while (cursor.next()) {
          for (const value of [cursor.id, cursor.offset, cursor.timeMs, cursor.dueMs]) {
            expect(Number.isSafeInteger(value)).toBe(true)
          }
          count += 1 + cursor.runLength
          cursor.skip(cursor.runLength)
        }
        expect(count).toBe(list.count)
      }),
      { numRuns: 2_000 },
    )
  })
})
