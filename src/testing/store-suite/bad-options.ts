/** Bad options: values out of range, and names that nobody knows. */
import { equal, rejected } from './checks.ts'
import { each, eachOption, type Misuse, refusesAll } from './misuse.ts'
import type { StoreTest } from './world.ts'

const NAN = Number.NaN
const COUNTS = [0, -1, 1.5, NAN, '1', {}]
const DURATIONS = [-1, NAN, '5', {}]

export const BAD_OPTIONS: readonly StoreTest[] = [
  {
    name: 'options of reserve are held to their ranges',
    run: (world) =>
      refusesAll(world, ({ session }) => {
        const option = (name: string, values: readonly unknown[]): Misuse[] =>
          eachOption('reserve', name, values, (options) => session.reserve(options))
        return [
          ...option('count', COUNTS),
          ...option('bytesMax', [-1, NAN, '1', {}]),
          ...option('timeoutMs', DURATIONS),
          ...option('leaseMs', [...DURATIONS, Number.POSITIVE_INFINITY]),
          ...option('signal', [17, {}, 'abort']),
          ...eachOption('reserveById', 'leaseMs', DURATIONS, (options) =>
            session.reserveById(1, options),
          ),
        ]
      }),
  },
  {
    name: 'options of a loop are held to their ranges',
    run: (world) =>
      refusesAll(world, ({ session }) => {
        const option = (name: string, values: readonly unknown[]): Misuse[] =>
          eachOption('deliveries', name, values, (options) => session.deliveries(options).next())
        return [
          ...option('prefetch', [...COUNTS, 65_537]),
          ...option('leaseMs', DURATIONS),
          ...option('signal', [17, {}]),
        ]
      }),
  },
  {
    name: 'an extension is held to the range of leases',
    run: (world) =>
      refusesAll(world, ({ session, delivery }) => [
        ...each('extend', DURATIONS, (leaseMs) => delivery.extend(leaseMs)),
        ...each('extend of many', DURATIONS, (leaseMs) => session.extend([delivery], leaseMs)),
      ]),
  },
  {
    name: 'settings of a group are held to their ranges',
    run: (world) =>
      refusesAll(world, ({ store, queue, group, session }) => {
        const starts = ['last', 17, {}, { id: -1 }, { id: 1.5 }, { timeMs: NAN }, { offset: 1 }]
        return [
          ...eachOption('createGroup', 'from', starts, (options) =>
            queue.createGroup('g', options),
          ),
          ...eachOption('watch', 'from', starts, (options) => session.watch('q', options)),
          ...eachOption('createGroup', 'leasedMax', COUNTS, (options) =>
            queue.createGroup('g', options),
          ),
          ...eachOption('createGroup', 'promoteAfterMs', DURATIONS, (options) =>
            queue.createGroup('g', options),
          ),
          ...eachOption('configure', 'leasedMax', COUNTS, (settings) => group.configure(settings)),
          ...eachOption('configure', 'promoteAfterMs', DURATIONS, (settings) =>
            group.configure(settings),
          ),
          ...eachOption('configure of a transaction', 'leasedMax', COUNTS, (settings) =>
            store.transaction((tx) => tx.configure(group, settings)),
          ),
        ]
      }),
  },
  {
    name: 'settings of a retry are held to their ranges',
    run: (world) =>
      refusesAll(world, ({ store }) => {
        const option = (name: string, values: readonly unknown[]): Misuse[] =>
          eachOption('queue', name, values, (retry) => store.queue('q', { retry }))
        return [
          ...option('attemptsMax', COUNTS),
          ...option('backoffMs', DURATIONS),
          ...option('backoffMaxMs', DURATIONS),
        ]
      }),
  },
  {
    name: 'options of looking are held to their ranges',
    run: (world) =>
      refusesAll(world, ({ queue, group }) => [
        ...each('peek', ['leased', 'finished', 'gone', 17, null], (state) => group.peek(state)),
        ...eachOption('list', 'state', ['gone', 17], (options) => group.list(options)),
        ...eachOption('list', 'from', [-1, 1.5, NAN, '0'], (options) => group.list(options)),
        ...eachOption('list', 'limit', [...COUNTS, 10_001], (options) => group.list(options)),
        ...eachOption('read', 'limit', [...COUNTS, 10_001], (options) => queue.read(options)),
        ...eachOption('read', 'bytesMax', [-1, NAN, '1'], (options) => queue.read(options)),
        ...each('read from', ['first', 17, {}, { offset: -1 }, { id: NAN }, { time: 1 }], (from) =>
          queue.read({ from }),
        ),
      ]),
  },
  {
    name: 'filters of a redrive are held to their ranges',
    run: (world) =>
      refusesAll(world, ({ store, group }) => {
        const places = [
          'first',
          17,
          null,
          {},
          { offset: -1 },
          { offset: 1.5 },
          { id: 0 },
          { at: 1 },
        ]
        const option = (name: string, values: readonly unknown[]): Misuse[] => [
          ...eachOption('redrive', name, values, (options) => group.redrive(options)),
          ...eachOption('redrive of a transaction', name, values, (options) =>
            store.transaction((tx) => void tx.redrive(group, options)),
          ),
        ]
        return [
          ...option('count', COUNTS),
          ...option('from', places),
          ...option('to', places),
          ...option('reason', [17, {}, null]),
          ...each('redrive of a transaction', [17, null, {}], (wrong) =>
            store.transaction((tx) => void tx.redrive(wrong)),
          ),
        ]
      }),
  },
  {
    name: 'places of a seek are held to their ranges',
    run: (world) =>
      refusesAll(world, ({ store, group }) => {
        const places = [
          'last',
          17,
          null,
          undefined,
          {},
          { offset: -1 },
          { id: NAN },
          { timeMs: NAN },
        ]
        return [
          ...each('seek', places, (place) => group.seek(place)),
          ...each('seek of a transaction', places, (place) =>
            store.transaction((tx) => tx.seek(group, place)),
          ),
          ...each('seek of a transaction', [17, null, {}], (wrong) =>
            store.transaction((tx) => tx.seek(wrong, 'first')),
          ),
        ]
      }),
  },
  {
    name: 'what moves, and where to, is held to its ranges',
    run: (world) =>
      refusesAll(world, ({ group }) => {
        const places = ['first', 17, null, {}, { offset: -1 }, { id: 0 }]
        const option = (name: string, values: readonly unknown[]): Misuse[] =>
          values.flatMap((value) =>
            each(`move ${name}`, [{ state: 'buried', [name]: value }], (options) =>
              group.move('to', options),
            ),
          )
        const targets = ['', 'q', 'x'.repeat(201), 'a\0b', 17, null]
        return [
          ...each('move', targets, (target) => group.move(target, { state: 'ready' })),
          ...option('state', ['leased', 'finished', 17, null, undefined]),
          ...option('count', COUNTS),
          ...option('from', places),
          ...option('to', places),
          ...option('reason', [17, {}, null]),
          ...option('signal', [17, {}]),
          ...option('delay', [5]),
          ...each(
            'move',
            [17, 'text', null, undefined, { state: 'ready', reason: 'x' }],
            (options) => group.move('to', options),
          ),
        ]
      }),
  },
  {
    name: 'what is done about duplicates is one of three things, and needs a key',
    run: (world) =>
      refusesAll(world, ({ store, queue }) => {
        const wrong = [
          ...['twice', 17, {}, null].map((onDuplicate) => ({ key: 'k', onDuplicate })),
          { onDuplicate: 'replace' },
        ]
        const keys = ['', 17, null, undefined, 'x'.repeat(1_025), '\ud800']
        return [
          ...each('put', wrong, (options) => queue.put('x', options), 'onDuplicate'),
          ...each('transaction', wrong, (options) =>
            store.transaction((tx) => tx.put('q', 'x', options)),
          ),
          ...each('findByKey', keys, (key) => queue.findByKey(key)),
          ...each('findByKey', ['', 17, null], (group) => queue.findByKey('k', group)),
        ]
      }),
  },
  {
    name: 'options that nobody knows are refused, and named',
    run: (world) =>
      refusesAll(world, ({ store, queue, group, session, delivery }) => {
        const unknown = (what: string, call: (options: never) => unknown): Misuse[] =>
          eachOption(what, 'delay', [5], call)
        return [
          ...unknown('put', (options) => queue.put('x', options)),
          ...unknown('queue', (options) => store.queue('q', options)),
          ...unknown('retry of a queue', (retry) => store.queue('q', { retry })),
          ...unknown('createGroup', (options) => queue.createGroup('g', options)),
          ...unknown('watch', (options) => session.watch('q', options)),
          ...unknown('configure', (settings) => group.configure(settings)),
          ...unknown('redrive', (options) => group.redrive(options)),
          ...unknown('list', (options) => group.list(options)),
          ...unknown('read', (options) => queue.read(options)),
          ...unknown('reserve', (options) => session.reserve(options)),
          ...unknown('reserveById', (options) => session.reserveById(1, options)),
          ...unknown('deliveries', (options) => session.deliveries(options).next()),
          ...unknown('release', (options) => delivery.release(options)),
          ...unknown('bury', (options) => delivery.bury(options)),
          ...unknown('release of many', (options) => session.release([delivery], options)),
          ...unknown('bury of many', (options) => session.bury([delivery], options)),
          ...unknown('put of a transaction', (options) =>
            store.transaction((tx) => tx.put('q', 'x', options)),
          ),
          ...each('putMany', [{ body: 'x', delay: 5 }], (item) => queue.putMany([item]), 'delay'),
          ...unknown('close', (options) => store.close(options)),
        ]
      }),
  },
  {
    name: 'a store is not opened with options that nobody knows, or a signal that was aborted',
    run: async (world) => {
      await world.put('q', 'a')
      await world.close()
      await rejected('QLOG_INVALID_ARGUMENT', () => world.open({ signal: 17 } as never))
      await rejected('QLOG_INVALID_ARGUMENT', () => world.open({ delay: 5 } as never))
      await rejected('QLOG_ABORTED', () => world.open({ signal: AbortSignal.abort() }))
      await world.open()
      equal(await world.drain('q'), ['a'])
    },
  },
  {
    name: 'options that are no object are refused',
    run: (world) =>
      refusesAll(world, ({ store, queue, group, session, delivery }) => {
        const wrong = (what: string, call: (options: never) => unknown): Misuse[] =>
          each(what, [17, 'text', true], call)
        return [
          ...wrong('put', (options) => queue.put('x', options)),
          ...wrong('queue', (options) => store.queue('q', options)),
          ...wrong('createGroup', (options) => queue.createGroup('g', options)),
          ...wrong('watch', (options) => session.watch('q', options)),
          ...wrong('configure', (settings) => group.configure(settings)),
          ...wrong('redrive', (options) => group.redrive(options)),
          ...wrong('list', (options) => group.list(options)),
          ...wrong('read', (options) => queue.read(options)),
          ...wrong('reserve', (options) => session.reserve(options)),
          ...wrong('deliveries', (options) => session.deliveries(options).next()),
          ...wrong('release', (options) => delivery.release(options)),
          ...wrong('bury', (options) => delivery.bury(options)),
        ]
      }),
  },
]
