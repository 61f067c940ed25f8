/** Bad input of workers, consuming loops, codecs and contexts. */
import { rejected } from './checks.ts'
import { each, eachOption, type Misuse, refusesAll } from './misuse.ts'
import type { StoreTest } from './world.ts'

const NAN = Number.NaN
const COUNTS = [-1, 1.5, NAN, '1', {}, 65_537]
const DURATIONS = [-1, NAN, '5', {}, Number.POSITIVE_INFINITY]
const NAMES = ['', 'x'.repeat(201), 'a\nb', 17, null]
const noHandler = (): void => undefined

export const BAD_WORK: readonly StoreTest[] = [
  {
    name: 'a worker takes a handler and options within their ranges',
    run: (world) =>
      refusesAll(world, ({ queue }) => {
        const option = (name: string, values: readonly unknown[], word = name): Misuse[] =>
          each(
            `work ${name}`,
            values.map((value) => ({ [name]: value })),
            (options) => queue.work(noHandler, options),
            word,
          )
        return [
          ...each('work', [undefined, null, 17, 'text', {}], (handler) => queue.work(handler)),
          ...each('work', [17, 'text', null, ['x']], (options) => queue.work(noHandler, options)),
          ...option('concurrency', [0, ...COUNTS]),
          ...option('prefetch', COUNTS),
          ...option('leaseMs', [99, ...DURATIONS]),
          ...option('signal', [17, {}, 'abort']),
          ...option('group', NAMES),
          ...option('from', ['last', 17, { id: -1 }]),
          ...option('leasedMax', [0, 1.5]),
          ...option('concurency', [5]),
        ]
      }),
  },
  {
    name: 'a consuming loop takes options within their ranges',
    run: (world) =>
      refusesAll(world, ({ queue }) => {
        const option = (name: string, values: readonly unknown[]): Misuse[] =>
          eachOption('consume', name, values, (options) => queue.consume(options))
        return [
          ...each('consume', [17, 'text', null], (options) => queue.consume(options)),
          ...option('prefetch', [0, ...COUNTS]),
          ...option('leaseMs', [0, ...DURATIONS]),
          ...option('signal', [17, {}]),
          ...option('group', NAMES),
          ...option('from', ['last', {}]),
          ...option('concurrency', [5]),
        ]
      }),
  },
  {
    name: 'a codec has two functions, a context is one',
    run: (world) =>
      refusesAll(world, ({ store }) => [
        ...eachOption(
          'queue',
          'codec',
          [17, null, 'json', {}, { encode: noHandler }, { encode: 1, decode: 1 }],
          (options) => store.queue('q', options),
        ),
        ...eachOption('queue', 'context', [17, null, 'trace', {}], (options) =>
          store.queue('q', options),
        ),
      ]),
  },
  {
    name: 'a worker is stopped with options that make sense, and goes on otherwise',
    run: async (world) => {
      const worker = world.store.queue('q').work(noHandler)
      for (const options of [{ timeoutMs: -1 }, { timeoutMs: '5' }, { timeout: 5 }, 17, null]) {
        await rejected('QLOG_INVALID_ARGUMENT', () => worker.stop(options as never))
      }
      if (worker.status !== 'running') throw new Error(`it is ${worker.status}`)
      await worker.stop()
    },
  },
]
