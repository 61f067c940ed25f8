/** What is wrong with an argument is said in words that lead to what is meant. */
import { expect, onTestFinished, test } from 'vitest'
import { json, openStore, type Queue, type Store } from '../../src/index.ts'

interface Parts {
  readonly store: Store
  readonly plain: Queue
  readonly typed: Queue<unknown, unknown>
}

const CASES: readonly [what: string, call: (parts: Parts) => unknown, words: string][] = [
  [
    'an item without a body',
    ({ typed }) => typed.putMany([{ i: 1 } as never]),
    'no `body`: a value that is an object goes in { body: value }',
  ],
  [
    'an item that is a list',
    ({ typed }) => typed.putMany([[1, 2] as never]),
    'a value that is an object goes in { body: value }',
  ],
  [
    'a value that has a body itself',
    ({ typed }) => typed.putMany([{ to: 'Ada', body: 'Hello' } as never]),
    '"to" in an item of putMany (a value that is an object goes in { body: value })',
  ],
  [
    'a codec that was not called',
    ({ store }) => store.queue('q', { codec: json as never }),
    'is itself a function: call it, as in json()',
  ],
  ['NaN as a time', ({ plain }) => plain.put('x', { at: Number.NaN }), 'at must be a Date, or'],
  [
    'a date that is none',
    ({ plain }) => plain.put('x', { at: new Date(Number.NaN) }),
    'not Invalid Date',
  ],
  ['a place', ({ plain }) => plain.group().seek('start' as never), "'next', { offset }, { id } or"],
  ['a name of a message', ({ plain }) => plain.delete(['a' as never]), 'not "a"'],
  ['no message', ({ plain }) => plain.delete([{} as never]), 'not [object Object]'],
  [
    'a bigint',
    ({ plain }) => plain.put('x', { producer: 'p', sequence: 10n as never }),
    'to 9007199254740990, not 10n',
  ],
  ['a list', ({ plain }) => plain.put('x', { headers: [] as never }), 'texts, not an array'],
  ['a function', ({ plain }) => plain.put((() => 1) as never), 'not a function'],
  ['a promise', ({ plain }) => plain.put(Promise.resolve('x') as never), 'not [object Promise]'],
]

test.each(CASES)('%s', async (_what, call, words) => {
  const store = await openStore(':memory:')
  onTestFinished(() => store.close())
  const parts = { store, plain: store.queue('plain'), typed: store.queue('q', { codec: json() }) }
  await expect(async () => call(parts)).rejects.toMatchObject({
    code: 'QLOG_INVALID_ARGUMENT',
    message: expect.stringContaining(words),
  })
})

test('a put that is larger than its queue may ever hold is told so', async () => {
  const store = await openStore(':memory:')
  onTestFinished(() => store.close())
  const queue = store.queue('narrow')
  await queue.configure({ messagesMax: 2 })
  const put = (count: number) => queue.putMany(Array.from({ length: count }, () => 'x'))
  const full = { code: 'QLOG_QUEUE_FULL' }
  const never = 'narrow takes at most 2 messages, and this put alone has 3 messages'
  await expect(put(3)).rejects.toMatchObject({
    ...full,
    message: expect.stringContaining(never),
  })
  await put(2)
  const words = 'the queue narrow has room for 2 messages'
  await expect(put(1)).rejects.toMatchObject({ ...full, message: words })
})
