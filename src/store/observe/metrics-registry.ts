/**
 * The metrics of a store in a registry like that of `prom-client`, which its owner hands in: nothing of
 * that package is needed here.
 */
import { QlogTypeError } from '../../errors.ts'
import type { Store } from '../types/store.ts'
import { type MetricStats, metricStatsOf } from './metric-source.ts'
import { METRICS, type Metric, type MetricLabels } from './metrics.ts'

/** What is asked of a registry: that of `prom-client` fits, from its version 13 on. */
export interface MetricsRegistry {
  registerMetric(metric: RegisteredMetric): void
}

/** A metric as a registry asks for it, each time that it is read. */
export interface RegisteredMetric {
  get(): Promise<{
    readonly name: string
    readonly help: string
    readonly values: readonly { readonly value: number; readonly labels: object }[]
  }>
}

/**
 * Puts every metric of {@link METRICS} into the registry, which reads them from `store.stats()` whenever
 * it is read itself, and goes on to tell the last figures once the store is closed. A registry takes each
 * name once: give each store of a process a registry of its own, with labels that tell them apart.
 */
export function registerMetrics(registry: MetricsRegistry, store: Pick<Store, 'stats'>): void {
  if (typeof registry?.registerMetric !== 'function') {
    throw new QlogTypeError('a registry with registerMetric is expected')
  }
  const figures = new SharedStats(store)
  for (const metric of METRICS) registry.registerMetric(new MetricInRegistry(metric, figures))
}

/** A registry asks all its metrics in one turn: they are read from the same figures. */
class SharedStats {
  readonly #store: Pick<Store, 'stats'>
  #stats: MetricStats | undefined

  constructor(store: Pick<Store, 'stats'>) {
    this.#store = store
  }

  get now(): MetricStats {
    if (this.#stats) return this.#stats
    const stats = metricStatsOf(this.#store)
    this.#stats = stats
    queueMicrotask(() => {
      this.#stats = undefined
    })
    return stats
  }
}

class MetricInRegistry implements RegisteredMetric {
  /** Changed by a registry that writes OpenMetrics, where the name of a counter has no `_total`. */
  name: string
  readonly help: string
  readonly type: Metric['type']
  /** How the figures of the workers of a cluster are put together. */
  readonly aggregator = 'sum'
  readonly #metric: Metric
  readonly #figures: SharedStats

  constructor(metric: Metric, figures: SharedStats) {
    this.name = metric.name
    this.help = metric.help
    this.type = metric.type
    this.#metric = metric
    this.#figures = figures
  }

  async get() {
    const { name, help, type, aggregator } = this
    const values = this.#metric.read(this.#figures.now).map(({ suffix, labels, value }) => {
      const sample: { value: number; labels: MetricLabels; metricName?: string } = { value, labels }
      if (suffix !== undefined) sample.metricName = `${name}${suffix}`
      return sample
    })
    return { name, help, type, aggregator, values }
  }

  /** A registry that is told to forget what it counted has nothing to forget here. */
  reset(): void {}
}
