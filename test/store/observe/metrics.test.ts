/** The metrics of a store: their names, their text, and what a registry like that of prom-client gets. */
import { describe, expect, test } from 'vitest'
import { openStore } from '../../../src/index.ts'
import { LABELLED_GROUPS_MAX, LABELLED_QUEUES_MAX } from '../../../src/store/observe/labelled.ts'
import { METRICS } from '../../../src/store/observe/metrics.ts'
import {
  type MetricsRegistry,
  registerMetrics,
} from '../../../src/store/observe/metrics-registry.ts'
import { metricsText } from '../../../src/store/observe/metrics-text.ts'
import type { StoreStats } from '../../../src/store/types/stats.ts'
import type { Store } from '../../../src/store/types/store.ts'

describe('the table of metrics', () => {
  test('has names and labels as Prometheus wants them, each once', () => {
    const names = METRICS.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const { name, help, type, labels } of METRICS) {
      expect(name).toMatch(/^qlog_[a-z_]+$/)
      expect(help).toMatch(/^[A-Z0-9].*\.$/)
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
      for (const label of labels) expect(label).toMatch(/^[a-z]+$/)
    }
  })

  test('has the labels of its samples, and a number in each', async () => {
    await inStore(async (store) => {
      const stats = store.stats()
      for (const { name, labels, type, read } of METRICS) {
        for (const sample of read(stats)) {
          const own = Object.keys(sample.labels).filter((label) => label !== 'le')
          expect(own, name).toEqual(labels)
          expect(Number.isFinite(sample.value), name).toBe(true)
          expect(sample.suffix !== undefined, name).toBe(type === 'histogram')
        }
      }
    })
  })

  test('leaves out what there is nothing to tell of', async () => {
    const store = await openStore(':memory:')
    const read = (name: string) =>
      METRICS.find((metric) => metric.name === name)?.read(store.stats())
    expect(read('qlog_snapshot_age_seconds')).toEqual([])
    expect(read('qlog_group_oldest_seconds')).toEqual([])
    await store.queue('q').put('a')
    await store.queue('q').createGroup('g')
    expect(read('qlog_group_oldest_seconds')).toHaveLength(1)
    await store.close()
  })
})

describe('the text', () => {
  test('tells each sample in a line, below its help and type', async () => {
    await inStore(async (store) => {
      const lines = metricsText(store).split('\n')
      expect(lines.at(-1)).toBe('')
      const at = lines.indexOf('# HELP qlog_queue_put_total Messages put.')
      expect(lines.slice(at + 1, at + 4)).toEqual([
        '# TYPE qlog_queue_put_total counter',
        'qlog_queue_put_total{queue="a \\"quoted\\" one\\\\"} 1',
        'qlog_queue_put_total{queue="orders"} 3',
      ])
      expect(lines).toContain('qlog_group_acked_total{queue="orders",group="default"} 1')
      expect(lines).toContain('qlog_group_messages{queue="orders",group="default",state="ready"} 2')
      expect(lines).toContain('qlog_open 1')
      const sample = /^[a-z_]+(\{([a-z]+="[^\n]*",?)+\})? [0-9.e+-]+$/
      for (const line of lines.slice(0, -1)) {
        if (!line.startsWith('#')) expect(line).toMatch(sample)
      }
    })
  })

  test('counts flushes in buckets that hold those before them', () => {
    const flushCounts = [5, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]
    const log = { flushCounts, flushes: 10, flushSumMs: 30_500 }
    const flush = METRICS.find(({ name }) => name === 'qlog_flush_seconds')
    const samples = flush?.read({ log } as unknown as StoreStats) ?? []
    const buckets = samples.filter(({ suffix }) => suffix === '_bucket')
    expect(buckets).toHaveLength(15)
    expect(buckets.slice(0, 3).map(({ labels, value }) => [labels['le'], value])).toEqual([
      [0.001, 5],
      [0.002, 5],
      [0.004, 7],
    ])
    expect(buckets.slice(-2).map(({ labels, value }) => [labels['le'], value])).toEqual([
      [8.192, 8],
      ['+Inf', 10],
    ])
    expect(samples.slice(-2).map(({ suffix, value }) => [suffix, value])).toEqual([
      ['_sum', 30.5],
      ['_count', 10],
    ])
  })

  test('goes on to be told once the store is closed', async () => {
    const store = await openStore(':memory:')
    await store.queue('q').put('a')
    await store.close()
    const text = metricsText(store)
    expect(text).toContain('qlog_open 0\n')
    expect(text).toContain('qlog_queue_put_total{queue="q"} 1\n')
  })
})

describe('with very many queues', () => {
  const samples = (name: string, stats: StoreStats) =>
    METRICS.find((metric) => metric.name === name)?.read(stats) ?? []
  const only = (name: string, stats: StoreStats) => samples(name, stats)[0]?.value

  test('those with the most messages have their own, and the rest is counted', async () => {
    const store = await openStore(':memory:')
    const count = LABELLED_QUEUES_MAX + 3
    const names = Array.from({ length: count }, (_, row) => `q${1000 + row}`)
    for (const name of names)
      store
        .queue(name)
        .put('a')
        .catch(() => undefined)
    await store.queue('q1002').createGroup('g')
    await store.queue(names.at(-1) ?? '').putMany(['b', 'c'].map((body) => ({ body })))
    const stats = store.stats()
    const labelled = samples('qlog_queue_put_total', stats).map(({ labels }) => labels['queue'])
    expect(labelled).toEqual([names.at(-1), ...names.slice(0, LABELLED_QUEUES_MAX - 1)])
    expect(samples('qlog_queue_messages', stats)).toHaveLength(LABELLED_QUEUES_MAX)
    expect(only('qlog_queues_omitted', stats)).toBe(3)
    expect(only('qlog_queues_omitted_messages', stats)).toBe(3)
    expect(only('qlog_groups_omitted', stats)).toBe(0)
    await store.close()
  })

  test('groups are bounded over all of them', async () => {
    const store = await openStore(':memory:')
    const queue = store.queue('q')
    const names = Array.from({ length: LABELLED_GROUPS_MAX + 5 }, (_, row) => `g${row}`)
    await Promise.all(names.map((name) => queue.createGroup(name, { from: 'next' })))
    await queue.put('a')
    await queue.group('g0').seek('next')
    const stats = store.stats()
    const labelled = samples('qlog_group_acked_total', stats).map(({ labels }) => labels['group'])
    expect(labelled).toEqual(names.slice(1, LABELLED_GROUPS_MAX + 1))
    expect(samples('qlog_group_messages', stats)).toHaveLength(4 * LABELLED_GROUPS_MAX)
    expect(only('qlog_groups_omitted', stats)).toBe(5)
    expect(only('qlog_queues_omitted', stats)).toBe(0)
    await store.close()
  })
})

describe('a scrape', () => {
  test('tells what all figures of the store would', async () => {
    await inStore(async (store) => {
      const still = (text: string) =>
        text.split('\n').filter((line) => !/^qlog_\w+_seconds/.test(line))
      const all = metricsText({ stats: () => store.stats() })
      expect(still(metricsText(store))).toEqual(still(all))
      expect(metricsText(store).split('\n').length).toBe(all.split('\n').length)
    })
  })

  test('of very many queues looks into those that are shown alone', async () => {
    const store = await openStore(':memory:')
    const names = Array.from({ length: LABELLED_QUEUES_MAX + 3 }, (_, row) => `q${9999 - row}`)
    const puts = names.map((name) => store.queue(name).put('a'))
    const last = store.queue(names.at(-1) ?? '')
    await Promise.all([...puts, last.put('b'), last.createGroup('g', { from: 'first' })])
    await store.queue(names.at(-2) ?? '').createGroup('omitted')
    store.stats = () => {
      throw new Error('these are the figures of all queues')
    }
    const text = metricsText(store)
    expect(text).toContain(`qlog_queue_messages{queue="${names.at(-1)}"} 2\n`)
    const shown = [...text.matchAll(/^qlog_queue_messages\{queue="(.*)"\}/gm)].map(([, one]) => one)
    // Of those with one message each the ones that were made first.
    const expected = [...names.slice(0, LABELLED_QUEUES_MAX - 1), names.at(-1)]
    expect(shown).toEqual(expected.sort())
    expect(text).toContain('qlog_queues_omitted 3\n')
    expect(text).toContain('qlog_queues_omitted_messages 3\n')
    expect(text).toContain('qlog_groups_omitted 1\n')
    await store.close()
    expect(metricsText(store)).toContain('qlog_open 0\n')
  })
})

describe('a registry', () => {
  test('tells the same as the text', async () => {
    await inStore(async (store) => {
      const registry = new PromRegistry()
      const stats = store.stats()
      const still = { stats: () => stats }
      registerMetrics(registry, still)
      expect(await registry.metrics()).toBe(metricsText(still))
    })
  })

  test('tells what has happened since, from one look at the store each time', async () => {
    await inStore(async (store) => {
      let looks = 0
      const counted = {
        stats: () => {
          looks++
          return store.stats()
        },
      }
      const registry = new PromRegistry()
      registerMetrics(registry, counted)
      expect(looks).toBe(0)
      expect(await registry.metrics()).toContain('qlog_queue_put_total{queue="orders"} 3\n')
      await store.queue('orders').put('more')
      expect(await registry.metrics()).toContain('qlog_queue_put_total{queue="orders"} 4\n')
      expect(looks).toBe(2)
    })
  })

  test('of OpenMetrics takes the ending off the names of counters, and puts it on again', async () => {
    await inStore(async (store) => {
      const registry = new PromRegistry(true)
      registerMetrics(registry, store)
      for (let round = 0; round < 2; round++) {
        const text = await registry.metrics()
        expect(text).toContain('# TYPE qlog_queue_put counter\n')
        expect(text).toContain('\nqlog_queue_put_total{queue="orders"} 3\n')
        expect(text).toContain('\nqlog_flush_seconds_count ')
      }
    })
  })

  test('may reset what it holds, which changes nothing', async () => {
    await inStore(async (store) => {
      const registry = new PromRegistry()
      registerMetrics(registry, store)
      registry.resetMetrics()
      expect(await registry.metrics()).toContain('qlog_queue_put_total{queue="orders"} 3\n')
    })
  })

  test('takes one store, and says so', async () => {
    await inStore(async (store) => {
      const registry = new PromRegistry()
      registerMetrics(registry, store)
      expect(() => registerMetrics(registry, store)).toThrow('has already been registered')
      expect(() => registerMetrics({} as MetricsRegistry, store)).toThrow(
        expect.objectContaining({ code: 'QLOG_INVALID_ARGUMENT' }),
      )
    })
  })
})

async function inStore(body: (store: Store) => Promise<void>): Promise<void> {
  const store = await openStore(':memory:')
  try {
    await store.queue('orders').putMany(['1', '2', '3'])
    await store.queue('a "quoted" one\\').put('x')
    const session = store.session()
    await session.watch('orders')
    const [first] = await session.reserve()
    await first?.ack()
    await body(store)
  } finally {
    await store.close()
  }
}

/** What prom-client declares of its metrics, as far as a registry's parameter is concerned. */
interface PromMetric {
  get(): Promise<{
    name: string
    help: string
    type: unknown
    aggregator: unknown
    values: { value: number; labels: Partial<Record<string, string | number>> }[]
  }>
  reset(): void
  labels(...values: string[]): unknown
}

/** What its registry does with a metric, whatever that is declared to be. */
interface AnyMetric {
  name: string
  readonly type: string
  reset(): void
  get(): Promise<{
    readonly name: string
    readonly help: string
    readonly type: string
    readonly values: readonly {
      readonly metricName?: string
      readonly labels: Record<string, string | number>
      readonly value: number
    }[]
  }>
}

/** A registry that takes, asks and prints metrics the way that of prom-client does. */
class PromRegistry {
  readonly #isOpenMetrics: boolean
  readonly #metrics = new Map<string, AnyMetric>()

  constructor(isOpenMetrics = false) {
    this.#isOpenMetrics = isOpenMetrics
  }

  registerMetric(metric: PromMetric): void {
    const given = metric as unknown as AnyMetric
    const known = this.#metrics.get(given.name)
    if (known && known !== given) {
      throw new Error(`A metric with the name ${given.name} has already been registered.`)
    }
    this.#metrics.set(given.name, given)
  }

  resetMetrics(): void {
    for (const metric of this.#metrics.values()) metric.reset()
  }

  /** All are asked in one turn. */
  async metrics(): Promise<string> {
    const texts = [...this.#metrics.values()].map((metric) => {
      if (this.#isOpenMetrics && metric.type === 'counter') {
        metric.name = metric.name.replace(/_total$/, '')
      }
      return this.#textOf(metric)
    })
    return `${(await Promise.all(texts)).join('\n')}\n`
  }

  async #textOf(metric: AnyMetric): Promise<string> {
    const { name, help, type, values } = await metric.get()
    const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
    for (const { metricName = name, labels, value } of values) {
      const isCounter = this.#isOpenMetrics && type === 'counter'
      const pairs = Object.entries(labels).map(([label, of]) => {
        const text = String(of)
          .replace(/\n/g, '\\n')
          .replace(/\\(?!n)/g, '\\\\')
        return `${label}="${text.replace(/"/g, '\\"')}"`
      })
      const shown = pairs.length > 0 ? `{${pairs.join(',')}}` : ''
      lines.push(`${metricName}${isCounter ? '_total' : ''}${shown} ${value}`)
    }
    return lines.join('\n')
  }
}
