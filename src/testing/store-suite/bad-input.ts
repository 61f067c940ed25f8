/** Bad input of the verbs: names, numbers, times, bodies, headers, lists. */
import { equal, rejected } from './checks.ts'
import { each, eachOption, type Misuse, refusesAll } from './misuse.ts'
import type { StoreTest } from './world.ts'

const WRONG_TYPES = [17, true, {}, ['q'], null]
/** A name is 1 to 200 bytes of UTF-8 without control characters. */
const NAMES = [
  '',
  'x'.repeat(201),
  'ü'.repeat(101),
  'a\0b',
  'a\nb',
  '\x7f',
  '\ud800',
  ...WRONG_TYPES,
]
const PRIORITIES = [-1, 1.5, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY, '1', {}]
const DURATIONS = [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53 + 2, '5', {}]
const TIMES = [Number.NaN, Number.POSITIVE_INFINITY, 'tomorrow', new Date(Number.NaN), {}]
const IDS = [-1, 1.5, Number.NaN, '1', {}]
/** More than any log takes as one batch. */
const TOO_MANY_BYTES = 40 << 20

export const BAD_INPUT: readonly StoreTest[] = [
  {
    name: 'names of queues are 1 to 200 bytes of UTF-8 without control characters',
    run: (world) =>
      refusesAll(world, ({ store, session }) => [
        ...each('queue', NAMES, (name) => store.queue(name)),
        ...each('watch', NAMES, (name) => session.watch(name)),
        ...each('put of a transaction', NAMES, (name) =>
          store.transaction((tx) => tx.put(name, 'x')),
        ),
        ...each('pause of a transaction', NAMES, (name) =>
          store.transaction((tx) => tx.pause(name, 5)),
        ),
        ...each('purge of a transaction', NAMES, (name) =>
          store.transaction((tx) => tx.purge(name)),
        ),
      ]),
  },
  {
    name: 'names of groups are held to the same rule',
    run: (world) =>
      refusesAll(world, ({ queue, session }) => [
        ...each('createGroup', NAMES, (name) => queue.createGroup(name)),
        ...each('group', NAMES, (name) => queue.group(name)),
        ...each('watch', NAMES, (group) => session.watch('q', { group })),
        ...each('get', NAMES, (group) => queue.get(1, group)),
        ...each('reserveById', NAMES, (group) => session.reserveById(1, { group })),
      ]),
  },
  {
    name: 'priorities are whole numbers from 0 to 4294967295',
    run: (world) =>
      refusesAll(world, ({ store, queue, session, delivery }) => {
        const option = (what: string, call: (options: never) => unknown): Misuse[] =>
          eachOption(what, 'priority', PRIORITIES, call)
        return [
          ...option('put', (options) => queue.put('x', options)),
          ...option('release', (options) => delivery.release(options)),
          ...option('bury', (options) => delivery.bury(options)),
          ...option('release of many', (options) => session.release([delivery], options)),
          ...option('bury of many', (options) => session.bury([delivery], options)),
          ...option('put of a transaction', (options) =>
            store.transaction((tx) => tx.put('q', 'x', options)),
          ),
          ...each('putMany', PRIORITIES, (priority) =>
            queue.putMany(['a', { body: 'b', priority }]),
          ),
        ]
      }),
  },
  {
    name: 'durations are numbers from 0 that a clock can count',
    run: (world) =>
      refusesAll(world, ({ store, queue, session, delivery }) => [
        ...eachOption('put', 'delayMs', DURATIONS, (options) => queue.put('x', options)),
        ...eachOption('put', 'ttlMs', DURATIONS, (options) => queue.put('x', options)),
        ...each('put keyWindowMs', DURATIONS, (keyWindowMs) =>
          queue.put('x', { key: 'k', keyWindowMs }),
        ),
        ...eachOption('release', 'delayMs', DURATIONS, (options) => delivery.release(options)),
        ...eachOption('release of many', 'delayMs', DURATIONS, (options) =>
          session.release([delivery], options),
        ),
        ...each('pause', DURATIONS, (pauseMs) => queue.pause(pauseMs)),
        ...each('pause of a transaction', DURATIONS, (pauseMs) =>
          store.transaction((tx) => tx.pause('q', pauseMs)),
        ),
      ]),
  },
  {
    name: 'times are dates or milliseconds, and not given beside a delay',
    run: (world) =>
      refusesAll(world, ({ queue, delivery }) => [
        ...each('put at', TIMES, (at) => queue.put('x', { at })),
        ...each('release at', TIMES, (at) => delivery.release({ at })),
        ...each('put of both', [{ delayMs: 5, at: 5 }], (options) => queue.put('x', options)),
        ...each('release of both', [{ delayMs: 5, at: 5 }], (options) => delivery.release(options)),
      ]),
  },
  {
    name: 'bodies are strings or bytes',
    run: (world) => {
      const bodies = [17, null, undefined, {}, [1, 2], true, new Uint16Array(2), new Date(0)]
      return refusesAll(world, ({ store, queue }) => [
        ...each('put', bodies, (body) => queue.put(body)),
        ...each('putMany', bodies, (item) => queue.putMany(['x', item])),
        ...each('body of putMany', bodies, (body) => queue.putMany([{ body }])),
        ...each('list of putMany', [17, null, 'text', {}], (items) => queue.putMany(items)),
        ...each('transaction', bodies, (body) => store.transaction((tx) => tx.put('q', body))),
      ])
    },
  },
  {
    name: 'headers are an object of strings, a key is a string',
    run: (world) => {
      const headers = [17, 'text', ['a'], { a: 1 }, { a: null }, { a: ['b'] }]
      return refusesAll(world, ({ store, queue }) => [
        ...each('put', headers, (wrong) => queue.put('x', { headers: wrong }), 'header'),
        ...each('putMany', headers, (wrong) => queue.putMany([{ body: 'x', headers: wrong }])),
        ...each('transaction', headers, (wrong) =>
          store.transaction((tx) => tx.put('q', 'x', { headers: wrong })),
        ),
        ...eachOption('put', 'key', [17, {}, true, []], (options) => queue.put('x', options)),
      ])
    },
  },
  {
    name: 'a body that is too large is refused whole, and what came before it is not touched',
    run: async (world) => {
      const { store } = world
      const queue = store.queue('q')
      await world.put('q', 'a')
      const huge = new Uint8Array(TOO_MANY_BYTES)
      await rejected('QLOG_TOO_LARGE', () => queue.put(huge), 'put')
      await rejected('QLOG_TOO_LARGE', () => queue.put('x'.repeat(TOO_MANY_BYTES)), 'put of text')
      await rejected('QLOG_TOO_LARGE', () => queue.putMany(['b', huge]), 'putMany')
      const made = () =>
        store.transaction((tx) => {
          tx.put('q', 'b')
          tx.put('other', huge)
        })
      await rejected('QLOG_TOO_LARGE', made, 'transaction')
      equal((await world.put('q', 'c')).offset, 1)
      await world.reopen()
      equal([...world.store.queues()], ['q'])
      equal(await world.drain('q'), ['a', 'c'])
    },
  },
  {
    name: 'ids, counts and names of messages are held to their ranges',
    run: (world) =>
      refusesAll(world, ({ queue, group, session }) => [
        ...each('get', IDS, (id) => queue.get(id)),
        ...each('reserveById', IDS, (id) => session.reserveById(id)),
        ...each('delete', [17, 'all', null, ['x'], [{}], [-1], [1.5], [null]], (list) =>
          queue.delete(list),
        ),
        ...each('kick', [-1, 1.5, Number.NaN, 'all', null, ['x'], [{}], [-1], [null]], (which) =>
          group.kick(which),
        ),
      ]),
  },
  {
    name: 'verbs over many take lists of deliveries',
    run: (world) => {
      const lists = [17, null, 'all', {}, [17], [null], [{ id: 1 }]]
      return refusesAll(world, ({ store, session }) => [
        ...each('ack', lists, (list) => session.ack(list)),
        ...each('release', lists, (list) => session.release(list)),
        ...each('retry', lists, (list) => session.retry(list)),
        ...each('bury', lists, (list) => session.bury(list)),
        ...each('extend', lists, (list) => session.extend(list)),
        ...each('ack of a transaction', [17, null, { id: 1 }], (one) =>
          store.transaction((tx) => tx.ack(one)),
        ),
        ...each('transaction', [17, null, undefined, {}], (body) => store.transaction(body)),
      ])
    },
  },
]
